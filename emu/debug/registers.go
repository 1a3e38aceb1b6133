// SPDX-License-Identifier: GPL-2.0-or-later

package debug

import (
	"fmt"

	"github.com/uklemu/uklemu/emu/gdb"
	"github.com/uklemu/uklemu/emu/unicorn"
	"github.com/uklemu/uklemu/emu/x86"
)

// Registers implements [gdb.Target].
func (d *Machine) Registers() (gdb.Registers, error) {
	s, f := d.m.State(), d.m.FPU()
	return registers(&s, &f), nil
}

func registers(s *x86.State, f *unicorn.FPU) gdb.Registers {
	r := gdb.Registers{
		GPR: s.GPR, RIP: s.RIP, RFLAGS: s.RFLAGS,
		FSBase: s.Seg[x86.FS].Base, GSBase: s.Seg[x86.GS].Base, KernelGSBase: s.KernelGSBase,
		CR0: s.CR0, CR2: s.CR2, CR3: s.CR3, CR4: s.CR4, CR8: s.CR8, EFER: s.EFER, DR: s.DR,
		ST: f.ST, XMM: f.XMM, MXCSR: f.MXCSR,
		X87: gdb.X87{
			Control: f.Control, Status: f.Status, Tag: f.Tag, Opcode: f.Opcode,
			// gdb splits the 64-bit pointers as FXSAVE's 32-bit form would be.
			InstructionOffset: uint32(f.Instruction), InstructionSegment: uint16(f.Instruction >> 32),
			OperandOffset: uint32(f.Operand), OperandSegment: uint16(f.Operand >> 32),
		},
	}
	for i := range s.Seg {
		r.Segment[i] = s.Seg[i].Selector
	}
	return r
}

// SetRegisters implements [gdb.Target]. It makes a new future.
func (d *Machine) SetRegisters(r gdb.Registers) error {
	s, f := d.m.State(), d.m.FPU()
	old := registers(&s, &f)
	if r == old {
		return nil
	}
	cpu := d.m.CPU()
	if err := change(&s, &cpu, &old, &r); err != nil {
		return err
	}
	changeFPU(&f, &r)
	apply := func() error {
		d.m.SetState(&s)
		d.m.SetFPU(&f)
		return nil
	}
	if err := apply(); err != nil {
		return err
	}
	d.changed(apply)
	return nil
}

// change stores what differs, as far as the CPU could hold it.
func change(s *x86.State, cpu *x86.CPU, old, r *gdb.Registers) error {
	if r.Segment != old.Segment {
		return fmt.Errorf("segment registers cannot be written: their hidden parts would not fit; write the bases of fs and gs instead")
	}
	for _, a := range []struct {
		name     string
		old, new uint64
		to       *uint64
	}{
		{"rip", old.RIP, r.RIP, &s.RIP},
		{"fs_base", old.FSBase, r.FSBase, &s.Seg[x86.FS].Base},
		{"gs_base", old.GSBase, r.GSBase, &s.Seg[x86.GS].Base},
		{"k_gs_base", old.KernelGSBase, r.KernelGSBase, &s.KernelGSBase},
	} {
		if a.old != a.new && s.LongMode() && !s.Canonical(a.new) {
			return fmt.Errorf("%s: %#x is not canonical", a.name, a.new)
		}
		*a.to = a.new
	}
	s.GPR, s.CR2 = r.GPR, r.CR2
	// gdb has the low half of RFLAGS; the rest of it is reserved.
	const flags = x86.FlagCF | x86.FlagPF | x86.FlagAF | x86.FlagZF | x86.FlagSF | x86.FlagTF | x86.FlagIF | x86.FlagDF |
		x86.FlagOF | x86.FlagIOPL | x86.FlagNT | x86.FlagRF | x86.FlagAC | x86.FlagID
	s.RFLAGS = r.RFLAGS&flags | s.RFLAGS&^flags
	return changeControl(s, cpu, old, r)
}

// changeControl writes control and debug registers as an instruction at CPL 0
// would: what such a one may not write, the debugger may not either.
func changeControl(s *x86.State, cpu *x86.CPU, old, r *gdb.Registers) error {
	kernel := *s
	kernel.Seg[x86.CS].Selector &^= 3
	for _, a := range []struct {
		name     string
		old, new uint64
		write    func(v uint64) *x86.Exception
	}{
		{"cr0", old.CR0, r.CR0, func(v uint64) *x86.Exception { _, e := cpu.WriteCR0(&kernel, v); return e }},
		{"cr3", old.CR3, r.CR3, func(v uint64) *x86.Exception { _, e := cpu.WriteCR3(&kernel, v); return e }},
		{"cr4", old.CR4, r.CR4, func(v uint64) *x86.Exception { _, e := cpu.WriteCR4(&kernel, v); return e }},
	} {
		if a.old == a.new {
			continue
		}
		if e := a.write(a.new); e != nil {
			return fmt.Errorf("%s: the CPU refuses %#x with %v", a.name, a.new, e.Vector)
		}
	}
	if old.EFER != r.EFER {
		return fmt.Errorf("efer cannot be written: it decides about the mode that the CPU is in")
	}
	if old.CR8 != r.CR8 {
		return fmt.Errorf("cr8 cannot be written: it is the interrupt controller's")
	}
	s.CR0, s.CR3, s.CR4, s.EFER = kernel.CR0, kernel.CR3, kernel.CR4, kernel.EFER
	for n, v := range r.DR {
		if v == old.DR[n] {
			continue
		}
		kernel.DR[7] &^= 1 << 13 // GD would refuse
		if e := x86.WriteDR(&kernel, n, v); e != nil {
			return fmt.Errorf("dr%d: the CPU refuses %#x with %v", n, v, e.Vector)
		}
		s.DR[n] = kernel.DR[n]
	}
	return nil
}

func changeFPU(f *unicorn.FPU, r *gdb.Registers) {
	f.ST, f.XMM, f.MXCSR = r.ST, r.XMM, r.MXCSR
	f.Control, f.Status, f.Tag, f.Opcode = r.X87.Control, r.X87.Status, r.X87.Tag, r.X87.Opcode
	f.Instruction = uint64(r.X87.InstructionSegment)<<32 | uint64(r.X87.InstructionOffset)
	f.Operand = uint64(r.X87.OperandSegment)<<32 | uint64(r.X87.OperandOffset)
}
