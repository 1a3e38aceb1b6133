// SPDX-License-Identifier: GPL-2.0-or-later

package lockstep

import (
	"encoding/binary"
	"fmt"

	"github.com/uklemu/uklemu/emu"
	"github.com/uklemu/uklemu/emu/unicorn"
	"github.com/uklemu/uklemu/emu/x86"
)

// CompareStretch steps a kernel in the emulator and one in QEMU that are in
// the same state through a number of instructions, and compares all registers
// after each, and after each event the frame, up to the first difference. It
// ends earlier where a device comes in, of which QEMU's is another one; why
// is what ended it.
func CompareStretch(k *Kernel, q *QEMU, steps int) (r *Report, why string, err error) {
	r = newReport()
	c := &comparison{payload: &Payload{Symbols: map[string]uint64{"syscall_entry": k.symbols["entry_SYSCALL_64"], "syscall_event": k.symbols["entry_SYSCALL_64"]}},
		report: r, machines: [2]Machine{k, q}, instruction: k.instruction}
	if err := c.read(); err != nil {
		return r, "", err
	}
	for n := 0; n < steps; n++ {
		at := c.now[0].RIP
		insn := k.instruction(at)
		if err := c.stepOne(0); err != nil {
			return r, "", err
		}
		if why := k.foreign(); why != "" {
			return r, why, nil
		}
		if err := c.stepOne(1); err != nil {
			return r, "", fmt.Errorf("step %d, at %#x: %w", n, at, err)
		}
		if err := c.followClock(q, &insn); err != nil {
			return r, "", err
		}
		if k.delivered() && c.now[0].RIP != c.now[1].RIP {
			// A branch to where nothing can be fetched, and the fault: one step
			// of the emulator, two of QEMU.
			if err := c.stepOne(1); err != nil {
				return r, "", err
			}
		}
		r.Instructions++
		fields := CompareRegisters(c.now[0], c.tolerate(), FlagRF)
		if len(fields) == 0 {
			if fields, err = k.compareFrame(r, q); err != nil {
				return r, "", err
			}
		}
		if len(fields) > 0 {
			d := Difference{Where: fmt.Sprintf("after step %d, % x at %#x", n, insn.Bytes[:insn.Length], at), Fields: fields}
			r.add(d)
			return r, "a difference", nil
		}
		if c.flagsLost() {
			if err := q.SetRegisters(c.now[0]); err != nil {
				return r, "", err
			}
			c.now[1] = c.now[0]
		}
	}
	return r, "enough", nil
}

func (c *comparison) read() (err error) {
	for i, m := range c.machines {
		if c.now[i], err = m.Registers(); err != nil {
			return err
		}
	}
	return nil
}

// followClock gives QEMU the time that the emulator has read.
func (c *comparison) followClock(q *QEMU, insn *unicorn.Insn) error {
	if insn.Class != unicorn.RDTSC {
		return nil
	}
	const rax, rdx = 0, 2
	c.now[1].GPR[rax], c.now[1].GPR[rdx] = c.now[0].GPR[rax], c.now[0].GPR[rdx]
	return q.SetRegisters(c.now[1])
}

// flagsLost says that QEMU has the known defect of SYSCALL's flags: it gets
// the right ones, and the comparison goes on.
func (c *comparison) flagsLost() bool {
	return (c.now[0].RFLAGS^c.now[1].RFLAGS)&arithmetic != 0 && c.now[0].RIP == c.payload.Symbols["syscall_entry"]
}

// compareFrame compares what the last step's delivery pushed.
func (k *Kernel) compareFrame(r *Report, q *QEMU) ([]Field, error) {
	var last *emu.Event
	for i, e := range k.events {
		switch e.Kind {
		case emu.EventSYSCALL:
			r.Events++
			r.ByEvent[EventSyscall]++
		case emu.EventException, emu.EventSoftware:
			r.Events++
			r.ByEvent[int(e.Vector)]++
			last = &k.events[i]
		}
	}
	if last == nil {
		return nil, nil
	}
	names := []string{"frame's RIP", "frame's CS", "frame's RFLAGS", "frame's RSP", "frame's SS"}
	if last.Vector.Info().ErrorCode {
		names = append([]string{"frame's error code"}, names...)
	}
	a, b := make([]byte, 8*len(names)), make([]byte, 8*len(names))
	s := k.State()
	if _, err := k.ReadMemory(s.GPR[x86.RSP], a); err != nil {
		return nil, err
	}
	if err := q.ReadMemory(s.GPR[x86.RSP], b); err != nil {
		return nil, err
	}
	var fields []Field
	for i, name := range names {
		x, y := binary.LittleEndian.Uint64(a[8*i:]), binary.LittleEndian.Uint64(b[8*i:])
		mask := uint64(0)
		switch name {
		case "frame's RFLAGS":
			// The kernel may look at it, so QEMU gets what the emulator has.
			mask = FlagRF
			if x^y == FlagRF {
				if err := q.WriteMemory(s.GPR[x86.RSP]+uint64(8*i), a[8*i:8*i+8]); err != nil {
					return nil, err
				}
			}
		case "frame's error code":
			insn := k.instruction(binary.LittleEndian.Uint64(a[8:]))
			if last.Vector == x86.VectorPF && insn.RMW && x&^y == x86.PFWrite {
				r.Tolerated["error-write"]++
				mask = x86.PFWrite
			}
			if selectorFault(int(last.Vector)) && x&2 != 0 && y == x>>3*16+2 {
				r.Tolerated["error-idt"]++
				mask = ^uint64(0)
				// The kernel looks at it.
				if err := q.WriteMemory(s.GPR[x86.RSP], a[:8]); err != nil {
					return nil, err
				}
			}
		}
		if (x^y)&^mask != 0 {
			fields = append(fields, Field{name, x, y})
		}
	}
	if len(fields) > 0 && last.Vector == x86.VectorGP && k.refusedBranch(a, b) {
		r.Tolerated["branch-canonical"]++
		return nil, q.WriteMemory(s.GPR[x86.RSP], a)
	}
	return fields, nil
}

// refusedBranch says whether two frames of a #GP show the known defect of
// branches that are not canonical.
func (k *Kernel) refusedBranch(a, b []byte) bool {
	if isCanonical(binary.LittleEndian.Uint64(b[8:])) {
		return false
	}
	switch k.instruction(binary.LittleEndian.Uint64(a[8:])).Class {
	case unicorn.Ret, unicorn.JmpIndirect, unicorn.CallIndirect, unicorn.IRET:
		return true
	}
	return false
}
