/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Processes: fork, exec, wait, brk. */
#include "items.h"

void fork_and_wait(void)
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

void killed_child(void)
{
	struct timespec soon = { 0, 10 * MILLISECOND_NS };
	int pid = child();

	if (pid == 0)
		for (;;)
			sys(__NR_pause);
	succeeds("kill", sys(__NR_kill, pid, SIGTERM));
	expect("wait status", SIGTERM, reap(pid));
	pid = child();
	if (pid == 0)
		for (;;)
			; /* killed out of its own instructions, not out of a call */
	succeeds("nanosleep", sys(__NR_nanosleep, &soon, 0));
	succeeds("kill", sys(__NR_kill, pid, SIGKILL));
	expect("wait status", SIGKILL, reap(pid));
}

char *const witness_arguments[] = { "witness", "one", "two words", "", NULL };
char *const witness_environment[] = { "TOUR=yes", "EMPTY=", NULL };

void exec_of_a_program(void)
{
	int pid, i;

	expect("execve of a missing file", -ENOENT,
	       sys(__NR_execve, "/bin/missing", witness_arguments, witness_environment));
	for (i = 0; i < 3; i++) {
		pid = child();
		if (pid == 0)
			sys(__NR_exit_group, -sys(__NR_execve, "/bin/witness", witness_arguments, witness_environment));
		/* The witness checks what it was given and names the first thing that's wrong. */
		expect("status of the witness", WITNESSED, reap(pid));
	}
}

void exec_of_a_script(void)
{
	static const char script[] = "#!/bin/witness script\n";
	static char *const arguments[] = { "ignored", "last", NULL };
	static char *const environment[] = { NULL };
	int fd, pid;

	fd = succeeds("open", sys(__NR_open, "/tmp/script", O_CREAT | O_WRONLY, 0755));
	expect("write", sizeof(script) - 1, sys(__NR_write, fd, script, sizeof(script) - 1));
	sys(__NR_close, fd);
	pid = child();
	if (pid == 0)
		sys(__NR_exit_group, -sys(__NR_execve, "/tmp/script", arguments, environment));
	expect("status of the interpreter", WITNESSED_SCRIPT, reap(pid));
	succeeds("unlink", sys(__NR_unlink, "/tmp/script"));
}

/* The first page is let alone: a C library may have put something there. */
void brk_grows_and_shrinks(void)
{
	unsigned long start = sys(__NR_brk, 0);
	volatile unsigned char *heap = (unsigned char *)start;
	unsigned long i;

	expect("brk up", start + 64 * PAGE, sys(__NR_brk, start + 64 * PAGE));
	for (i = 1; i < 64; i++) {
		expect("a new page", 0, heap[i * PAGE]);
		heap[i * PAGE] = i + 1;
	}
	for (i = 1; i < 64; i++)
		expect("a written page", i + 1, heap[i * PAGE]);
	expect("brk down", start, sys(__NR_brk, start));
	expect("brk up again", start + 2 * PAGE, sys(__NR_brk, start + 2 * PAGE));
	expect("the page came back empty", 0, heap[PAGE]);
}
