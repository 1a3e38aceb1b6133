// SPDX-License-Identifier: GPL-2.0-or-later

package space

// Kind is what a range of addresses is for.
type Kind string

// The application half: memory of the current process.
const (
	ProgramText    Kind = "program text"
	ProgramData    Kind = "program data"
	Heap           Kind = "heap"
	UserStack      Kind = "user stack"
	UserStackGuard Kind = "user stack guard"
	UserMapping    Kind = "mapping"
	VDSO           Kind = "vdso"
)

// The application in the kernel image.
const (
	ApplicationText   Kind = "application text"
	ApplicationROData Kind = "application rodata"
	ApplicationData   Kind = "application data"
	ApplicationBSS    Kind = "application bss"
)

// The kernel in its image.
const (
	KernelText   Kind = "kernel text"
	EntryText    Kind = "entry text"
	KernelROData Kind = "kernel rodata"
	KernelData   Kind = "kernel data"
	KernelBSS    Kind = "kernel bss"
	KernelInit   Kind = "kernel init" // given back after boot
	KernelImage  Kind = "kernel image"
	PerCPU       Kind = "per-CPU data"
)

// Stacks of the kernel, and what the CPU needs to find them.
const (
	ThreadStack  Kind = "thread stack"
	HardIRQStack Kind = "hardirq stack"
	ISTStack     Kind = "IST stack"
	EntryStack   Kind = "entry stack"
	StackGuard   Kind = "stack guard"
	GDT          Kind = "GDT"
	IDT          Kind = "IDT"
	TSS          Kind = "TSS"
)

// The regions of the kernel half (Documentation/x86/x86_64/mm.rst).
const (
	GuardHole    Kind = "guard hole"
	LDTRemap     Kind = "LDT remap"
	DirectMap    Kind = "direct map"
	Vmalloc      Kind = "vmalloc"
	VmallocGuard Kind = "vmalloc guard"
	VMemMap      Kind = "vmemmap"
	KASAN        Kind = "KASAN shadow"
	CPUEntryArea Kind = "cpu_entry_area"
	ESPFix       Kind = "espfix"
	EFI          Kind = "EFI"
	Modules      Kind = "modules"
	FixMap       Kind = "fix map"
	VSyscall     Kind = "vsyscall"
)

// What is nobody's.
const (
	Unknown      Kind = "unknown"       // mapped, and it can't be said what for
	Nothing      Kind = "nothing"       // not mapped, and not meant to be
	NonCanonical Kind = "not canonical" // no address (SDM vol. 1, 3.3.7.1)
)

// Guard says whether an access there is meant to fault.
func (k Kind) Guard() bool {
	return k == StackGuard || k == UserStackGuard || k == VmallocGuard || k == GuardHole
}

// Stack says whether something's RSP may be there.
func (k Kind) Stack() bool {
	switch k {
	case ThreadStack, HardIRQStack, ISTStack, EntryStack, UserStack:
		return true
	}
	return false
}

// Group is who a kind belongs to.
type Group string

const (
	// ApplicationHalf is the lower half: the memory of one process.
	ApplicationHalf Group = "application half"
	// Application is the part of the kernel image that is the application's.
	Application Group = "application"
	// Kernel is all else in the upper half, the same in every process.
	Kernel Group = "kernel"
	// Stacks are the kernel's, apart because most questions are about them.
	Stacks Group = "stack"
	// Guards are to stay unmapped.
	Guards Group = "guard"
	// Nobody has what isn't mapped.
	Nobody Group = "nobody"
)

// Group is who the kind belongs to.
func (k Kind) Group() Group {
	switch k {
	case ApplicationText, ApplicationROData, ApplicationData, ApplicationBSS:
		return Application
	case ProgramText, ProgramData, Heap, UserStack, UserMapping, VDSO:
		return ApplicationHalf
	case ThreadStack, HardIRQStack, ISTStack, EntryStack:
		return Stacks
	case Nothing, NonCanonical:
		return Nobody
	}
	if k.Guard() {
		return Guards
	}
	return Kernel
}
