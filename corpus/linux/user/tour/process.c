/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Items about processes: fork, vfork, exec, wait, brk. */
#include "tour.h"

static void fork_and_wait(void)
{
	int status, i;

	for (i = 0; i < 8; i++) {
		int pid = child();

		if (pid == 0)
			sys(__NR_exit_group, 40 + i);
		expect("wait status", EXITED(40 + i), reap(pid));
	}
	expect("wait4 without children", -ECHILD, sys(__NR_wait4, -1, &status, 0, 0));
}

static void killed_child(void)
{
	int pid = child();

	if (pid == 0)
		for (;;)
			sys(__NR_pause);
	succeeds("kill", sys(__NR_kill, pid, SIGTERM));
	expect("wait status", SIGTERM, reap(pid));
}

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

static void exec_with_arguments(void)
{
	static char *const arguments[] = { "witness", "one", "two words", "", NULL };
	static char *const environment[] = { "TOUR=yes", "EMPTY=", NULL };
	int pid;

	expect("execve of a missing file", -ENOENT,
	       sys(__NR_execve, "/bin/missing", arguments, environment));
	pid = child();
	if (pid == 0)
		sys(__NR_exit_group, -sys(__NR_execve, "/bin/witness", arguments, environment));
	/* The witness checks what it was given and names the first thing that's wrong. */
	expect("status of the witness", EXITED(77), reap(pid));
}

static void exec_of_a_script(void)
{
	static const char script[] = "#!/bin/witness script\n";
	static char *const arguments[] = { "ignored", "last", NULL };
	static char *const environment[] = { NULL };
	int fd, pid;

	fd = succeeds("open", sys(__NR_open, "/tmp/script", O_CREAT | O_WRONLY, 0755));
	sys(__NR_write, fd, script, sizeof(script) - 1);
	sys(__NR_close, fd);
	pid = child();
	if (pid == 0)
		sys(__NR_exit_group, -sys(__NR_execve, "/tmp/script", arguments, environment));
	expect("status of the interpreter", EXITED(78), reap(pid));
	succeeds("unlink", sys(__NR_unlink, "/tmp/script"));
}

static void brk_grows_and_shrinks(void)
{
	unsigned long start = sys(__NR_brk, 0);
	volatile unsigned char *heap = (unsigned char *)start;
	unsigned long i;

	expect("brk up", start + 64 * PAGE, sys(__NR_brk, start + 64 * PAGE));
	for (i = 0; i < 64; i++) {
		expect("a new page", 0, heap[i * PAGE]);
		heap[i * PAGE] = i + 1;
	}
	for (i = 0; i < 64; i++)
		expect("a written page", i + 1, heap[i * PAGE]);
	expect("brk down", start, sys(__NR_brk, start));
	expect("brk up again", start + PAGE, sys(__NR_brk, start + PAGE));
	expect("the page came back empty", 0, heap[0]);
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
	{ "exec", exec_with_arguments },
	{ "exec of a script", exec_of_a_script },
	{ "brk", brk_grows_and_shrinks },
	{ "getrandom", random_bytes },
	{ NULL, NULL },
};
