/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Signals by the C library, whose restorer makes a call of UKL's kind. */
#include "tour.h"

void handle(int signal, handler_function *handler, unsigned long flags)
{
	struct sigaction action = { .sa_sigaction = handler, .sa_flags = flags | SA_SIGINFO };

	expect("sigaction", 0, sigaction(signal, &action, NULL));
}

long ignore(int signal)
{
	struct sigaction action = { .sa_handler = SIG_IGN };

	return sigaction(signal, &action, NULL) < 0 ? -errno : 0;
}
