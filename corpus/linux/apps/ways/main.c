/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Runs every item in a process of its own, and ends with 0 if all went well. */
#include "ways.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/time.h>

static const struct item *const lists[] = { bypass_items, stack_items, shortcut_items };
static const char *running;

long sys_call(long number, long a, long b, long c, long d, long e, long f)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;
	long result;

	__asm__ volatile(SYSTEM_CALL
		: "=a"(result)
		: "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
		: "rcx", "r11", "memory");
	return result;
}

void expect(const char *what, long expected, long found)
{
	if (expected == found)
		return;
	dprintf(1, "ways: %s FAILED (%s: expected %ld, found %ld)\n", running, what, expected, found);
	sys(SYS_exit_group, 1);
}

int child(void)
{
	int pid = fork();

	return succeeds("fork", pid < 0 ? -errno : pid);
}

void reap(const char *what, int expected, int pid)
{
	int status = -1;

	expect("wait4", pid, sys(SYS_wait4, pid, &status, 0, 0));
	expect(what, expected, status);
}

void handle(int signal, void (*handler)(int), int flags)
{
	struct sigaction action = { .sa_handler = handler, .sa_flags = flags };

	expect("sigaction", 0, sigaction(signal, &action, NULL));
}

long long milliseconds(void)
{
	struct timespec now;

	succeeds("clock_gettime", sys(SYS_clock_gettime, CLOCK_MONOTONIC, &now));
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

void nap(long milliseconds)
{
	struct timespec time = { 0, milliseconds * 1000000 };

	sys(SYS_nanosleep, &time, 0);
}

void alarm_in(long milliseconds)
{
	struct itimerval timer = { .it_value = { 0, milliseconds * 1000 } };

	expect("setitimer", 0, setitimer(ITIMER_REAL, &timer, NULL));
}

void forbid(int number)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof(filter) / sizeof(filter[0]), filter };

	succeeds("no new privileges", sys(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1));
	succeeds("seccomp", sys(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program));
}

static int run(const struct item *item)
{
	int pid, status = -1;

	running = item->name;
	pid = child();
	if (pid == 0) {
		item->run();
		sys(SYS_exit_group, 0);
	}
	sys(SYS_wait4, pid, &status, 0, 0);
	if (status == 0)
		dprintf(1, "ways: %s ok\n", item->name);
	else if (status != EXITED(1)) /* else it has said why */
		dprintf(1, "ways: %s FAILED (wait status %d)\n", item->name, status);
	return status == 0;
}

static void *nothing(void *argument)
{
	return argument;
}

int main(void)
{
	int total = 0, passed = 0;
	const struct item *item;
	pthread_t thread;
	unsigned int i;

	/* What the C library notes of threads is the same for all items then. */
	if (pthread_create(&thread, NULL, nothing, NULL) == 0)
		pthread_join(thread, NULL);
	for (i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		for (item = lists[i]; item->name; item++, total++)
			passed += run(item);
	dprintf(1, "ways: passed %d of %d\n", passed, total);
	return passed == total ? 0 : 1;
}
