/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Running something that faults, and going on behind it. */
#include "faults.h"

OWN struct caught caught;

/* Where the handler goes on: the stack pointer and the instruction that guarded_call noted. */
OWN unsigned long guarded_stack, guarded_resume;

int guarded_call(void (*action)(unsigned long), unsigned long argument);
__asm__(".text\n"
	".global guarded_call\n"
	".type guarded_call, @function\n"
	"guarded_call:\n"
	"	push %rbp\n"
	"	push %rbx\n"
	"	push %r12\n"
	"	push %r13\n"
	"	push %r14\n"
	"	push %r15\n"
	"	sub $8, %rsp\n"
	"	mov %rsp, " OWN_AT("guarded_stack") "\n"
	"	lea 1f(%rip), %rax\n"
	"	mov %rax, " OWN_AT("guarded_resume") "\n"
	"	mov %rdi, %rax\n"
	"	mov %rsi, %rdi\n"
	"	call *%rax\n"
	"	xor %eax, %eax\n"
	"	jmp 2f\n"
	"1:	mov $1, %eax\n"
	"2:	add $8, %rsp\n"
	"	pop %r15\n"
	"	pop %r14\n"
	"	pop %r13\n"
	"	pop %r12\n"
	"	pop %rbx\n"
	"	pop %rbp\n"
	"	ret\n"
	".size guarded_call, . - guarded_call\n");

static void catch(int signal, siginfo_t *info, void *context)
{
	struct sigcontext *registers = context_registers(context);

	caught.signal = signal;
	caught.code = info->si_code;
	caught.address = (long)info->si_addr;
	caught.trap = registers->trapno;
	caught.error = registers->err;
	caught.cr2 = registers->cr2;
	caught.stack = (unsigned long)__builtin_frame_address(0);
	registers->rip = guarded_resume;
	registers->rsp = guarded_stack;
	/* An action may have left TF, AC or DF behind. */
	registers->eflags &= ~(0x100UL | 0x400UL | 0x40000UL);
}

int guarded(void (*action)(unsigned long), unsigned long argument)
{
	static const int signals[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGSYS };
	unsigned int i;

	for (i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		handle(signals[i], catch, SA_ONSTACK);
	memset(&caught, 0, sizeof(caught));
	return guarded_call(action, argument);
}
