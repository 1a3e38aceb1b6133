// SPDX-License-Identifier: GPL-2.0-or-later

package lockstep

import (
	"errors"
	"fmt"
	"slices"

	"github.com/uklemu/uklemu/emu"
	"github.com/uklemu/uklemu/emu/boot"
	"github.com/uklemu/uklemu/emu/x86"
)

// EmulatorCPU is what DefaultCPU is called in --cpu.
const EmulatorCPU = "vendor=intel"

// Emulator is package emu's machine, as one of the two sides.
type Emulator struct {
	*emu.Machine
	probed map[uint64]bool
}

var _ Machine = (*Emulator)(nil)

// StartEmulator boots a payload, stopped before its first instruction.
func StartEmulator(p *Payload) (*Emulator, error) {
	cpu, err := x86.ParseCPU(EmulatorCPU)
	if err != nil {
		return nil, err
	}
	image, err := boot.Open(p.Path)
	if err != nil {
		return nil, err
	}
	m, err := emu.New(emu.Config{Memory: 64 << 20, CPU: cpu, NoACPI: true})
	if err != nil {
		return nil, errors.Join(err, image.Close())
	}
	err = m.Boot(image, boot.Options{Protocol: boot.ProtocolMultiboot})
	if err = errors.Join(err, image.Close()); err != nil {
		m.Close()
		return nil, err
	}
	return &Emulator{m, map[uint64]bool{}}, nil
}

// Registers are those that QEMU's stub has too.
func (e *Emulator) Registers() (r Registers, err error) {
	s, f := e.State(), e.FPU()
	r = Registers{
		GPR: s.GPR, RIP: s.RIP, RFLAGS: s.RFLAGS,
		FSBase: s.Seg[x86.FS].Base, GSBase: s.Seg[x86.GS].Base, KernelGSBase: s.KernelGSBase,
		CR0: s.CR0, CR2: s.CR2, CR3: s.CR3, CR4: s.CR4, CR8: s.CR8, EFER: s.EFER, DR: s.DR,
		ST: f.ST, XMM: f.XMM, MXCSR: f.MXCSR,
	}
	r.X87.Control, r.X87.Status = f.Control, f.Status
	for i := range s.Seg {
		r.Segment[i] = s.Seg[i].Selector
	}
	return r, nil
}

// SetRegisters leaves the segments' hidden parts, and so their selectors, as
// they are.
func (e *Emulator) SetRegisters(r Registers) error {
	s, f := e.State(), e.FPU()
	s.GPR, s.RIP, s.RFLAGS, s.KernelGSBase = r.GPR, r.RIP, r.RFLAGS, r.KernelGSBase
	s.Seg[x86.FS].Base, s.Seg[x86.GS].Base = r.FSBase, r.GSBase
	s.CR0, s.CR2, s.CR3, s.CR4, s.CR8, s.EFER = r.CR0, r.CR2, r.CR3, r.CR4, r.CR8, r.EFER
	f.ST, f.XMM, f.MXCSR, f.Control, f.Status = r.ST, r.XMM, r.MXCSR, r.X87.Control, r.X87.Status
	e.SetState(&s)
	e.SetFPU(&f)
	return nil
}

func (e *Emulator) Step() error { return e.expect(emu.StopLimit, e.Machine.Step()) }

// RunTo goes by probes, which stay: it is called with the same ones again and
// again.
func (e *Emulator) RunTo(addresses ...uint64) error {
	for _, a := range addresses {
		if !e.probed[a] {
			e.Probe(a, nil)
			e.probed[a] = true
		}
	}
	if err := e.Step(); err != nil {
		return err
	}
	for !slices.Contains(addresses, e.State().RIP) {
		if err := e.expect(emu.StopProbe, e.Run(emu.Until{})); err != nil {
			return err
		}
	}
	return nil
}

func (e *Emulator) expect(why emu.Why, stop emu.Stop) error {
	if stop.Why != why {
		return fmt.Errorf("the emulator stopped at %#x: %v", e.State().RIP, stop)
	}
	return nil
}

func (e *Emulator) Close() error {
	e.Machine.Close()
	return nil
}
