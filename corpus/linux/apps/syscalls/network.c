/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Items about the network that needs no network card: UNIX sockets and the loopback device. */
#include "tour.h"

#include <netinet/in.h>
#include <sys/socket.h>

#define TRANSFER (256L << 10)

static unsigned char pattern(long position)
{
	return position * 17 + (position >> 7);
}

static struct sockaddr_in loopback(int port)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = { htonl(INADDR_LOOPBACK) },
	};
}

static int bound(int type, int port)
{
	struct sockaddr_in address = loopback(port);
	int fd = socket(AF_INET, type, 0), yes = 1;

	expect("setsockopt", 0, setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)));
	expect("bind", 0, bind(fd, (struct sockaddr *)&address, sizeof(address)));
	return fd;
}

static void send_pattern(int fd)
{
	unsigned char *buffer = fresh(2 * PAGE);
	long position = 0, i;

	while (position < TRANSFER) {
		for (i = 0; i < 5000 && position + i < TRANSFER; i++)
			buffer[i] = pattern(position + i);
		expect("sent", i, sys(SYS_write, fd, buffer, i));
		position += i;
	}
}

static void receive_pattern(int fd)
{
	unsigned char *buffer = fresh(4 * PAGE);
	long position = 0, n, i;

	while ((n = succeeds("read", sys(SYS_read, fd, buffer, 4 * PAGE))) > 0) {
		for (i = 0; i < n; i++)
			if (buffer[i] != pattern(position + i))
				expect("a byte", pattern(position + i), buffer[i]);
		position += n;
	}
	expect("received", TRANSFER, position);
}

static void unix_pair(void)
{
	int fds[2], pid;

	expect("socketpair", 0, socketpair(AF_UNIX, SOCK_STREAM, 0, fds));
	pid = child();
	if (pid == 0) {
		sys(SYS_close, fds[0]);
		receive_pattern(fds[1]);
		send_pattern(fds[1]);
		sys(SYS_exit_group, 0);
	}
	sys(SYS_close, fds[1]);
	send_pattern(fds[0]);
	expect("shutdown", 0, shutdown(fds[0], SHUT_WR));
	receive_pattern(fds[0]);
	expect("wait status", 0, reap(pid));
}

/* A descriptor that travels in a message. */
static void passed_descriptor(void)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr header;
	} control = { .header = { CMSG_LEN(sizeof(int)), 0, SOL_SOCKET, SCM_RIGHTS } };
	char byte = 'd';
	struct iovec data = { &byte, 1 };
	struct msghdr message = {
		.msg_iov = &data, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof(control),
	};
	int fds[2], ends[2], got;

	expect("socketpair", 0, socketpair(AF_UNIX, SOCK_STREAM, 0, fds));
	expect("pipe", 0, pipe(ends));
	memcpy(CMSG_DATA(&control.header), &ends[1], sizeof(int));
	expect("sendmsg", 1, sendmsg(fds[0], &message, 0));
	memset(&control, 0, sizeof(control));
	expect("recvmsg", 1, recvmsg(fds[1], &message, 0));
	memcpy(&got, CMSG_DATA(&control.header), sizeof(int));
	expect("write", 1, sys(SYS_write, got, "x", 1));
	expect("read", 1, sys(SYS_read, ends[0], &byte, 1));
	expect("the byte", 'x', byte);
}

static void tcp(void)
{
	struct sockaddr_in address = loopback(7000);
	int listener = bound(SOCK_STREAM, 7000), fd, pid;

	expect("listen", 0, listen(listener, 1));
	pid = child();
	if (pid == 0) {
		sys(SYS_close, listener);
		fd = socket(AF_INET, SOCK_STREAM, 0);
		expect("connect", 0, connect(fd, (struct sockaddr *)&address, sizeof(address)));
		send_pattern(fd);
		expect("shutdown", 0, shutdown(fd, SHUT_WR));
		receive_pattern(fd);
		sys(SYS_exit_group, 0);
	}
	fd = succeeds("accept", accept(listener, NULL, NULL));
	receive_pattern(fd);
	send_pattern(fd);
	sys(SYS_close, fd);
	expect("wait status", 0, reap(pid));
}

static void tcp_refused(void)
{
	struct sockaddr_in address = loopback(7001);

	expect("connect", -ECONNREFUSED,
	       sys(SYS_connect, socket(AF_INET, SOCK_STREAM, 0), &address, sizeof(address)));
}

static void udp(void)
{
	struct sockaddr_in first = loopback(7002), second = loopback(7003), from = { 0 };
	int a = bound(SOCK_DGRAM, 7002), b = bound(SOCK_DGRAM, 7003);
	socklen_t size = sizeof(from);
	char buffer[100];

	expect("sent", 4, sendto(a, "ping", 4, 0, (struct sockaddr *)&second, sizeof(second)));
	expect("received", 4, recvfrom(b, buffer, 100, 0, (struct sockaddr *)&from, &size));
	expect("data", 0, memcmp(buffer, "ping", 4));
	expect("port of the sender", first.sin_port, from.sin_port);
	expect("sent back", 5, sendto(b, "pong!", 5, 0, (struct sockaddr *)&from, sizeof(from)));
	expect("received", 5, sys(SYS_read, a, buffer, 100));
}

const struct item network_items[] = {
	{ "unix sockets", unix_pair },
	{ "passed descriptor", passed_descriptor },
	{ "tcp over loopback", tcp },
	{ "tcp refused", tcp_refused },
	{ "udp over loopback", udp },
	{ NULL, NULL },
};
