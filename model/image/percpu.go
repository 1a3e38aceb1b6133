// SPDX-License-Identifier: GPL-2.0-or-later

package image

// On SMP, per-CPU variables are linked at 0 and reached through GS; the base of
// CPU 0 is __per_cpu_load until setup_per_cpu_areas() gives it an area of its
// own. Without SMP they are ordinary variables (include/linux/percpu-defs.h:
// PER_CPU_BASE_SECTION is .data; arch/x86/include/asm/percpu.h: no %gs), and
// the GS base is the address of fixed_percpu_data for good, for the sake of the
// stack protector's canary (head_64.S, initial_gs).

// readPerCPU finds out which of the two it is.
func (i *Image) readPerCPU() {
	i.smp = i.set("CONFIG_SMP")
	if at, ok := i.Address("fixed_percpu_data"); ok && !i.smp {
		i.gsBase = at
	}
}

// SMP says whether per-CPU variables are reached through GS.
func (i *Image) SMP() bool { return i.smp }

// PerCPU is the offset of a per-CPU variable of CPU 0, to be added to the
// kernel's GS base. Without SMP that base is a constant, and so is the sum.
func (i *Image) PerCPU(name string) (offset uint64, ok bool) {
	at, ok := i.Address(name)
	if !ok {
		return 0, false
	}
	return at - i.gsBase, true
}

// PerCPUAddress is where a per-CPU variable of the CPU with this kernel GS base
// is. A kernel without SMP has ordinary variables, whatever the GS base is:
// also while it is wrong.
func (i *Image) PerCPUAddress(name string, gsBase uint64) (uint64, bool) {
	at, ok := i.Address(name)
	if !ok {
		return 0, false
	}
	if i.smp {
		at += gsBase
	}
	return at, true
}

// KernelGSBase is the GS base that the kernel has for good, without SMP.
func (i *Image) KernelGSBase() (uint64, bool) { return i.gsBase, i.gsBase != 0 }
