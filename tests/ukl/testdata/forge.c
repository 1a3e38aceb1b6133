/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An ordinary program that asks for the code segment value by which the kernel
 * marks frames of the application in its image, by all ways that there are for a
 * program to write that field: it would run in ring 0.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/io.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#define UKL_CS 0xc3

static void forge(int signal, siginfo_t *info, void *context)
{
	greg_t *segments = &((ucontext_t *)context)->uc_mcontext.gregs[REG_CSGSFS];

	*segments = (*segments & ~0xffffL) | UKL_CS;
}

static void by_sigreturn(void)
{
	struct sigaction action = { .sa_sigaction = forge, .sa_flags = SA_SIGINFO };
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		sigaction(SIGUSR1, &action, NULL);
		raise(SIGUSR1);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	printf("forge: sigreturn: killed by signal %d\n", WIFSIGNALED(status) ? WTERMSIG(status) : 0);
}

static void by_ptrace(void)
{
	struct user_regs_struct registers;
	int status, result;
	pid_t pid = fork();

	if (pid == 0) {
		ptrace(PTRACE_TRACEME, 0, 0, 0);
		raise(SIGSTOP);
		_exit(3);
	}
	waitpid(pid, &status, 0);
	ptrace(PTRACE_GETREGS, pid, 0, &registers);
	registers.cs = UKL_CS;
	errno = 0;
	result = ptrace(PTRACE_SETREGS, pid, 0, &registers);
	printf("forge: ptrace: %d, errno %d\n", result, errno);
	ptrace(PTRACE_CONT, pid, 0, 0);
	waitpid(pid, &status, 0);
	printf("forge: ptrace: the tracee ended with %d\n", WEXITSTATUS(status));
}

int main(void)
{
	by_sigreturn();
	by_ptrace();
	fflush(stdout);
	usleep(100000);
	ioperm(0xf4, 4, 1);
	outb(0, 0xf4);
	return 0;
}
