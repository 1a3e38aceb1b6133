/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Items about the network that needs no network card: UNIX sockets and the loopback device. */
#include "tour.h"

const struct item network_items[] = {
	{ "unix sockets", unix_pair },
	{ "tcp over loopback", tcp },
	{ "tcp refused", tcp_refused },
	{ "udp over loopback", udp },
	{ NULL, NULL },
};
