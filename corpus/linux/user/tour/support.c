/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Signals as a C library would have them, and CPUID. */
#include "tour.h"

/* The kernel jumps here when a handler returns (SA_RESTORER). */
void signal_return(void);
__asm__(".text\n"
	".global signal_return\n"
	".type signal_return, @function\n"
	"signal_return:\n"
	"	mov $15, %eax\n" /* __NR_rt_sigreturn */
	"	syscall\n"
	".size signal_return, . - signal_return\n");

void handle(int signal, handler_function *handler, unsigned long flags)
{
	struct sigaction action = {
		.sa_handler = (__sighandler_t)(void *)handler,
		.sa_flags = flags | SA_SIGINFO | SA_RESTORER,
		.sa_restorer = signal_return,
	};

	succeeds("rt_sigaction", sys(__NR_rt_sigaction, signal, &action, 0, sizeof(sigset_t)));
}

long ignore(int signal)
{
	struct sigaction action = { .sa_handler = SIG_IGN };

	return sys(__NR_rt_sigaction, signal, &action, 0, sizeof(sigset_t));
}

struct cpuid cpuid(unsigned int leaf, unsigned int subleaf)
{
	struct cpuid result;

	__asm__ volatile("cpuid"
		: "=a"(result.eax), "=b"(result.ebx), "=c"(result.ecx), "=d"(result.edx)
		: "a"(leaf), "c"(subleaf));
	return result;
}
