/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The network that needs no network card: UNIX sockets and the loopback device, which is up. */
#include "items.h"

#define TRANSFER (256L << 10)

static struct sockaddr_in loopback(int port)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_port = (unsigned short)(port << 8 | port >> 8),
		.sin_addr = { 0x0100007f },
	};
}

static int open_socket(int type)
{
	return succeeds("socket", sys(__NR_socket, AF_INET, type, 0));
}

static int bound(int type, int port)
{
	struct sockaddr_in address = loopback(port);
	int fd = open_socket(type), yes = 1;

	succeeds("setsockopt", sys(__NR_setsockopt, fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)));
	succeeds("bind", sys(__NR_bind, fd, &address, sizeof(address)));
	return fd;
}

static void send_pattern(int fd)
{
	unsigned char *buffer = fresh(2 * PAGE);
	long position = 0, i;

	while (position < TRANSFER) {
		for (i = 0; i < 5000 && position + i < TRANSFER; i++)
			buffer[i] = pattern(position + i);
		expect("sent", i, sys(__NR_write, fd, buffer, i));
		position += i;
	}
}

static void receive_pattern(int fd)
{
	unsigned char *buffer = fresh(4 * PAGE);
	long position = 0, n, i;

	while ((n = succeeds("read", sys(__NR_read, fd, buffer, 4 * PAGE))) > 0) {
		for (i = 0; i < n; i++)
			if (buffer[i] != pattern(position + i))
				expect("a byte", pattern(position + i), buffer[i]);
		position += n;
	}
	expect("received", TRANSFER, position);
}

void unix_pair(void)
{
	int fds[2], pid;

	succeeds("socketpair", sys(__NR_socketpair, AF_UNIX, SOCK_STREAM, 0, fds));
	pid = child();
	if (pid == 0) {
		sys(__NR_close, fds[0]);
		receive_pattern(fds[1]);
		send_pattern(fds[1]);
		sys(__NR_exit_group, 0);
	}
	sys(__NR_close, fds[1]);
	send_pattern(fds[0]);
	succeeds("shutdown", sys(__NR_shutdown, fds[0], SHUT_WR));
	receive_pattern(fds[0]);
	expect("wait status", 0, reap(pid));
}

void tcp(void)
{
	struct sockaddr_in address = loopback(7000);
	int listener = bound(SOCK_STREAM, 7000), fd, pid;

	succeeds("listen", sys(__NR_listen, listener, 1));
	pid = child();
	if (pid == 0) {
		sys(__NR_close, listener);
		fd = open_socket(SOCK_STREAM);
		succeeds("connect", sys(__NR_connect, fd, &address, sizeof(address)));
		send_pattern(fd);
		succeeds("shutdown", sys(__NR_shutdown, fd, SHUT_WR));
		receive_pattern(fd);
		sys(__NR_exit_group, 0);
	}
	fd = succeeds("accept", sys(__NR_accept, listener, 0, 0));
	receive_pattern(fd);
	send_pattern(fd);
	sys(__NR_close, fd);
	expect("wait status", 0, reap(pid));
}

void tcp_refused(void)
{
	struct sockaddr_in address = loopback(7001);

	expect("connect", -ECONNREFUSED,
	       sys(__NR_connect, open_socket(SOCK_STREAM), &address, sizeof(address)));
}

void udp(void)
{
	struct sockaddr_in first = loopback(7002), second = loopback(7003), from = { 0 };
	unsigned int size = sizeof(from);
	int a = bound(SOCK_DGRAM, 7002), b = bound(SOCK_DGRAM, 7003);
	char buffer[100];

	expect("sent", 4, sys(__NR_sendto, a, "ping", 4, 0, &second, sizeof(second)));
	expect("received", 4, sys(__NR_recvfrom, b, buffer, 100, 0, &from, &size));
	expect("data", 0, memcmp(buffer, "ping", 4));
	expect("port of the sender", first.sin_port, from.sin_port);
	expect("sent back", 5, sys(__NR_sendto, b, "pong!", 5, 0, &from, sizeof(from)));
	expect("received", 5, sys(__NR_read, a, buffer, 100));
}
