/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Items about descriptors: pipes, files, events, filters. */
#include "tour.h"

const struct item file_items[] = {
	{ "pipe", pipe_between_processes },
	{ "pipe without a reader", pipe_without_reader },
	{ "pipe that doesn't wait", pipe_that_does_not_wait },
	{ "temporary files", temporary_files },
	{ "devices", devices },
	{ "eventfd", event_counter },
	{ "epoll", event_poll },
	{ "seccomp", filtered_calls },
	{ NULL, NULL },
};
