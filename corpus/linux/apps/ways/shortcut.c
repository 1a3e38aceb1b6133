/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Functions of the kernel that the application calls: TCP's, in place of send() and
 * recv(). Without the option they are these.
 */
#include "ways.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>

/* In a kernel that has them; the objects of an archive may leave weak names open. */
extern __attribute__((weak)) long shortcut_tcp_send(int fd, const void *data, size_t size, int flags);
extern __attribute__((weak)) long shortcut_tcp_recv(int fd, void *data, size_t size, int flags);

static long tcp_send(int fd, const void *data, size_t size, int flags)
{
	if (shortcut_tcp_send)
		return shortcut_tcp_send(fd, data, size, flags);
	return sys(SYS_sendto, fd, data, size, flags, 0, 0);
}

static long tcp_recv(int fd, void *data, size_t size, int flags)
{
	if (shortcut_tcp_recv)
		return shortcut_tcp_recv(fd, data, size, flags);
	return sys(SYS_recvfrom, fd, data, size, flags, 0, 0);
}

static void connected(int fds[2])
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t size = sizeof(address);
	int listener = succeeds("socket", socket(AF_INET, SOCK_STREAM, 0));

	expect("bind", 0, bind(listener, (struct sockaddr *)&address, sizeof(address)));
	expect("listen", 0, listen(listener, 1));
	expect("getsockname", 0, getsockname(listener, (struct sockaddr *)&address, &size));
	fds[0] = succeeds("socket", socket(AF_INET, SOCK_STREAM, 0));
	expect("connect", 0, connect(fds[0], (struct sockaddr *)&address, sizeof(address)));
	fds[1] = accept(listener, NULL, NULL);
	expect("accept", 1, fds[1] >= 0);
	close(listener);
}

static char sent[20000], received[20000];

static void messages(void)
{
	static const int sizes[] = { 1, 2, 100, 1448, 4096, 10000, 20000 };
	unsigned int i, j;
	long at, n;
	int fds[2];

	connected(fds);
	for (i = 0; i < 10 * sizeof(sizes) / sizeof(sizes[0]); i++) {
		int size = sizes[i % (sizeof(sizes) / sizeof(sizes[0]))];

		for (j = 0; j < sizeof(sent); j++) {
			sent[j] = j * 7 + i;
			received[j] = 0;
		}
		expect("sent", size, tcp_send(fds[0], sent, size, 0));
		expect("peeked", 1, tcp_recv(fds[1], received, 1, MSG_PEEK));
		for (at = 0; at < size; at += n) {
			n = tcp_recv(fds[1], received + at, size - at, 0);
			expect("received some", 1, n > 0);
		}
		expect("the same", 0, memcmp(sent, received, size));
	}
}

static void waits(void)
{
	int fds[2], pid, i;
	char byte = 0;

	connected(fds);
	pid = child();
	for (i = 0; i < 300; i++) {
		if (pid == 0) {
			expect("received", 1, tcp_recv(fds[0], &byte, 1, 0));
			byte++;
			expect("sent", 1, tcp_send(fds[0], &byte, 1, 0));
		} else {
			byte = i;
			expect("sent", 1, tcp_send(fds[1], &byte, 1, 0));
			expect("received", 1, tcp_recv(fds[1], &byte, 1, 0));
			expect("the byte", (char)(i + 1), byte);
		}
	}
	if (pid == 0)
		sys(SYS_exit_group, 0);
	reap("the other process", 0, pid);
}

static volatile int caught;

static void count(int signal)
{
	(void)signal;
	caught++;
}

static void interrupted(void)
{
	int fds[2], pid;
	char byte = 0;

	connected(fds);
	caught = 0;
	handle(SIGALRM, count, 0);
	alarm_in(20);
	expect("what a signal ends", -EINTR, tcp_recv(fds[0], &byte, 1, 0));
	expect("caught", 1, caught);
	handle(SIGALRM, count, SA_RESTART);
	pid = child();
	if (pid == 0) {
		nap(60);
		tcp_send(fds[1], "x", 1, 0);
		sys(SYS_exit_group, 0);
	}
	alarm_in(20);
	expect("what goes on", 1, tcp_recv(fds[0], &byte, 1, 0));
	expect("what came", 'x', byte);
	expect("caught", 2, caught);
	reap("the sender", 0, pid);
}

static void errors(void)
{
	int fds[2], pair[2];
	char byte = 'y';

	connected(fds);
	expect("no descriptor", -EBADF, tcp_send(-1, &byte, 1, 0));
	expect("no socket", -ENOTSOCK, tcp_send(1, &byte, 1, 0));
	expect("no socket", -ENOTSOCK, tcp_recv(1, &byte, 1, 0));
	expect("kernel memory", -EFAULT, tcp_send(fds[0], (void *)0xffffffff81000000, 1, 0));
	expect("nothing is there", -EFAULT, tcp_send(fds[0], (void *)4096, 1, 0));
	expect("nothing has come", -EAGAIN, tcp_recv(fds[1], &byte, 1, MSG_DONTWAIT));
	expect("fcntl", 0, fcntl(fds[1], F_SETFL, O_NONBLOCK));
	expect("nothing has come", -EAGAIN, tcp_recv(fds[1], &byte, 1, 0));
	expect("sent", 1, tcp_send(fds[0], &byte, 1, 0));
	expect("to nowhere", -EFAULT, tcp_recv(fds[1], (void *)4096, 1, 0));
	expect("socketpair", 0, socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	expect("to no TCP socket", 1, tcp_send(pair[0], &byte, 1, 0));
	byte = 0;
	expect("from no TCP socket", 1, tcp_recv(pair[1], &byte, 1, 0));
	expect("the byte", 'y', byte);
	caught = 0;
	handle(SIGPIPE, count, 0);
	expect("shutdown", 0, shutdown(fds[0], SHUT_WR));
	expect("behind the end", -EPIPE, tcp_send(fds[0], &byte, 1, MSG_NOSIGNAL));
	expect("no signal", 0, caught);
	expect("behind the end", -EPIPE, tcp_send(fds[0], &byte, 1, 0));
	expect("SIGPIPE", 1, caught);
}

static void filters(void)
{
	char byte = 'z';
	int fds[2];

	connected(fds);
	expect("before", 1, tcp_send(fds[0], &byte, 1, 0));
	forbid(SYS_sendto);
	expect("what is forbidden", -EPERM, tcp_send(fds[0], &byte, 1, 0));
	expect("what isn't", 1, tcp_recv(fds[1], &byte, 1, 0));
}

const struct item shortcut_items[] = {
	{ "shortcuts: messages", messages },
	{ "shortcuts: two processes wait for each other", waits },
	{ "shortcuts: signals", interrupted },
	{ "shortcuts: errors", errors },
	{ "shortcuts: filters", filters },
	{ NULL, NULL },
};
