// SPDX-License-Identifier: GPL-2.0-or-later

package mini

// structure is one of C, as the guest has it. Its fields have the names and the
// order of Linux 6.1, the ones that the guest has no use for left out. What is
// seen from outside (pt_regs, the frames of signals, the TSS) has every field at
// the place where Linux and the CPU have it.
type structure struct {
	name   string
	fields string
	union  bool
	packed bool
	align  int
}

// structures are in an order in which each knows those that it contains. Both
// the sources' constants and the types in .BTF are made of this.
var structures = []structure{
	{name: "list_head", fields: "struct list_head *next; struct list_head *prev"},
	{name: "sigset_t", fields: "unsigned long sig[1]"},

	// arch/x86/include/asm/ptrace.h
	{name: "pt_regs", fields: `
		unsigned long r15; unsigned long r14; unsigned long r13; unsigned long r12; unsigned long bp; unsigned long bx
		unsigned long r11; unsigned long r10; unsigned long r9; unsigned long r8
		unsigned long ax; unsigned long cx; unsigned long dx; unsigned long si; unsigned long di
		unsigned long orig_ax
		unsigned long ip; unsigned long cs; unsigned long flags; unsigned long sp; unsigned long ss`},
	// arch/x86/include/asm/switch_to.h
	{name: "inactive_task_frame", fields: `
		unsigned long r15; unsigned long r14; unsigned long r13; unsigned long r12; unsigned long bx; unsigned long bp
		unsigned long ret_addr`},
	{name: "fork_frame", fields: "struct inactive_task_frame frame; struct pt_regs regs"},

	// arch/x86/include/asm/processor.h: what LTR points the CPU at.
	{name: "x86_hw_tss", packed: true, fields: `
		u32 reserved1
		u64 sp0; u64 sp1; u64 sp2
		u64 reserved2
		u64 ist[7]
		u32 reserved3; u32 reserved4
		u16 reserved5; u16 io_bitmap_base`},
	{name: "tss_struct", fields: "struct x86_hw_tss x86_tss"},
	{name: "desc_struct", fields: "u16 limit0; u16 base0; u16 bits1; u16 bits2"},
	{name: "gate_struct", packed: true, fields: "u16 offset_low; u16 segment; u16 bits; u16 offset_middle; u32 offset_high; u32 reserved"},
	{name: "gdt_page", fields: "struct desc_struct gdt[16]"},
	{name: "fixed_percpu_data", fields: "char gs_base[40]; unsigned long stack_canary"},

	// arch/x86/include/asm/fpu/types.h
	{name: "fxregs_state", align: 16, fields: `
		u16 cwd; u16 swd; u16 twd; u16 fop
		u64 rip; u64 rdp
		u32 mxcsr; u32 mxcsr_mask
		u32 st_space[32]; u32 xmm_space[64]; u32 padding[12]; u32 sw_reserved[12]`},
	{name: "fpregs_state", union: true, align: 64, fields: "struct fxregs_state fxsave; u8 __padding[640]"},
	{name: "fpstate", fields: `
		unsigned int size; unsigned int user_size
		u64 xfeatures; u64 user_xfeatures; u64 xfd
		struct fpregs_state regs`},
	{name: "fpu", fields: "unsigned int last_cpu; unsigned long avx512_timestamp; struct fpstate *fpstate; struct fpstate __fpstate"},

	{name: "thread_info", fields: "unsigned long flags; unsigned long syscall_work; u32 status"},
	{name: "thread_struct", fields: `
		struct desc_struct tls_array[3]
		unsigned long sp
		unsigned short es; unsigned short ds; unsigned short fsindex; unsigned short gsindex
		unsigned long fsbase; unsigned long gsbase
		unsigned long cr2; unsigned long trap_nr; unsigned long error_code
		struct fpu fpu`},
	{name: "restart_block", fields: "unsigned long arch_data; void *fn; unsigned long arg0; unsigned long arg1"},

	// include/linux/mm_types.h
	{name: "vm_area_struct", fields: `
		unsigned long vm_start; unsigned long vm_end
		struct vm_area_struct *vm_next
		struct mm_struct *vm_mm
		unsigned long vm_page_prot; unsigned long vm_flags`},
	{name: "mm_struct", fields: `
		struct vm_area_struct *mmap
		unsigned long task_size
		unsigned long *pgd
		int mm_users; int mm_count
		unsigned long start_code; unsigned long end_code; unsigned long start_data; unsigned long end_data
		unsigned long start_brk; unsigned long brk; unsigned long start_stack
		unsigned long arg_start; unsigned long arg_end; unsigned long env_start; unsigned long env_end
		unsigned long mmap_base
		struct vm_area_struct vmas[16]`},

	// include/linux/signal_types.h
	{name: "sigaction", fields: "void *sa_handler; unsigned long sa_flags; void *sa_restorer; struct sigset_t sa_mask"},
	{name: "k_sigaction", fields: "struct sigaction sa"},
	{name: "sighand_struct", fields: "int count; struct k_sigaction action[64]"},
	{name: "sigpending", fields: "struct list_head list; struct sigset_t signal"},

	// The guest's own: a signal's si_code and its address or pid.
	{name: "pending_info", fields: "int si_code; u64 value"},

	// include/linux/sched.h
	{name: "task_struct", fields: `
		struct thread_info thread_info
		unsigned int __state
		void *stack
		int ukl_thread
		unsigned int flags
		int on_rq; int prio
		struct list_head tasks
		struct mm_struct *mm; struct mm_struct *active_mm
		int exit_state; int exit_code; int exit_signal
		struct restart_block restart_block
		pid_t pid; pid_t tgid
		struct task_struct *real_parent; struct task_struct *parent
		int *set_child_tid; int *clear_child_tid
		unsigned long min_flt; unsigned long maj_flt
		char comm[16]
		struct sighand_struct *sighand
		struct sigset_t blocked; struct sigset_t saved_sigmask
		struct sigpending pending
		unsigned long sas_ss_sp; unsigned long sas_ss_size; unsigned int sas_ss_flags
		int pagefault_disabled
		unsigned long stack_canary
		unsigned long wake_at; unsigned long alarm_at; unsigned long alarm_interval; int ukl_bypass
		struct pending_info pending_info[65]
		struct thread_struct thread`},

	// What a signal leaves on the stack: include/uapi/asm-generic/siginfo.h,
	// arch/x86/include/uapi/asm/sigcontext.h, arch/x86/include/asm/sigframe.h.
	{name: "__sigfault", fields: "void *_addr"},
	{name: "__kill", fields: "pid_t _pid; unsigned int _uid"},
	{name: "__sifields", union: true, fields: "struct __kill _kill; struct __sigfault _sigfault; u64 _pad[14]"},
	{name: "siginfo", fields: "int si_signo; int si_errno; int si_code; struct __sifields _sifields"},
	{name: "sigaltstack", fields: "void *ss_sp; int ss_flags; unsigned long ss_size"},
	{name: "sigcontext_64", fields: `
		u64 r8; u64 r9; u64 r10; u64 r11; u64 r12; u64 r13; u64 r14; u64 r15
		u64 di; u64 si; u64 bp; u64 bx; u64 dx; u64 ax; u64 cx; u64 sp; u64 ip; u64 flags
		u16 cs; u16 gs; u16 fs; u16 ss
		u64 err; u64 trapno; u64 oldmask; u64 cr2; u64 fpstate; u64 reserved1[8]`},
	{name: "ucontext", fields: `
		unsigned long uc_flags; struct ucontext *uc_link
		struct sigaltstack uc_stack; struct sigcontext_64 uc_mcontext; struct sigset_t uc_sigmask`},
	{name: "rt_sigframe", fields: "char *pretcode; struct ucontext uc; struct siginfo info"},

	{name: "exception_table_entry", fields: "int insn; int fixup; int data"},
	// What a program passes to nanosleep().
	{name: "__kernel_timespec", fields: "long tv_sec; long tv_nsec"},
	// arch/x86/include/uapi/asm/bootparam.h: of the zero page, what the guest
	// may want.
	{name: "boot_e820_entry", packed: true, fields: "u64 addr; u64 size; u32 type"},
}
