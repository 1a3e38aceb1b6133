/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The init of the selftests guest: runs the kernel's own x86 selftests, one
 * after the other in the order of /selftests/list, each as the kernel's
 * run_kselftest would, and says how each ended.
 */
#include "user.h"

#define SKIPPED 4 /* KSFT_SKIP of kselftest.h */
#define SECONDS 120

static char list[4096];

struct tally {
	int passed, failed, skipped;
};

static int run(const char *name)
{
	static char *const environment[] = { "HOME=/", "TERM=dumb", NULL };
	char path[64] = "/selftests/";
	char *arguments[] = { path, NULL };
	int pid, status = -1;

	strlcat(path, name, sizeof(path));
	pid = sys(__NR_fork);
	if (pid == 0) {
		sys(__NR_alarm, SECONDS); /* one that hangs ends by SIGALRM; a busy host is slow */
		sys(__NR_setsid);
		sys(__NR_execve, path, arguments, environment);
		sys(__NR_exit_group, 127);
	}
	/* A test may leave children behind, which become ours. */
	while (sys(__NR_wait4, -1, &status, 0, 0) != pid)
		;
	return status;
}

static void judge(const char *name, int status, struct tally *tally)
{
	struct line line = { .length = 0 };

	line_text(&line, "selftest: ");
	line_text(&line, name);
	if (status == 0) {
		tally->passed++;
		line_text(&line, " pass");
	} else if (status == SKIPPED << 8) {
		tally->skipped++;
		line_text(&line, " skip");
	} else if (status & 0x7f) {
		tally->failed++;
		line_text(&line, " fail by signal ");
		line_number(&line, status & 0x7f);
	} else {
		tally->failed++;
		line_text(&line, " fail with status ");
		line_number(&line, status >> 8);
	}
	line_end(&line);
}

static void sum_up(const struct tally *tally)
{
	struct line line = { .length = 0 };

	line_text(&line, "selftests: passed ");
	line_number(&line, tally->passed);
	line_text(&line, ", failed ");
	line_number(&line, tally->failed);
	line_text(&line, ", skipped ");
	line_number(&line, tally->skipped);
	line_end(&line);
}

int main(void)
{
	struct tally tally = { 0, 0, 0 };
	char *name = list, *end;
	int fd;

	sys(__NR_syslog, 8 /* SYSLOG_ACTION_CONSOLE_LEVEL */, 0, 4);
	mount_all();
	fd = sys(__NR_open, "/selftests/list", O_RDONLY);
	if (sys(__NR_read, fd, list, sizeof(list) - 1) <= 0) {
		say("selftests: there is no list");
		finish(1);
	}
	for (; (end = strchr(name, '\n')); name = end + 1) {
		*end = '\0';
		judge(name, run(name), &tally);
	}
	sum_up(&tally);
	finish(tally.failed ? 1 : 0);
}
