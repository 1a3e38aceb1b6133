/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Items about signals: handlers, masks, stacks, restarted calls. */
#include "tour.h"

static void stop_and_continue(void)
{
	int pid = child(), status = 0;

	if (pid == 0) {
		send_self(SIGSTOP);
		sys(__NR_exit_group, 6);
	}
	expect("wait4", pid, sys(__NR_wait4, pid, &status, 2 /* WUNTRACED */, 0));
	expect("stopped", (SIGSTOP << 8) | 0x7f, status);
	succeeds("kill", sys(__NR_kill, pid, SIGCONT));
	expect("wait status", EXITED(6), reap(pid));
}

const struct item signal_items[] = {
	{ "signal information", signal_information },
	{ "nested signals", nested_signals },
	{ "blocked signals", blocked_signals },
	{ "alternate signal stack", alternate_stack_in_data },
	{ "restarted call", restarted_call },
	{ "interrupted call", interrupted_call },
	{ "interrupted sleep", interrupted_sleep },
	{ "ignored and default signals", ignored_and_default_signals },
	{ "signals of children", signals_of_children },
	{ "stop and continue", stop_and_continue },
	{ "signalfd", signal_descriptor },
	{ NULL, NULL },
};
