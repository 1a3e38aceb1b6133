/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Items about the network that needs no network card: UNIX sockets and the loopback device. */
#include "tour.h"

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

const struct item network_items[] = {
	{ "unix sockets", unix_pair },
	{ "passed descriptor", passed_descriptor },
	{ "tcp over loopback", tcp },
	{ "tcp refused", tcp_refused },
	{ "udp over loopback", udp },
	{ NULL, NULL },
};
