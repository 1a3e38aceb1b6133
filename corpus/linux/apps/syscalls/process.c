/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Items about processes: fork, vfork, exec, wait, brk, limits. */
#include "tour.h"

#include <sched.h>
#include <spawn.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/utsname.h>

static void fork_copies(void)
{
	volatile int on_the_stack = 1;
	volatile int *mapped = fresh(PAGE);
	static OWN volatile int in_tls;
	int pid;

	*mapped = 1;
	in_tls = 1;
	pid = child();
	if (pid == 0) {
		on_the_stack = 2;
		*mapped = 2;
		in_tls = 2;
		sys(SYS_exit_group, on_the_stack + *mapped + in_tls);
	}
	expect("wait status", EXITED(6), reap(pid));
	expect("the stack", 1, on_the_stack);
	expect("mapped memory", 1, *mapped);
	expect("thread-local storage", 1, in_tls);
}

/* Each generation forks the next from a function deep down, then all return. */
static int descend(int generation)
{
	volatile int mark = generation * 7;
	int pid;

	if (generation == 0)
		return 1;
	pid = child();
	if (pid == 0) {
		int below = descend(generation - 1);

		sys(SYS_exit_group, mark == generation * 7 ? below + 1 : 0);
	}
	return reap(pid) >> 8;
}

static void generations(void)
{
	expect("ten of them", 11, descend(10));
}

static void vfork_shares_memory(void)
{
	volatile int *written = fresh(PAGE);
	int pid = vfork();

	if (pid == 0) {
		*written = 17;
		_exit(3);
	}
	expect("what the child wrote", 17, *written);
	expect("wait status", EXITED(3), reap(pid));
	pid = vfork();
	if (pid == 0) {
		execve("/bin/witness", witness_arguments, witness_environment);
		_exit(1);
	}
	expect("wait status", WITNESSED, reap(pid));
}

static int cloned(void *argument)
{
	return *(int *)argument + 1;
}

static void clone_with_a_stack(void)
{
	char *stack = fresh(8 * PAGE);
	int value = 30, pid;

	pid = clone(cloned, stack + 8 * PAGE, CLONE_VM | SIGCHLD, &value);
	succeeds("clone", pid);
	expect("wait status", EXITED(31), reap(pid));
	pid = clone(cloned, stack + 8 * PAGE, SIGCHLD, &value);
	succeeds("clone without CLONE_VM", pid);
	expect("wait status", EXITED(31), reap(pid));
}

static void spawned(void)
{
	pid_t pid;

	expect("posix_spawn", 0, posix_spawn(&pid, "/bin/witness", NULL, NULL,
		witness_arguments, witness_environment));
	expect("status of the witness", WITNESSED, reap(pid));
	expect("posix_spawn of nothing", ENOENT, posix_spawn(&pid, "/bin/missing", NULL, NULL,
		witness_arguments, witness_environment));
}

/* A call that fails must leave its caller what it was. */
static void exec_that_fails(void)
{
	/* /UKL is an empty file to an ordinary kernel, and runs already on the other. */
	expect("the application again", IN_RING_0 ? -EBUSY : -ENOEXEC,
	       sys(SYS_execve, "/UKL", witness_arguments, witness_environment));
	expect("a missing file", -ENOENT,
	       sys(SYS_execve, "/bin/missing", witness_arguments, witness_environment));
	expect("a folder", -EACCES, sys(SYS_execve, "/bin", witness_arguments, witness_environment));
	expect("no path", -EFAULT, sys(SYS_execve, 8, witness_arguments, witness_environment));
	expect("no arguments", -EFAULT, sys(SYS_execve, "/bin/witness", 8, witness_environment));
	fork_copies();
}

static void signals_of_exec(void)
{
	int pid = child();

	if (pid == 0) {
		/* Ignored stays ignored, a handler doesn't: the program has none at our address. */
		signal(SIGUSR1, SIG_IGN);
		signal(SIGUSR2, _exit);
		sys(SYS_execve, "/bin/witness", ((char *[]){ "signals", NULL }), witness_environment);
		sys(SYS_exit_group, 1);
	}
	expect("killed by the one that had a handler", SIGUSR2, reap(pid));
}

static void auxiliary_vector(void)
{
	const unsigned char *random = (unsigned char *)getauxval(AT_RANDOM);
	unsigned int i, sum = 0;

	expect("AT_PAGESZ", PAGE, getauxval(AT_PAGESZ));
	expect("AT_CLKTCK", 100, getauxval(AT_CLKTCK));
	expect("AT_UID", 0, getauxval(AT_UID));
	expect("AT_SECURE", 0, getauxval(AT_SECURE));
	expect("there is AT_RANDOM", 1, random != NULL);
	for (i = 0; i < 16; i++)
		sum += random[i];
	expect_at_least("16 random bytes together", 1, sum);
	expect("AT_EXECFN starts at the root", '/', *(char *)getauxval(AT_EXECFN));
}

static void limits_and_names(void)
{
	struct rlimit limit = { 0, 0 }, small = { 7, 7 };
	struct utsname name;
	char comm[16] = "";
	int fds[2];

	expect("prctl", 0, prctl(PR_SET_NAME, "a name of ours"));
	expect("prctl", 0, prctl(PR_GET_NAME, comm));
	expect("the name", 0, strcmp(comm, "a name of ours"));
	expect("uname", 0, uname(&name));
	expect("the machine", 0, strcmp(name.machine, "x86_64"));
	expect("getrlimit", 0, getrlimit(RLIMIT_NOFILE, &limit));
	expect_at_least("descriptors", 8, limit.rlim_cur);
	expect("setrlimit", 0, setrlimit(RLIMIT_NOFILE, &small));
	while (sys(SYS_dup, 1) >= 0)
		;
	expect("one too many", -EMFILE, sys(SYS_pipe, fds));
}

static void scheduling(void)
{
	struct sched_param parameter = { .sched_priority = 1 };

	expect("nice", 5, nice(5));
	expect("getpriority", 5, getpriority(PRIO_PROCESS, 0));
	expect("sched_setscheduler", 0, sys(SYS_sched_setscheduler, 0, SCHED_FIFO, &parameter));
	expect("sched_getscheduler", SCHED_FIFO, sys(SYS_sched_getscheduler, 0));
	expect("sched_yield", 0, sched_yield());
}

const struct item process_items[] = {
	{ "fork and wait", fork_and_wait },
	{ "what fork copies", fork_copies },
	{ "generations of children", generations },
	{ "killed child", killed_child },
	{ "vfork", vfork_shares_memory },
	{ "clone with a stack", clone_with_a_stack },
	{ "exec of an ordinary program", exec_of_a_program },
	{ "posix_spawn", spawned },
	{ "exec of a script", exec_of_a_script },
	{ "exec that fails", exec_that_fails },
	{ "signals behind exec", signals_of_exec },
	{ "brk", brk_grows_and_shrinks },
	{ "auxiliary vector", auxiliary_vector },
	{ "limits and names", limits_and_names },
	{ "scheduling", scheduling },
	{ NULL, NULL },
};
