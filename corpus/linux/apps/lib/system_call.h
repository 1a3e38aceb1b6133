/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A system call as the application makes it, and as the same source does as an ordinary program. */
#ifndef SYSTEM_CALL_H
#define SYSTEM_CALL_H

#ifdef UKL
#define SYSTEM_CALL "call entry_SYSCALL_64"
#define IN_RING_0 1
#else
#define SYSTEM_CALL "syscall"
#define IN_RING_0 0
#endif

/* What the kernel returned, -errno included. */
static inline __attribute__((always_inline))
long system_call(long number, long a, long b, long c, long d, long e, long f)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;
	long result;

	__asm__ volatile(SYSTEM_CALL
		: "=a"(result)
		: "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
		: "rcx", "r11", "memory");
	return result;
}

#endif
