// SPDX-License-Identifier: GPL-2.0-or-later

package task

import (
	"fmt"
	"strings"
)

// ThreadFlags are thread_info.flags.
type ThreadFlags uint64

// Bits of thread_info.flags (arch/x86/include/asm/thread_info.h, Linux 6.1).
const (
	NotifyResume ThreadFlags = 1 << 1
	SigPending   ThreadFlags = 1 << 2
	NeedResched  ThreadFlags = 1 << 3
	SingleStep   ThreadFlags = 1 << 4
	Uprobe       ThreadFlags = 1 << 12
	PatchPending ThreadFlags = 1 << 13
	NeedFPULoad  ThreadFlags = 1 << 14
	NotifySignal ThreadFlags = 1 << 17
)

// ExitWork are those that the way back to the application has to deal with
// first (include/linux/entry-common.h, EXIT_TO_USER_MODE_WORK; NEED_FPU_LOAD is
// arch_exit_to_user_mode_prepare's).
const ExitWork = NotifyResume | SigPending | NeedResched | Uprobe | PatchPending | NotifySignal | NeedFPULoad

var threadFlagNames = map[int]string{
	1: "NOTIFY_RESUME", 2: "SIGPENDING", 3: "NEED_RESCHED", 4: "SINGLESTEP", 5: "SSBD", 9: "SPEC_IB", 10: "SPEC_L1D_FLUSH",
	11: "USER_RETURN_NOTIFY", 12: "UPROBE", 13: "PATCH_PENDING", 14: "NEED_FPU_LOAD", 15: "NOCPUID", 16: "NOTSC", 17: "NOTIFY_SIGNAL",
	20: "MEMDIE", 21: "POLLING_NRFLAG", 22: "IO_BITMAP", 23: "SPEC_FORCE_UPDATE", 24: "FORCED_TF", 25: "BLOCKSTEP",
	27: "LAZY_MMU_UPDATES", 29: "ADDR32",
}

// Names are those of the bits that are set, TIF_ included.
func (f ThreadFlags) Names() []string {
	return bitNames(uint64(f), "TIF_", func(bit int) string { return threadFlagNames[bit] })
}

func (f ThreadFlags) String() string { return joined(f.Names()) }

// bitNames are the names of the bits that are set; one without a name has its
// number.
func bitNames(bits uint64, prefix string, name func(bit int) string) []string {
	var out []string
	for bit := range 64 {
		if bits>>bit&1 == 0 {
			continue
		}
		n := name(bit)
		if n == "" {
			n = fmt.Sprint(bit)
		}
		out = append(out, prefix+n)
	}
	return out
}

// joined is for people: "none" rather than nothing.
func joined(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, " ")
}

// syscallWorks are the enumerators of enum syscall_work_bit
// (include/linux/thread_info.h): what an entry has to do besides the call.
var syscallWorks = []string{"SECCOMP", "SYSCALL_TRACEPOINT", "SYSCALL_TRACE", "SYSCALL_EMU", "SYSCALL_AUDIT", "SYSCALL_USER_DISPATCH", "SYSCALL_EXIT_TRAP"}

// workNames are those of the bits of thread_info.syscall_work, by the image's
// own numbers.
func (r *Reader) workNames(bits uint64) []string {
	names := map[int]string{}
	for _, w := range syscallWorks {
		if bit, ok := r.image.EnumValue("SYSCALL_WORK_BIT_" + w); ok {
			names[int(bit)] = w
		}
	}
	return bitNames(bits, "", func(bit int) string { return names[bit] })
}

// flagKThread is PF_KTHREAD of task_struct.flags (include/linux/sched.h).
const flagKThread = 0x200000
