/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Descriptors: pipes, files, events, filters. */
#include "items.h"

#define TRANSFER (1L << 20)

void pipe_between_processes(void)
{
	unsigned char *buffer = fresh(4 * PAGE);
	long position = 0, n, i;
	int fds[2], pid;

	succeeds("pipe", sys(__NR_pipe, fds));
	pid = child();
	if (pid == 0) {
		sys(__NR_close, fds[0]);
		while (position < TRANSFER) {
			for (i = 0; i < 10000 && position + i < TRANSFER; i++)
				buffer[i] = pattern(position + i);
			expect("written", i, sys(__NR_write, fds[1], buffer, i));
			position += i;
		}
		sys(__NR_exit_group, 0);
	}
	sys(__NR_close, fds[1]);
	while ((n = succeeds("read", sys(__NR_read, fds[0], buffer, 7777))) > 0) {
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

void pipe_without_reader(void)
{
	int fds[2];

	succeeds("pipe", sys(__NR_pipe, fds));
	sys(__NR_close, fds[0]);
	handle(SIGPIPE, on_broken_pipe, 0);
	expect("write", -EPIPE, sys(__NR_write, fds[1], "x", 1));
	expect("signals", 1, broken);
}

void pipe_that_does_not_wait(void)
{
	char *buffer = fresh(PAGE);
	long room = 0, n;
	int fds[2];

	succeeds("pipe2", sys(__NR_pipe2, fds, O_NONBLOCK));
	expect("read of nothing", -EAGAIN, sys(__NR_read, fds[0], buffer, 1));
	while ((n = sys(__NR_write, fds[1], buffer, 4096)) > 0)
		room += n;
	expect("write to a full pipe", -EAGAIN, n);
	expect("room", 65536, room);
}

void temporary_files(void)
{
	unsigned char buffer[8] = { 0 };
	KERNEL_STAT status;
	char entries[512];
	int fd;

	succeeds("mkdir", sys(__NR_mkdir, "/tmp/folder", 0755));
	fd = succeeds("open", sys(__NR_open, "/tmp/folder/file", O_CREAT | O_EXCL | O_RDWR, 0640));
	expect("open of what exists", -EEXIST,
	       sys(__NR_open, "/tmp/folder/file", O_CREAT | O_EXCL | O_RDWR, 0640));
	expect("write", 5, sys(__NR_write, fd, "hello", 5));
	expect("seek", 100000, sys(__NR_lseek, fd, 100000, SEEK_SET));
	expect("write", 3, sys(__NR_write, fd, "end", 3));
	succeeds("fstat", sys(__NR_fstat, fd, &status));
	expect("size", 100003, status.st_size);
	expect("mode", S_IFREG | 0640, status.st_mode);
	expect("read of the hole", 4, sys(__NR_pread64, fd, buffer, 4, 50000));
	expect("a byte of the hole", 0, buffer[3]);
	expect("read", 5, sys(__NR_pread64, fd, buffer, 5, 0));
	expect("what was written", 0, memcmp(buffer, "hello", 5));
	sys(__NR_close, fd);
	expect("rmdir of a full folder", -ENOTEMPTY, sys(__NR_rmdir, "/tmp/folder"));
	succeeds("rename", sys(__NR_rename, "/tmp/folder/file", "/tmp/moved"));
	fd = succeeds("open", sys(__NR_open, "/tmp/folder", O_RDONLY | O_DIRECTORY));
	expect("bytes of . and ..", 48, sys(__NR_getdents64, fd, entries, sizeof(entries)));
	succeeds("rmdir", sys(__NR_rmdir, "/tmp/folder"));
	succeeds("unlink", sys(__NR_unlink, "/tmp/moved"));
}

void devices(void)
{
	int zero = succeeds("open", sys(__NR_open, "/dev/zero", O_RDWR));
	int null = succeeds("open", sys(__NR_open, "/dev/null", O_RDWR));
	static unsigned char in_data[100];
	unsigned char buffer[100];

	memset(in_data, 1, 100);
	memset(buffer, 1, 100);
	expect("read of zero", 100, sys(__NR_read, zero, buffer, 100));
	expect("a byte", 0, buffer[99]);
	expect("read of zero to data", 100, sys(__NR_read, zero, in_data, 100));
	expect("a byte", 0, in_data[99]);
	expect("read of null", 0, sys(__NR_read, null, buffer, 100));
	expect("write to null", 100, sys(__NR_write, null, buffer, 100));
}

void event_counter(void)
{
	int fd = succeeds("eventfd2", sys(__NR_eventfd2, 3, O_NONBLOCK));
	unsigned long value = 4;

	expect("write", 8, sys(__NR_write, fd, &value, 8));
	expect("read", 8, sys(__NR_read, fd, &value, 8));
	expect("sum", 7, value);
	expect("read of zero", -EAGAIN, sys(__NR_read, fd, &value, 8));
}

void event_poll(void)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLET }, ready[4];
	int poll = succeeds("epoll_create1", sys(__NR_epoll_create1, 0));
	int fds[2], counter, pid;
	unsigned long one = 1;

	succeeds("pipe", sys(__NR_pipe, fds));
	counter = succeeds("eventfd2", sys(__NR_eventfd2, 0, 0));
	EVENT_DATA(event) = 10;
	succeeds("epoll_ctl", sys(__NR_epoll_ctl, poll, EPOLL_CTL_ADD, fds[0], &event));
	EVENT_DATA(event) = 11;
	succeeds("epoll_ctl", sys(__NR_epoll_ctl, poll, EPOLL_CTL_ADD, counter, &event));
	expect("nothing is ready", 0, sys(__NR_epoll_wait, poll, ready, 4, 0));
	pid = child();
	if (pid == 0) {
		sys(__NR_sched_yield);
		sys(__NR_write, fds[1], "x", 1);
		sys(__NR_exit_group, 0);
	}
	expect("ready", 1, sys(__NR_epoll_wait, poll, ready, 4, -1));
	expect("which", 10, EVENT_DATA(ready[0]));
	expect("the same edge again", 0, sys(__NR_epoll_wait, poll, ready, 4, 0));
	sys(__NR_write, counter, &one, 8);
	expect("ready", 1, sys(__NR_epoll_wait, poll, ready, 4, -1));
	expect("which", 11, EVENT_DATA(ready[0]));
	expect("wait status", 0, reap(pid));
}

void filtered_calls(void)
{
	struct sock_filter program[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_getppid, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOTTY),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_gettid, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_getuid, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog filter = { sizeof(program) / sizeof(program[0]), program };
	int pid = child();

	if (pid == 0) {
		handle(SIGSYS, on_broken_pipe, 0);
		succeeds("prctl", sys(__NR_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
		succeeds("seccomp", sys(__NR_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter));
		expect("a refused call", -ENOTTY, sys(__NR_getppid));
		expect("an allowed call", 0, sys(__NR_getgid));
		sys(__NR_gettid);
		expect("signals of a trapped call", 1, broken);
		sys(__NR_getuid);
		sys(__NR_exit_group, 2);
	}
	expect("signal", SIGSYS, reap(pid) & 0x7f);
}
