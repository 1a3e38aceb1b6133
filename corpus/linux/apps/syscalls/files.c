/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Items about descriptors: pipes, files, events, filters. */
#include "tour.h"

#include <dirent.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/uio.h>

#define TRANSFER (1L << 20)

static unsigned char pattern(long position)
{
	return position * 31 + (position >> 8);
}

static void pipe_between_processes(void)
{
	unsigned char *buffer = fresh(4 * PAGE);
	long position = 0, n, i;
	int fds[2], pid;

	expect("pipe", 0, pipe(fds));
	pid = child();
	if (pid == 0) {
		sys(SYS_close, fds[0]);
		while (position < TRANSFER) {
			for (i = 0; i < 10000 && position + i < TRANSFER; i++)
				buffer[i] = pattern(position + i);
			expect("written", i, sys(SYS_write, fds[1], buffer, i));
			position += i;
		}
		sys(SYS_exit_group, 0);
	}
	sys(SYS_close, fds[1]);
	while ((n = succeeds("read", sys(SYS_read, fds[0], buffer, 7777))) > 0) {
		for (i = 0; i < n; i++)
			if (buffer[i] != pattern(position + i))
				expect("a byte", pattern(position + i), buffer[i]);
		position += n;
	}
	expect("bytes", TRANSFER, position);
	expect("wait status", 0, reap(pid));
}

static OWN volatile int broken;

static void on_broken_pipe(int signal, siginfo_t *info, void *context)
{
	(void)signal;
	(void)info;
	(void)context;
	broken++;
}

static void pipe_without_reader(void)
{
	int fds[2];

	expect("pipe", 0, pipe(fds));
	sys(SYS_close, fds[0]);
	handle(SIGPIPE, on_broken_pipe, 0);
	expect("write", -EPIPE, sys(SYS_write, fds[1], "x", 1));
	expect("signals", 1, broken);
}

static void pipe_that_does_not_wait(void)
{
	char *buffer = fresh(PAGE);
	long room = 0, n;
	int fds[2];

	expect("pipe2", 0, pipe2(fds, O_NONBLOCK));
	expect("read of nothing", -EAGAIN, sys(SYS_read, fds[0], buffer, 1));
	while ((n = sys(SYS_write, fds[1], buffer, 4096)) > 0)
		room += n;
	expect("write to a full pipe", -EAGAIN, n);
	expect("room", 65536, room);
}

static void temporary_files(void)
{
	unsigned char buffer[8] = { 0 };
	char entries[512];
	struct stat status;
	int fd;

	expect("mkdir", 0, mkdir("/tmp/folder", 0755));
	fd = succeeds("open", sys(SYS_open, "/tmp/folder/file", O_CREAT | O_EXCL | O_RDWR, 0640));
	expect("open of what exists", -EEXIST,
	       sys(SYS_open, "/tmp/folder/file", O_CREAT | O_EXCL | O_RDWR, 0640));
	expect("write", 5, sys(SYS_write, fd, "hello", 5));
	expect("seek", 100000, sys(SYS_lseek, fd, 100000, SEEK_SET));
	expect("write", 3, sys(SYS_write, fd, "end", 3));
	expect("fstat", 0, fstat(fd, &status));
	expect("size", 100003, status.st_size);
	expect("mode", S_IFREG | 0640, status.st_mode);
	expect("read of the hole", 4, sys(SYS_pread64, fd, buffer, 4, 50000));
	expect("a byte of the hole", 0, buffer[3]);
	expect("read", 5, sys(SYS_pread64, fd, buffer, 5, 0));
	expect("what was written", 0, memcmp(buffer, "hello", 5));
	sys(SYS_close, fd);
	expect("rmdir of a full folder", -ENOTEMPTY, sys(SYS_rmdir, "/tmp/folder"));
	expect("rename", 0, rename("/tmp/folder/file", "/tmp/moved"));
	fd = succeeds("open", sys(SYS_open, "/tmp/folder", O_RDONLY | O_DIRECTORY));
	expect("bytes of . and ..", 48, sys(SYS_getdents64, fd, entries, sizeof(entries)));
	expect("rmdir", 0, rmdir("/tmp/folder"));
	expect("unlink", 0, unlink("/tmp/moved"));
}

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

static void devices(void)
{
	int zero = succeeds("open", sys(SYS_open, "/dev/zero", O_RDWR));
	int null = succeeds("open", sys(SYS_open, "/dev/null", O_RDWR));
	static unsigned char in_data[100];
	unsigned char buffer[100];

	memset(in_data, 1, 100);
	memset(buffer, 1, 100);
	expect("read of zero", 100, sys(SYS_read, zero, buffer, 100));
	expect("a byte", 0, buffer[99]);
	expect("read of zero to data", 100, sys(SYS_read, zero, in_data, 100));
	expect("a byte", 0, in_data[99]);
	expect("read of null", 0, sys(SYS_read, null, buffer, 100));
	expect("write to null", 100, sys(SYS_write, null, buffer, 100));
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

static void event_counter(void)
{
	int fd = eventfd(3, EFD_NONBLOCK);
	unsigned long value = 4;

	expect("write", 8, sys(SYS_write, fd, &value, 8));
	expect("read", 8, sys(SYS_read, fd, &value, 8));
	expect("sum", 7, value);
	expect("read of zero", -EAGAIN, sys(SYS_read, fd, &value, 8));
}

static void event_poll(void)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLET }, ready[4];
	int poll = epoll_create1(0), fds[2], counter, pid;
	unsigned long one = 1;

	expect("pipe", 0, pipe(fds));
	counter = eventfd(0, 0);
	event.data.u64 = 10;
	expect("epoll_ctl", 0, epoll_ctl(poll, EPOLL_CTL_ADD, fds[0], &event));
	event.data.u64 = 11;
	expect("epoll_ctl", 0, epoll_ctl(poll, EPOLL_CTL_ADD, counter, &event));
	expect("nothing is ready", 0, epoll_wait(poll, ready, 4, 0));
	pid = child();
	if (pid == 0) {
		sys(SYS_sched_yield);
		sys(SYS_write, fds[1], "x", 1);
		sys(SYS_exit_group, 0);
	}
	expect("ready", 1, epoll_wait(poll, ready, 4, -1));
	expect("which", 10, ready[0].data.u64);
	expect("the same edge again", 0, epoll_wait(poll, ready, 4, 0));
	sys(SYS_write, counter, &one, 8);
	expect("ready", 1, epoll_wait(poll, ready, 4, -1));
	expect("which", 11, ready[0].data.u64);
	expect("wait status", 0, reap(pid));
}

static void filtered_calls(void)
{
	struct sock_filter program[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOTTY),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_gettid, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getuid, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog filter = { sizeof(program) / sizeof(program[0]), program };
	int pid = child();

	if (pid == 0) {
		handle(SIGSYS, on_broken_pipe, 0);
		succeeds("prctl", sys(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
		succeeds("seccomp", sys(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter));
		expect("a refused call", -ENOTTY, sys(SYS_getppid));
		expect("an allowed call", 0, sys(SYS_getgid));
		sys(SYS_gettid);
		expect("signals of a trapped call", 1, broken);
		sys(SYS_getuid);
		sys(SYS_exit_group, 2);
	}
	expect("signal", SIGSYS, reap(pid) & 0x7f);
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
