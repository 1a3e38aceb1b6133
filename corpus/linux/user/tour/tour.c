/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The init of the tour: runs every item, says how each went, ends the machine. */
#include "tour.h"

#include <linux/sockios.h>

static const struct item *const lists[] = {
	process_items, memory_items, fault_items, signal_items, register_items,
	time_items, thread_items, file_items, network_items, trace_items,
};

static unsigned long *auxiliary_vector;

unsigned long auxiliary(unsigned long type)
{
	const unsigned long *entry;

	for (entry = auxiliary_vector; entry[0] != 0; entry += 2)
		if (entry[0] == type)
			return entry[1];
	return 0;
}

/* linux/if.h needs a C library; this is its struct ifreq as SIOCSIFFLAGS reads it. */
static void bring_up_loopback(void)
{
	struct {
		char name[16];
		short flags;
		char rest[22];
	} lo = { .name = "lo", .flags = 0x41 /* IFF_UP | IFF_RUNNING */ };
	int fd = sys(__NR_socket, AF_INET, SOCK_DGRAM, 0);

	sys(__NR_ioctl, fd, SIOCSIFFLAGS, &lo);
	sys(__NR_close, fd);
}

int main(int argc, char **argv, char **environment)
{
	unsigned int i;

	(void)argc;
	(void)argv;
	while (*environment)
		environment++;
	auxiliary_vector = (unsigned long *)(environment + 1);

	/* Only the kernel's errors and worse from here on: its lines would land inside ours. */
	sys(__NR_syslog, 8 /* SYSLOG_ACTION_CONSOLE_LEVEL */, 0, 4);
	mount_all();
	bring_up_loopback();
	for (i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		run_list(lists[i]);
	finish(summary());
}
