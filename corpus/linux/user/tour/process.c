/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Items about processes: fork, vfork, exec, wait, brk. */
#include "tour.h"

static void orphans_move_to_init(void)
{
	int fds[2], pid, parent = 0;

	succeeds("pipe", sys(__NR_pipe, fds));
	pid = child();
	if (pid == 0) {
		int middle = sys(__NR_getpid);

		if (child() == 0) {
			while (sys(__NR_getppid) == middle)
				sys(__NR_sched_yield);
			parent = sys(__NR_getppid);
			sys(__NR_write, fds[1], &parent, sizeof(parent));
		}
		sys(__NR_exit_group, 0);
	}
	expect("wait status", 0, reap(pid));
	expect("read", sizeof(parent), sys(__NR_read, fds[0], &parent, sizeof(parent)));
	expect("parent of the orphan", 1, parent);
}

static void vfork_shares_memory(void)
{
	volatile int written = 0;
	int pid = sys(__NR_vfork);

	if (pid == 0) {
		written = 17;
		sys(__NR_exit_group, 3);
	}
	expect("what the child wrote", 17, written);
	expect("wait status", EXITED(3), reap(pid));
}

static void random_bytes(void)
{
	unsigned long first[4] = { 0 }, second[4] = { 0 };

	/* GRND_INSECURE: doesn't wait for a pool that a machine without entropy never fills. */
	expect("getrandom", sizeof(first), sys(__NR_getrandom, first, sizeof(first), 4));
	expect("getrandom", sizeof(second), sys(__NR_getrandom, second, sizeof(second), 4));
	expect("two fills are equal", 0, first[0] == second[0] && first[3] == second[3]);
	expect("getrandom to nowhere", -EFAULT, sys(__NR_getrandom, 8, 16, 4));
}

const struct item process_items[] = {
	{ "fork and wait", fork_and_wait },
	{ "killed child", killed_child },
	{ "orphans", orphans_move_to_init },
	{ "vfork", vfork_shares_memory },
	{ "exec", exec_of_a_program },
	{ "exec of a script", exec_of_a_script },
	{ "brk", brk_grows_and_shrinks },
	{ "getrandom", random_bytes },
	{ NULL, NULL },
};
