// SPDX-License-Identifier: GPL-2.0-or-later

// Package x86 is the part of the Intel SDM that the engine leaves out, as Go
// that can be read beside the manual: how an exception, an interrupt or an
// INT n reaches its handler, what IRET, SYSCALL, SYSRET, SYSENTER and SYSEXIT
// check and load, which values control registers and MSRs accept, what CPUID
// says. It works on a [State] and a [Memory] and knows no engine, so every
// rule is tested alone, as a table of state before, event and state after.
//
// The manual's sections are numbered as in its editions since mid-2024, where
// volume 3A has a chapter on linear-address pre-processing, paging is chapter
// 5, protection 6, interrupts 7, tasks 9, the APIC 12; in older editions they
// are one lower. Sections of volume 3B are given by their title.
//
// Where to look: [Deliver] for what goes through the IDT and [IRET] for the
// way back, syscall.go for SYSCALL, SYSRET, SYSENTER and SYSEXIT, control.go,
// debug.go and msr.go for the registers of the system, [CPU] and [ParseCPU]
// for what the CPU is, cpuid.go for what it says of itself, [Boundary] for
// the single-step trap. A rule that fails returns an [Exception] and leaves
// the State as it was, so that the caller can deliver the exception from it.
package x86

// General-purpose registers, in the order of their encoding (SDM vol. 2A,
// table 2-4).
const (
	RAX = iota
	RCX
	RDX
	RBX
	RSP
	RBP
	RSI
	RDI
	R8
	R9
	R10
	R11
	R12
	R13
	R14
	R15
)

// Segment registers, in the order of their encoding.
const (
	ES = iota
	CS
	SS
	DS
	FS
	GS
)

// Segment is a segment register with its hidden part.
type Segment struct {
	Selector uint16
	Base     uint64
	Limit    uint32 // in bytes, granularity already applied
	// Attr holds type, S, DPL, P, AVL, L, D/B and G where the second
	// doubleword of a descriptor has them (bits 8 to 15 and 20 to 23; SDM
	// vol. 3A, figure 3-8). With P clear the register is null or unusable;
	// the DPL of a null SS is the CPL even so.
	Attr uint32
}

// Table is GDTR or IDTR.
type Table struct {
	Base  uint64
	Limit uint16
}

// Shadow says why the boundary that the CPU stands at takes no interrupt
// (SDM vol. 3A 7.8.3): the instruction before was an STI that set IF, or a
// MOV SS or POP SS, which holds off debug traps and NMIs too.
type Shadow uint8

const (
	ShadowNone Shadow = iota
	ShadowSTI
	ShadowMOVSS
)

// State is the architectural state of one logical processor, less the x87,
// SSE and extended registers, which no rule of this package touches. It is
// plain data: copying it is a snapshot.
type State struct {
	GPR    [16]uint64
	RIP    uint64
	RFLAGS uint64
	Seg    [6]Segment // indexed by ES ... GS; the bases of FS and GS are the MSRs
	LDTR   Segment
	TR     Segment
	GDTR   Table
	IDTR   Table

	CR0, CR2, CR3, CR4, CR8 uint64
	PDPTE                   [4]uint64 // of PAE paging; see [LoadsPDPTEs]
	DR                      [8]uint64 // DR4 and DR5 unused
	XCR0                    uint64
	PKRU                    uint32

	EFER         uint64
	STAR         uint64
	LSTAR        uint64
	CSTAR        uint64
	FMASK        uint64
	KernelGSBase uint64
	SysenterCS   uint64
	SysenterESP  uint64
	SysenterEIP  uint64
	TSCAux       uint64

	Shadow     Shadow
	NMIBlocked bool // from the delivery of an NMI to the next IRET
}

// CPL is the current privilege level, 0 to 3: the DPL of SS (SDM vol. 3A
// 6.5; in the modes modelled here it equals the RPL of CS).
func (s *State) CPL() int { return int(s.Seg[CS].Selector & 3) }
