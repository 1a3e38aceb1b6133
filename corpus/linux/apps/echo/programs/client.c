/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The other side of the echo server: sends messages over several connections
 * and checks that each comes back as it was; then one stream that is sent
 * faster than it is read.
 */
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CONNECTIONS 8
#define LARGEST 9000
#define STREAM (4 << 20)

static _Noreturn void fail(const char *what, int number)
{
	printf("echo: FAILED: %s, message %d (%s)\n", what, number, strerror(errno));
	exit(1);
}

static int connect_to_server(void)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_port = htons(7), .sin_addr = { htonl(INADDR_LOOPBACK) },
	};
	int fd, attempts;

	for (attempts = 0; attempts < 500; attempts++) {
		fd = socket(AF_INET, SOCK_STREAM, 0);
		if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
			return fd;
		close(fd);
		nanosleep(&(struct timespec){ 0, 20000000 }, NULL); /* it isn't listening yet */
	}
	fail("connect", 0);
}

static unsigned int generator = 1;

static unsigned int random_below(unsigned int limit)
{
	generator = generator * 1103515245 + 12345;
	return (generator >> 8) % limit;
}

static void send_all(int fd, const char *data, size_t size, int number)
{
	while (size) {
		ssize_t n = write(fd, data, size);

		if (n <= 0)
			fail("write", number);
		data += n;
		size -= n;
	}
}

static void receive_all(int fd, char *data, size_t size, int number)
{
	while (size) {
		ssize_t n = read(fd, data, size);

		if (n <= 0)
			fail("read", number);
		data += n;
		size -= n;
	}
}

static void messages(int count)
{
	static char sent[LARGEST], received[LARGEST];
	int fds[CONNECTIONS], i;
	size_t size, j;

	for (i = 0; i < CONNECTIONS; i++)
		fds[i] = connect_to_server();
	for (i = 0; i < count; i++) {
		int fd = fds[random_below(CONNECTIONS)];

		size = 1 + random_below(i % 10 == 0 ? LARGEST : 100);
		for (j = 0; j < size; j++)
			sent[j] = random_below(256);
		send_all(fd, sent, size, i);
		receive_all(fd, received, size, i);
		if (memcmp(sent, received, size) != 0)
			fail("other bytes came back", i);
		if (i % 500 == 499) { /* now and then a new connection */
			close(fds[i / 500 % CONNECTIONS]);
			fds[i / 500 % CONNECTIONS] = connect_to_server();
		}
	}
	for (i = 0; i < CONNECTIONS; i++)
		close(fds[i]);
	printf("echo: %d messages came back as sent\n", count);
}

static char pattern(long position)
{
	return position * 37 + (position >> 9);
}

static void stream(void)
{
	static char buffer[65536];
	struct pollfd both = { .fd = connect_to_server(), .events = POLLIN | POLLOUT };
	long sent = 0, received = 0, n, i;

	while (received < STREAM) {
		poll(&both, 1, -1);
		if (both.revents & POLLOUT && sent < STREAM) {
			for (i = 0; i < (long)sizeof(buffer) && sent + i < STREAM; i++)
				buffer[i] = pattern(sent + i);
			n = send(both.fd, buffer, i, MSG_DONTWAIT);
			if (n < 0)
				fail("send", sent);
			sent += n;
		}
		if (sent == STREAM)
			both.events = POLLIN;
		if (!(both.revents & POLLIN))
			continue;
		n = read(both.fd, buffer, 10000);
		if (n <= 0)
			fail("read", received);
		for (i = 0; i < n; i++)
			if (buffer[i] != pattern(received + i))
				fail("another byte of the stream", received + i);
		received += n;
	}
	printf("echo: a stream of %d bytes came back as sent\n", STREAM);
}

int main(int argc, char **argv)
{
	messages(argc > 1 ? atoi(argv[1]) : 1000);
	stream();
	return 0;
}
