// SPDX-License-Identifier: GPL-2.0-or-later

package lockstep

import (
	"fmt"
	"slices"

	"github.com/uklemu/uklemu/emu/unicorn"
)

// Compare steps two machines, both at the payload's "run_cases", through its
// cases from the first to before the last, and compares all registers at
// every instruction boundary of a case: its own instructions, the delivery
// of each event, the return from it. The middle of the handlers and what is
// between cases run at full speed.
//
// The error is a machine's that cannot go on; what differs is in the report.
//
// Explained are the cases in which the logs of the two have shown a known
// defect, by number.
func Compare(p *Payload, a, b Machine, cases int, explained map[int]string) (*Report, error) {
	r := newReport()
	c := &comparison{payload: p, report: r, machines: [2]Machine{a, b}, explained: explained, instruction: p.instruction}
	for n := range min(cases, len(p.Program.Cases)) {
		if err := c.runTo(p.Symbols["enter_case"]); err != nil {
			return r, fmt.Errorf("to case %d: %w", n, err)
		}
		if err := c.alignLogs(); err != nil {
			return r, fmt.Errorf("case %d: %w", n, err)
		}
		if err := c.stepCase(n); err != nil {
			return r, fmt.Errorf("case %d: %w", n, err)
		}
		r.Cases++
	}
	return r, nil
}

type comparison struct {
	payload     *Payload
	report      *Report
	machines    [2]Machine
	now         [2]Registers
	explained   map[int]string
	instruction func(rip uint64) unicorn.Insn
	// undefined are flags without a value, until an instruction of the case
	// gives them one.
	undefined uint64
}

func (c *comparison) runTo(addresses ...uint64) error {
	for i, m := range c.machines {
		if err := m.RunTo(addresses...); err != nil {
			return err
		}
		var err error
		if c.now[i], err = m.Registers(); err != nil {
			return err
		}
	}
	return nil
}

// alignLogs has both write their records to the same place: the handlers have
// it in a register, and cases in which the machines part have not left the
// same number of records.
func (c *comparison) alignLogs() error {
	var next [8]byte
	at := c.payload.Symbols["log_next"]
	if err := c.machines[0].ReadPhysical(at, next[:]); err != nil {
		return err
	}
	return c.machines[1].WritePhysical(at, next[:])
}

// stepLimit ends a case that does not end by itself; none has so many steps.
const stepLimit = 20000

func (c *comparison) stepCase(n int) error {
	s := c.payload.Symbols
	over := []uint64{s["next_case"], s["enter_case"], s["finished"]}
	c.undefined = 0
	for range stepLimit {
		at := c.now[0].RIP
		switch at {
		case s["event"], s["syscall_event"]:
			c.report.Events++
			// Either it goes back into the case or the case is over.
			if err := c.runTo(append(over, s["resume"], s["resume_syscall"])...); err != nil {
				return err
			}
		default:
			if err := c.step(); err != nil {
				return err
			}
		}
		if slices.Contains(over, c.now[0].RIP) && c.now[0].RIP == c.now[1].RIP {
			return nil // what the handler has left in registers is not the case's
		}
		if fields := c.compare(); len(fields) > 0 {
			d := Difference{Case: n, Where: fmt.Sprintf("after %#x", at), Fields: fields, Known: c.explained[n]}
			switch {
			case d.Known != "":
			case c.payload.instruction(at).Class == unicorn.INT && c.now[0].Segment[1]&3 == 3 && c.payload.atStub(c.now[0].RIP):
				d.Known = "handler-at-cpl-3"
			case c.knownInSteps(fields) != "":
				d.Known = c.knownInSteps(fields)
			default:
				d.Known = c.payload.Program.Cases[n].KnownInSteps
			}
			c.report.add(d)
			return c.leave(over)
		}
	}
	return fmt.Errorf("no end after %d steps", stepLimit)
}

// knownInSteps is the known defect that these fields show, or "".
func (c *comparison) knownInSteps(fields []Field) string {
	for _, k := range KnownDefects {
		if k.stepped != nil && k.stepped(fields, c.payload.atStub(c.now[0].RIP)) {
			return k.Name
		}
	}
	return ""
}

// leave brings both machines to where the next case can begin.
func (c *comparison) leave(over []uint64) error {
	for i, m := range c.machines {
		if slices.Contains(over, c.now[i].RIP) {
			continue
		}
		if err := m.RunTo(over...); err != nil {
			return err
		}
	}
	return nil
}

// step takes both machines to their next boundary.
func (c *comparison) step() error {
	for i := range c.machines {
		if err := c.stepOne(i); err != nil {
			return err
		}
	}
	// Of a trap, the instruction and the delivery are one step in QEMU, and
	// may be two elsewhere.
	first, second := c.payload.atStub(c.now[0].RIP), c.payload.atStub(c.now[1].RIP)
	switch {
	case first && !second:
		return c.stepOne(1)
	case second && !first:
		return c.stepOne(0)
	}
	return nil
}

func (c *comparison) stepOne(i int) error {
	before := c.now[i]
	for try := range stepLimit {
		if err := c.machines[i].Step(); err != nil {
			return err
		}
		var err error
		if c.now[i], err = c.machines[i].Registers(); err != nil {
			return err
		}
		if try == 0 && c.now[i] == before {
			continue // QEMU's first step after its registers were set does nothing
		}
		// The iterations of a REP are one step here: machines differ in how
		// many they take at a time, and QEMU comes back once more at the end.
		const rcx = 1
		if c.now[i].RIP != before.RIP {
			return nil
		}
		over := c.now[i].GPR[rcx] == 0 && c.instruction(before.RIP).Class == unicorn.RepString
		if c.now[i].GPR[rcx] == before.GPR[rcx] && !over {
			return nil
		}
		before = c.now[i]
	}
	return fmt.Errorf("the instruction at %#x does not end", before.RIP)
}

func (c *comparison) compare() []Field {
	c.report.Instructions++
	// In a handler the flags are still those of the case.
	if c.payload.inCase(c.now[0].RIP) {
		c.undefined = c.payload.undefinedAt(c.now[0].RIP)
	}
	return CompareRegisters(c.now[0], c.tolerate(), c.undefined|FlagRF)
}

// tolerate is what QEMU has, less the known defects that change a value and
// nothing that follows.
func (c *comparison) tolerate() Registers {
	a, b, syscall := c.now[0], c.now[1], c.payload.Symbols["syscall_entry"]
	put := func(name string, to *uint64, v uint64) {
		if *to != v {
			c.report.Tolerated[name]++
			*to = v
		}
	}
	const cs, ss, virtual, vm = 1, 2, 3 << 19, 1 << 17
	if a.Segment[cs]&3 == 0 && b.Segment[ss] == 0 && a.Segment[ss] != 0 {
		c.report.Tolerated["ist-null-ss"]++
		b.Segment[ss] = a.Segment[ss]
	}
	put("sysret-flags", &b.RFLAGS, b.RFLAGS&^vm|a.RFLAGS&(virtual|vm))
	if at := a.RIP; at >= syscall && at <= c.payload.Symbols["syscall_event"] {
		put("syscall-flags", &b.RFLAGS, b.RFLAGS&^arithmetic|a.RFLAGS&arithmetic)
	}
	return b
}

// CompareRegisters lists what differs but for some flags. The debug registers
// and the x87's record of its last instruction are left out: QEMU's stub does
// not show them, and the payload's log does.
func CompareRegisters(a, b Registers, undefined uint64) (fields []Field) {
	check := func(name string, x, y uint64) {
		if x != y {
			fields = append(fields, Field{name, x, y})
		}
	}
	for i, name := range []string{"RAX", "RCX", "RDX", "RBX", "RSP", "RBP", "RSI", "RDI",
		"R8", "R9", "R10", "R11", "R12", "R13", "R14", "R15"} {
		check(name, a.GPR[i], b.GPR[i])
	}
	check("RIP", a.RIP, b.RIP)
	check("RFLAGS", a.RFLAGS&^undefined, b.RFLAGS&^undefined)
	for i, name := range []string{"ES", "CS", "SS", "DS", "FS", "GS"} {
		check(name, uint64(a.Segment[i]), uint64(b.Segment[i]))
	}
	check("FS base", a.FSBase, b.FSBase)
	check("GS base", a.GSBase, b.GSBase)
	check("kernel GS base", a.KernelGSBase, b.KernelGSBase)
	check("CR0", a.CR0, b.CR0)
	check("CR2", a.CR2, b.CR2)
	check("CR3", a.CR3, b.CR3)
	check("CR4", a.CR4, b.CR4)
	check("CR8", a.CR8, b.CR8)
	check("EFER", a.EFER, b.EFER)
	check("x87 control", uint64(a.X87.Control), uint64(b.X87.Control))
	check("x87 status", uint64(a.X87.Status), uint64(b.X87.Status))
	for i := range a.ST {
		if a.ST[i] != b.ST[i] {
			check(fmt.Sprintf("ST%d", i), little(a.ST[i][:8]), little(b.ST[i][:8]))
			check(fmt.Sprintf("ST%d exponent", i), little(a.ST[i][8:]), little(b.ST[i][8:]))
		}
	}
	for i := range a.XMM {
		check(fmt.Sprintf("XMM%d low", i), little(a.XMM[i][:8]), little(b.XMM[i][:8]))
		check(fmt.Sprintf("XMM%d high", i), little(a.XMM[i][8:]), little(b.XMM[i][8:]))
	}
	check("MXCSR", uint64(a.MXCSR), uint64(b.MXCSR))
	return fields
}

func little(p []byte) (v uint64) {
	for i, c := range p {
		v |= uint64(c) << (8 * i)
	}
	return v
}
