// SPDX-License-Identifier: GPL-2.0-or-later

package x86

// StepRule says when TF is looked at for the single-step #DB after an
// instruction (SDM vol. 3B, "Single-Step Exception Condition").
type StepRule uint8

const (
	// StepByOldTF is the rule: TF as it was when the instruction began. So
	// a POPF or IRET that sets TF is followed by one more instruction before
	// the trap, and one that clears it traps all the same.
	StepByOldTF StepRule = iota
	// StepByNewTF is that of SYSCALL and SYSRET: a TF that FMASK has cleared
	// doesn't trap in the kernel, one that SYSRET sets traps at once, as if
	// the SYSCALL were over only now. Intel's manual is silent on it; this is
	// what CPUs of both vendors are seen to do, and Linux relies on it.
	StepByNewTF
	// StepNever is that of INT n, INT3, INTO, INT1 and of every instruction
	// that faults: delivery clears TF, and the trap is lost.
	StepNever
	// StepHeld is that of MOV SS and POP SS: the trap is suppressed, with
	// the data breakpoints of the instruction kept for the next boundary
	// (SDM vol. 3A 7.8.3).
	StepHeld
)

// Boundary is the #DB that is due after an instruction has completed.
type Boundary struct {
	Rule   StepRule
	OldTF  bool   // RFLAGS.TF when the instruction began
	NewTF  bool   // RFLAGS.TF now
	Data   uint64 // DR6 bits of the data and I/O breakpoints that it met
	Pended uint64 // DR6 bits held from the MOV SS before it
}

// Trap returns the DR6 bits of the #DB to take now, 0 for none, and those to
// hold for the next boundary. Bits pended by a MOV SS are delivered even
// after an instruction that changed to CPL 0 (the case of CVE-2018-8897).
func (b Boundary) Trap() (now, held uint64) {
	bits := b.Data | b.Pended
	switch {
	case b.Rule == StepHeld:
		return 0, bits
	case b.Rule == StepByOldTF && b.OldTF, b.Rule == StepByNewTF && b.NewTF:
		bits |= DR6BS
	}
	return bits, 0
}
