/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A TCP server that sends back what it gets, to many clients at once, without
 * a C library: epoll says which connection has something, and what could not be sent
 * at once is kept until there is room.
 */
#include <linux/eventpoll.h>
#include <linux/in.h>
#include <linux/socket.h>
#include <asm/unistd.h>

#define PORT 7
#define CONNECTIONS 64
#define ROOM 16384
#define AF_INET 2
#define SOCK_STREAM 1
#define SOCK_NONBLOCK 04000
#define EAGAIN 11

long system_call(long number, ...);
#define call(number, ...) call_padded(number, __VA_ARGS__, 0, 0, 0, 0, 0)
#define call_padded(number, a, b, c, d, e, ...) \
	system_call(number, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e))

/* TCP itself, in a kernel that lets the application call it (CONFIG_UKL_SHORTCUT). */
__attribute__((weak)) long shortcut_tcp_send(int fd, const void *data, unsigned long size, int flags);
__attribute__((weak)) long shortcut_tcp_recv(int fd, void *data, unsigned long size, int flags);

static long send(int fd, const char *data, long size)
{
	return shortcut_tcp_send ? shortcut_tcp_send(fd, data, size, 0) : call(__NR_write, fd, data, size);
}

static long receive(int fd, char *data, long size)
{
	return shortcut_tcp_recv ? shortcut_tcp_recv(fd, data, size, 0) : call(__NR_read, fd, data, size);
}

/* By its descriptor; kept is what came and has not gone yet. */
static struct connection {
	int start, end;
	char kept[ROOM];
} connections[CONNECTIONS];

static int poll;

static void say(const char *text)
{
	long length = 0;

	while (text[length])
		length++;
	call(__NR_write, 1, text, length);
}

static void watch(int operation, int fd, unsigned int events)
{
	struct epoll_event event = { .events = events, .data = fd };

	call(__NR_epoll_ctl, poll, operation, fd, &event);
}

static int listen_on(int port)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_port = (unsigned short)(port << 8 | port >> 8),
	};
	int fd = call(__NR_socket, AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), yes = 1;

	call(__NR_setsockopt, fd, 1 /* SOL_SOCKET */, 2 /* SO_REUSEADDR */, &yes, sizeof(yes));
	if (call(__NR_bind, fd, &address, sizeof(address)) < 0 || call(__NR_listen, fd, 16) < 0)
		return -1;
	return fd;
}

static void accept_from(int listener)
{
	int fd;

	while ((fd = call(__NR_accept4, listener, 0, 0, SOCK_NONBLOCK)) >= 0) {
		if (fd >= CONNECTIONS) {
			call(__NR_close, fd);
			continue;
		}
		connections[fd].start = connections[fd].end = 0;
		watch(EPOLL_CTL_ADD, fd, EPOLLIN);
	}
}

/* Returns whether the connection goes on. */
static int serve(int fd)
{
	struct connection *c = &connections[fd];
	long n;

	for (;;) {
		while (c->start < c->end) {
			n = send(fd, c->kept + c->start, c->end - c->start);
			if (n == -EAGAIN) {
				watch(EPOLL_CTL_MOD, fd, EPOLLOUT);
				return 1;
			}
			if (n < 0)
				return 0;
			c->start += n;
		}
		n = receive(fd, c->kept, ROOM);
		if (n == -EAGAIN) {
			watch(EPOLL_CTL_MOD, fd, EPOLLIN);
			return 1;
		}
		if (n <= 0)
			return 0;
		c->start = 0;
		c->end = n;
	}
}

int main(void)
{
	struct epoll_event events[16];
	int listener = listen_on(PORT), n, i;

	poll = call(__NR_epoll_create1, 0);
	if (listener < 0 || poll < 0) {
		say("echo: no socket\n");
		return 1;
	}
	watch(EPOLL_CTL_ADD, listener, EPOLLIN);
	say("echo: ready\n");
	for (;;) {
		n = call(__NR_epoll_wait, poll, events, 16, -1);
		for (i = 0; i < n; i++) {
			int fd = events[i].data;

			if (fd == listener)
				accept_from(listener);
			else if (!serve(fd))
				call(__NR_close, fd);
		}
	}
}
