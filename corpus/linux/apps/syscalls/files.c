/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Items about descriptors: pipes, files, events, filters. */
#include "tour.h"

#include <poll.h>
#include <stdio.h>
#include <sys/sendfile.h>
#include <sys/uio.h>

/* From and to all that the application has: stack, heap, data, constants. */
static void vectors(void)
{
	static const char constant[] = "constant ";
	static char data[] = "data ", into_data[8];
	char stack[] = "stack ", into_stack[8], *mapped = fresh(2 * PAGE);
	struct iovec from[4], to[3];
	int fds[2];

	strcpy(mapped, "mapped ");
	from[0] = (struct iovec){ (void *)constant, 9 };
	from[1] = (struct iovec){ data, 5 };
	from[2] = (struct iovec){ stack, 6 };
	from[3] = (struct iovec){ mapped, 7 };
	to[0] = (struct iovec){ into_data, 8 };
	to[1] = (struct iovec){ into_stack, 8 };
	to[2] = (struct iovec){ mapped + PAGE, 20 };
	expect("pipe", 0, pipe(fds));
	expect("writev", 27, writev(fds[1], from, 4));
	expect("readv", 27, readv(fds[0], to, 3));
	expect("in data", 0, memcmp(into_data, "constant", 8));
	expect("on the stack", 0, memcmp(into_stack, " data st", 8));
	expect("in mapped memory", 0, memcmp(mapped + PAGE, "ack mapped ", 11));
}

static void sent_file(void)
{
	int from = succeeds("open", sys(SYS_open, "/bin/witness", O_RDONLY));
	int to = succeeds("open", sys(SYS_open, "/tmp/copy", O_CREAT | O_RDWR, 0600));
	unsigned char *first = fresh(16 * PAGE), *second = first + 8 * PAGE;
	off_t offset = 100;

	expect("sendfile", 8 * PAGE - 100, sendfile(to, from, &offset, 8 * PAGE - 100));
	expect("offset", 8 * PAGE, offset);
	expect("pread", 8 * PAGE - 100, pread(from, first, 8 * PAGE - 100, 100));
	expect("pread", 8 * PAGE - 100, pread(to, second, 8 * PAGE, 0));
	expect("difference", 0, memcmp(first, second, 8 * PAGE - 100));
	expect("unlink", 0, unlink("/tmp/copy"));
}

/* Without a FILE: the C library would allocate it, see allocated() in memory.c. */
static void formatted(void)
{
	char text[64], word[16] = "";
	double value = 0;

	expect("snprintf", 18, snprintf(text, sizeof(text), "%d %s %.3f %x", -12, "words", 2.0 / 3, 0xab));
	expect("text", 0, strcmp(text, "-12 words 0.667 ab"));
	expect("sscanf", 2, sscanf(text, "%*d %15s %lf", word, &value));
	expect("a word", 0, strcmp(word, "words"));
	expect("thousandths", 667, (long)(value * 1000 + 0.5));
}

static void locks(void)
{
	struct flock lock = { .l_type = F_WRLCK, .l_len = 10 };
	int fd = succeeds("open", sys(SYS_open, "/tmp/locked", O_CREAT | O_RDWR, 0600)), pid;

	expect("F_SETLK", 0, fcntl(fd, F_SETLK, &lock));
	pid = child();
	if (pid == 0) {
		expect("F_SETLK of what is locked", -1, fcntl(fd, F_SETLK, &lock));
		expect("errno", EAGAIN, errno);
		expect("F_GETLK", 0, fcntl(fd, F_GETLK, &lock));
		expect("by whom", getppid(), lock.l_pid);
		sys(SYS_exit_group, 0);
	}
	expect("wait status", 0, reap(pid));
	expect("unlink", 0, unlink("/tmp/locked"));
}

static void polled(void)
{
	struct pollfd sets[2];
	struct timeval soon = { 0, 3 * MILLISECOND_US };
	int fds[2];
	fd_set set;

	expect("pipe", 0, pipe(fds));
	sets[0] = (struct pollfd){ .fd = fds[0], .events = POLLIN };
	sets[1] = (struct pollfd){ .fd = fds[1], .events = POLLOUT };
	expect("poll", 1, poll(sets, 2, 0));
	expect("the writing end", POLLOUT, sets[1].revents);
	FD_ZERO(&set);
	FD_SET(fds[0], &set);
	expect("select of nothing", 0, select(fds[0] + 1, &set, NULL, NULL, &soon));
	expect("write", 1, sys(SYS_write, fds[1], "x", 1));
	expect("poll", 2, poll(sets, 2, -1));
	FD_SET(fds[0], &set);
	expect("select", 1, select(fds[0] + 1, &set, NULL, NULL, NULL));
}

const struct item file_items[] = {
	{ "pipe", pipe_between_processes },
	{ "pipe without a reader", pipe_without_reader },
	{ "pipe that doesn't wait", pipe_that_does_not_wait },
	{ "temporary files", temporary_files },
	{ "vectors", vectors },
	{ "sendfile", sent_file },
	{ "devices", devices },
	{ "formatted input and output", formatted },
	{ "file locks", locks },
	{ "poll and select", polled },
	{ "eventfd", event_counter },
	{ "epoll", event_poll },
	{ "seccomp", filtered_calls },
	{ NULL, NULL },
};
