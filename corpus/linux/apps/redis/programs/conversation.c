/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Talks to a Redis server over loopback, in its protocol and without its
 * library, and checks every answer: what was stored, what is not there, lists, counters,
 * scripts, many commands in one write, values of many sizes, several clients.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static int server, answers;

static _Noreturn void fail(const char *what, const char *found)
{
	printf("redis: FAILED: %s: %s\n", what, found);
	exit(1);
}

static int connect_to_server(void)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_port = htons(6379), .sin_addr = { htonl(INADDR_LOOPBACK) },
	};
	int fd, attempts;

	for (attempts = 0; attempts < 1000; attempts++) {
		fd = socket(AF_INET, SOCK_STREAM, 0);
		if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
			return fd;
		close(fd);
		nanosleep(&(struct timespec){ 0, 20000000 }, NULL); /* it isn't listening yet */
	}
	fail("connect", strerror(errno));
}

static void send_all(const char *data, size_t size)
{
	while (size) {
		ssize_t n = write(server, data, size);

		if (n <= 0)
			fail("write", strerror(errno));
		data += n;
		size -= n;
	}
}

/* Reads exactly so much. */
static void receive(char *data, size_t size)
{
	while (size) {
		ssize_t n = read(server, data, size);

		if (n <= 0)
			fail("read", n ? strerror(errno) : "the connection ended");
		data += n;
		size -= n;
	}
}

/* The answer must be this, byte for byte. */
static void expect(const char *what, const char *expected, size_t size)
{
	char *found = malloc(size + 1);

	receive(found, size);
	found[size] = 0;
	if (memcmp(found, expected, size) != 0)
		fail(what, found);
	free(found);
	answers++;
}

static void ask(const char *command, const char *expected)
{
	send_all(command, strlen(command));
	send_all("\r\n", 2);
	expect(command, expected, strlen(expected));
}

static void fill(char *value, size_t size, unsigned int seed)
{
	size_t i;

	for (i = 0; i < size; i++)
		value[i] = seed * 131 + i * 7 + (i >> 8);
}

/* Binary values from nothing to 200 KB, stored and read back. */
static void values(void)
{
	static const size_t sizes[] = { 0, 1, 10, 100, 1000, 4095, 4096, 16384, 65536, 200000 };
	char *value = malloc(200002), head[128];
	unsigned int i, round;

	for (round = 0; round < 20; round++)
		for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
			size_t size = sizes[i];

			fill(value, size, round + i);
			memcpy(value + size, "\r\n", 2);
			send_all(head, snprintf(head, sizeof(head),
				"*3\r\n$3\r\nSET\r\n$6\r\nkey:%02u\r\n$%zu\r\n", i, size));
			send_all(value, size + 2);
			expect("SET", "+OK\r\n", 5);
			send_all(head, snprintf(head, sizeof(head), "*2\r\n$3\r\nGET\r\n$6\r\nkey:%02u\r\n", i));
			expect("GET, the size", head, snprintf(head, sizeof(head), "$%zu\r\n", size));
			expect("GET, the value", value, size + 2);
		}
	free(value);
}

/* Hundreds of commands in one write. */
static void pipeline(void)
{
	char *commands = malloc(1 << 20), expected[32];
	size_t size = 0;
	int i;

	for (i = 0; i < 2000; i++)
		size += snprintf(commands + size, (1 << 20) - size, "INCR counter:%d\r\n", i % 7);
	send_all(commands, size);
	for (i = 0; i < 2000; i++)
		expect("INCR", expected, snprintf(expected, sizeof(expected), ":%d\r\n", i / 7 + 1));
	free(commands);
}

static void kinds(void)
{
	ask("PING", "+PONG\r\n");
	ask("GET nothing", "$-1\r\n");
	ask("NONSENSE", "-ERR unknown command 'NONSENSE', with args beginning with: \r\n");
	ask("RPUSH list a b c d", ":4\r\n");
	ask("LRANGE list 1 2", "*2\r\n$1\r\nb\r\n$1\r\nc\r\n");
	ask("HSET hash field value", ":1\r\n");
	ask("HGET hash field", "$5\r\nvalue\r\n");
	ask("ZADD sorted 2.5 two 1 one", ":2\r\n");
	ask("ZRANGE sorted 0 -1", "*2\r\n$3\r\none\r\n$3\r\ntwo\r\n");
	ask("ZSCORE sorted two", "$3\r\n2.5\r\n");
	ask("SADD set x y x", ":2\r\n");
	ask("INCRBYFLOAT float 10.25", "$5\r\n10.25\r\n");
	ask("EVAL \"local s = 0 for i = 1, 1000 do s = s + i end return s\" 0", ":500500\r\n");
	ask("EVAL \"return redis.call('get', KEYS[1])\" 1 key:02", "$10\r\n");
}

static void clients(void)
{
	int fds[20], i;

	for (i = 0; i < 20; i++)
		fds[i] = connect_to_server();
	for (i = 0; i < 20; i++) {
		server = fds[(i * 7) % 20];
		ask("INCR clients", i < 9 ? (char[]){ ':', '1' + i, '\r', '\n', 0 } :
			(char[]){ ':', '0' + (i + 1) / 10, '0' + (i + 1) % 10, '\r', '\n', 0 });
	}
	for (i = 1; i < 20; i++)
		close(fds[i]);
	server = fds[0];
}

int main(void)
{
	server = connect_to_server();
	values();
	pipeline();
	kinds();
	receive((char[12]){ 0 }, 12); /* the ten bytes of key:02 and the line's end */
	clients();
	ask("FLUSHALL", "+OK\r\n");
	ask("DBSIZE", ":0\r\n");
	printf("redis: %d answers as expected\n", answers);
	return 0;
}
