/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The init of the applications' guests: an ordinary program that does what
 * /etc/steps says, line by line, and ends the machine.
 *
 *	env NAME=VALUE		for what is started from here on
 *	run STATUS PATH ARG...	starts a program and waits for it
 *	start PATH ARG...	starts one and goes on
 *	stop SIGNAL STATUS	sends what was started a signal and waits for it
 *
 * STATUS is what a shell would have: the exit status, or 128 and the signal.
 * The path @ is the application's: /UKL, or what app= on the kernel's command
 * line says (which is how an ordinary kernel runs it as an ordinary program).
 */
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/io.h>
#include <sys/ioctl.h>
#include <sys/klog.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define DEBUG_EXIT_PORT 0xf4
#define TCSBRK 0x5409 /* asm-generic/ioctls.h; with argument 1: wait until sent */

static int steps, failures;
static pid_t background;

static void prepare(void)
{
	struct ifreq lo = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };
	int fd;

	mount("proc", "/proc", "proc", 0, NULL);
	mount("sysfs", "/sys", "sysfs", 0, NULL);
	mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
	mount("tmpfs", "/tmp", "tmpfs", 0, NULL);
	/* Only the kernel's errors and worse from here on: its lines would land inside ours. */
	klogctl(8 /* SYSLOG_ACTION_CONSOLE_LEVEL */, NULL, 4);
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	ioctl(fd, SIOCSIFFLAGS, &lo);
	close(fd);
}

static _Noreturn void finish(int status)
{
	ioctl(1, TCSBRK, 1);
	if (ioperm(DEBUG_EXIT_PORT, 4, 1) == 0)
		outb(status, DEBUG_EXIT_PORT);
	reboot(RB_POWER_OFF);
	for (;;)
		pause();
}

static const char *path_of(const char *word)
{
	const char *app = getenv("app");

	if (strcmp(word, "@") != 0)
		return word;
	return app ? app : "/UKL";
}

static pid_t start(char **words)
{
	const char *path = path_of(words[0]);
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	words[0] = (char *)path;
	execv(path, words);
	printf("init: %s can't be started: %s\n", path, strerror(errno));
	_exit(127);
}

static int wait_for(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -1;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/* What ran is called by its place in the list, so that the lines are the same for every path. */
static void judge(const char *what, const char *expected, int found)
{
	if (atoi(expected) == found) {
		printf("init: step %d, %s: ended with %d\n", steps, what, found);
		return;
	}
	printf("init: step %d, %s: ended with %d instead of %s\n", steps, what, found, expected);
	failures++;
}

static void step(char *line)
{
	char *words[32], *word;
	int n = 0;

	for (word = strtok(line, " \t\n"); word && n < 31; word = strtok(NULL, " \t\n"))
		words[n++] = word;
	words[n] = NULL;
	if (n == 0 || words[0][0] == '#')
		return;
	steps++;
	if (strcmp(words[0], "env") == 0 && n == 2) {
		putenv(strdup(words[1]));
	} else if (strcmp(words[0], "run") == 0 && n >= 3) {
		judge(words[2], words[1], wait_for(start(words + 2)));
	} else if (strcmp(words[0], "start") == 0 && n >= 2) {
		background = start(words + 1);
	} else if (strcmp(words[0], "stop") == 0 && n == 3) {
		kill(background, atoi(words[1]));
		judge("@", words[2], wait_for(background));
	} else {
		printf("init: step %d is none: %s\n", steps, words[0]);
		failures++;
	}
}

int main(void)
{
	char line[512];
	FILE *file;

	setvbuf(stdout, NULL, _IOLBF, 0);
	prepare();
	file = fopen("/etc/steps", "re");
	if (!file) {
		printf("init: there is no /etc/steps\n");
		finish(2);
	}
	while (fgets(line, sizeof(line), file))
		step(line);
	printf("init: %d steps, %d failures\n", steps, failures);
	finish(failures ? 1 : 0);
}
