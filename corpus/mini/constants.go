// SPDX-License-Identifier: GPL-2.0-or-later

package mini

import "maps"

// numbers are the constants that the sources have besides offsets, as Linux
// and the manual call them.
var numbers = map[string]uint64{
	// Where things are: arch/x86/include/asm/page_64_types.h.
	"PAGE_SIZE": 1 << 12, "PAGE_SHIFT": 12, "PAGE_MASK": ^uint64(0xfff),
	"THREAD_SIZE": 16 << 10, "EXCEPTION_STKSZ": 4 << 10,
	"__START_KERNEL_map": kernelMap, "__PAGE_OFFSET": 0xffff888000000000, "TASK_SIZE_MAX": 0x7ffffffff000,

	// arch/x86/include/asm/segment.h
	"__KERNEL_CS": 0x10, "__KERNEL_DS": 0x18, "__USER32_CS": 0x23, "__USER_DS": 0x2b, "__USER_CS": 0x33,
	"GDT_ENTRY_TSS": 8, "GDT_ENTRY_LDT": 10, "GDT_ENTRY_TLS_MIN": 12,

	// The series' arch/x86/include/asm/ukl.h.
	"NON_UKL_THREAD": 0, "UKL_KERNEL": 1, "UKL_APPLICATION": 2, "UKL_CS": 0xc3,

	// SDM vol. 1 3.4.3
	"X86_EFLAGS_CF": 1 << 0, "X86_EFLAGS_FIXED": 1 << 1, "X86_EFLAGS_PF": 1 << 2, "X86_EFLAGS_AF": 1 << 4,
	"X86_EFLAGS_ZF": 1 << 6, "X86_EFLAGS_SF": 1 << 7, "X86_EFLAGS_TF": 1 << 8, "X86_EFLAGS_IF": 1 << 9,
	"X86_EFLAGS_DF": 1 << 10, "X86_EFLAGS_OF": 1 << 11, "X86_EFLAGS_IOPL": 3 << 12, "X86_EFLAGS_NT": 1 << 14,
	"X86_EFLAGS_RF": 1 << 16, "X86_EFLAGS_VM": 1 << 17, "X86_EFLAGS_AC": 1 << 18, "X86_EFLAGS_ID": 1 << 21,
	// arch/x86/kernel/signal.c: what a frame may say of the flags.
	"FIX_EFLAGS": 1<<18 | 1<<11 | 1<<10 | 1<<8 | 1<<7 | 1<<6 | 1<<4 | 1<<2 | 1<<0 | 1<<16,

	// SDM vol. 3A 2.5
	"X86_CR0_PE": 1 << 0, "X86_CR0_MP": 1 << 1, "X86_CR0_EM": 1 << 2, "X86_CR0_TS": 1 << 3, "X86_CR0_ET": 1 << 4,
	"X86_CR0_NE": 1 << 5, "X86_CR0_WP": 1 << 16, "X86_CR0_AM": 1 << 18, "X86_CR0_PG": 1 << 31,
	"X86_CR4_PAE": 1 << 5, "X86_CR4_PGE": 1 << 7, "X86_CR4_OSFXSR": 1 << 9, "X86_CR4_OSXMMEXCPT": 1 << 10,
	"X86_CR4_UMIP": 1 << 11, "X86_CR4_FSGSBASE": 1 << 16, "X86_CR4_OSXSAVE": 1 << 18, "X86_CR4_SMEP": 1 << 20, "X86_CR4_SMAP": 1 << 21,

	// SDM vol. 4
	"MSR_EFER": 0xc0000080, "MSR_STAR": 0xc0000081, "MSR_LSTAR": 0xc0000082, "MSR_CSTAR": 0xc0000083,
	"MSR_SYSCALL_MASK": 0xc0000084, "MSR_FS_BASE": 0xc0000100, "MSR_GS_BASE": 0xc0000101, "MSR_KERNEL_GS_BASE": 0xc0000102,
	"MSR_IA32_SPEC_CTRL": 0x48, "SPEC_CTRL_IBRS": 1,
	"EFER_SCE": 1 << 0, "EFER_LME": 1 << 8, "EFER_LMA": 1 << 10, "EFER_NX": 1 << 11,

	// SDM vol. 3A 4.5 and 4.7
	"_PAGE_PRESENT": 1 << 0, "_PAGE_RW": 1 << 1, "_PAGE_USER": 1 << 2, "_PAGE_ACCESSED": 1 << 5, "_PAGE_DIRTY": 1 << 6,
	"_PAGE_PSE": 1 << 7, "_PAGE_GLOBAL": 1 << 8, "_PAGE_NX": 1 << 63,
	"X86_PF_PROT": 1 << 0, "X86_PF_WRITE": 1 << 1, "X86_PF_USER": 1 << 2, "X86_PF_RSVD": 1 << 3, "X86_PF_INSTR": 1 << 4,

	// SDM vol. 3A table 6-1
	"X86_TRAP_DE": 0, "X86_TRAP_DB": 1, "X86_TRAP_NMI": 2, "X86_TRAP_BP": 3, "X86_TRAP_OF": 4, "X86_TRAP_BR": 5,
	"X86_TRAP_UD": 6, "X86_TRAP_NM": 7, "X86_TRAP_DF": 8, "X86_TRAP_TS": 10, "X86_TRAP_NP": 11, "X86_TRAP_SS": 12,
	"X86_TRAP_GP": 13, "X86_TRAP_PF": 14, "X86_TRAP_MF": 16, "X86_TRAP_AC": 17, "X86_TRAP_MC": 18, "X86_TRAP_XF": 19,

	// include/uapi/asm-generic/errno*.h, include/linux/errno.h
	"EPERM": 1, "ENOENT": 2, "ESRCH": 3, "EINTR": 4, "EIO": 5, "E2BIG": 7, "ENOEXEC": 8, "EBADF": 9, "ECHILD": 10,
	"EAGAIN": 11, "ENOMEM": 12, "EACCES": 13, "EFAULT": 14, "EBUSY": 16, "EEXIST": 17, "EINVAL": 22, "ENOSYS": 38,
	"ERESTARTSYS": 512, "ERESTARTNOINTR": 513, "ERESTARTNOHAND": 514, "ERESTART_RESTARTBLOCK": 516,

	// include/uapi/asm-generic/signal.h, arch/x86/include/uapi/asm/signal.h
	"SIGILL": 4, "SIGTRAP": 5, "SIGBUS": 7, "SIGFPE": 8, "SIGKILL": 9, "SIGUSR1": 10, "SIGSEGV": 11, "SIGUSR2": 12,
	"SIGALRM": 14, "SIGTERM": 15, "SIGCHLD": 17, "SIGSTOP": 19,
	"SIG_DFL": 0, "SIG_IGN": 1, "SIG_BLOCK": 0, "SIG_UNBLOCK": 1, "SIG_SETMASK": 2,
	"SA_SIGINFO": 4, "SA_RESTORER": 0x04000000, "SA_ONSTACK": 0x08000000, "SA_RESTART": 0x10000000,
	"SA_NODEFER": 0x40000000, "SA_RESETHAND": 0x80000000, "SS_ONSTACK": 1, "SS_DISABLE": 2,
	"SI_USER": 0, "SI_KERNEL": 0x80, "SEGV_MAPERR": 1, "SEGV_ACCERR": 2, "ILL_ILLOPN": 2, "FPE_INTDIV": 1, "TRAP_BRKPT": 1, "TRAP_TRACE": 2,
	"UC_FP_XSTATE": 1, "UC_SIGCONTEXT_SS": 2, "UC_STRICT_RESTORE_SS": 4,

	// arch/x86/include/asm/thread_info.h
	"TIF_NOTIFY_RESUME": 1, "TIF_SIGPENDING": 2, "TIF_NEED_RESCHED": 3, "TIF_NEED_FPU_LOAD": 14,
	"_TIF_NOTIFY_RESUME": 1 << 1, "_TIF_SIGPENDING": 1 << 2, "_TIF_NEED_RESCHED": 1 << 3, "_TIF_NEED_FPU_LOAD": 1 << 14,
	// include/linux/sched.h, include/uapi/linux/sched.h
	"TASK_RUNNING": 0, "TASK_INTERRUPTIBLE": 1, "TASK_UNINTERRUPTIBLE": 2, "EXIT_DEAD": 16, "EXIT_ZOMBIE": 32, "PF_KTHREAD": 0x200000,
	"CLONE_VM": 0x100, "CLONE_VFORK": 0x4000, "CLONE_THREAD": 0x10000, "CLONE_SETTLS": 0x80000,
	"CLONE_CHILD_CLEARTID": 0x200000, "CLONE_CHILD_SETTID": 0x1000000,

	// arch/x86/include/asm/extable_fixup_types.h
	"EX_TYPE_DEFAULT": 1, "EX_TYPE_FAULT": 2, "EX_TYPE_UACCESS": 3, "EX_TYPE_COPY": 4,
	"EX_TYPE_WRMSR": 8, "EX_TYPE_RDMSR": 9, "EX_TYPE_IMM_REG": 17, "EX_TYPE_FAULT_SGX": 18,
	"EX_TYPE_EFAULT_REG": 0xfff20011, // EX_TYPE_IMM_REG with -EFAULT

	// arch/x86/include/uapi/asm/prctl.h
	"ARCH_SET_GS": 0x1001, "ARCH_SET_FS": 0x1002, "ARCH_GET_FS": 0x1003, "ARCH_GET_GS": 0x1004,

	// arch/x86/entry/syscalls/syscall_64.tbl
	"__NR_read": 0, "__NR_write": 1, "__NR_open": 2, "__NR_close": 3, "__NR_mmap": 9, "__NR_mprotect": 10, "__NR_munmap": 11, "__NR_brk": 12,
	"__NR_rt_sigaction": 13, "__NR_rt_sigprocmask": 14, "__NR_rt_sigreturn": 15, "__NR_pipe": 22, "__NR_sched_yield": 24, "__NR_pause": 34, "__NR_nanosleep": 35,
	"__NR_setitimer": 38, "__NR_getpid": 39, "__NR_clone": 56, "__NR_fork": 57, "__NR_vfork": 58, "__NR_execve": 59, "__NR_exit": 60, "__NR_wait4": 61, "__NR_kill": 62, "__NR_uname": 63,
	"__NR_gettimeofday": 96, "__NR_getuid": 102, "__NR_getppid": 110, "__NR_rt_sigpending": 127, "__NR_sigaltstack": 131, "__NR_arch_prctl": 158, "__NR_reboot": 169, "__NR_gettid": 186,
	"__NR_time": 201, "__NR_set_tid_address": 218, "__NR_restart_syscall": 219, "__NR_exit_group": 231, "__NR_tgkill": 234, "__NR_waitid": 247,
}

// constants are all that the sources have.
func constants(t *types) map[string]uint64 {
	all := maps.Clone(numbers)
	maps.Copy(all, t.offsets())
	return all
}
