// SPDX-License-Identifier: GPL-2.0-or-later

package task

import (
	"fmt"
	"strings"

	"github.com/uklemu/uklemu/model/image"
)

// Text is all that is known of the task, for people.
func (t *Task) Text() string {
	var b strings.Builder
	b.WriteString(t.Title() + "\n")
	fmt.Fprintf(&b, "thread stack %x-%x, ukl_thread %s\n", t.Stack, t.Stack+t.StackSize-1, t.Tracking)
	fmt.Fprintf(&b, "thread flags: %s; work at system calls: %s\n", t.ThreadFlags, joined(t.SyscallWork))
	if !t.KernelThread() {
		fmt.Fprintf(&b, "%s; FP state %s\n", t.Restart, t.FPU)
	}
	if t.Position.Mode != Undecided {
		b.WriteString(t.Position.Text())
	}
	for i := range t.Entries {
		b.WriteString(t.Entries[i].Text(t.name))
	}
	for i := range t.Signals {
		b.WriteString(t.Signals[i].Text(t.name))
	}
	return b.String()
}

// Title is who the task is, in a line.
func (t *Task) Title() string {
	switch {
	case t.Address == 0:
		return "no current task"
	case t.Idle():
		return fmt.Sprintf("task %q (idle) at %#x", t.Name, t.Address)
	case t.KernelThread():
		return fmt.Sprintf("task %q (kernel thread %d) at %#x", t.Name, t.PID, t.Address)
	case t.PID != t.TGID:
		return fmt.Sprintf("task %q (thread %d of process %d) at %#x, mm %#x", t.Name, t.PID, t.TGID, t.Address, t.MM)
	}
	return fmt.Sprintf("task %q (process %d) at %#x, mm %#x", t.Name, t.PID, t.Address, t.MM)
}

// Text is the position in a line, with a line for each difference.
func (p *Position) Text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "mode: %s; by ukl_thread %s, by the code (%s) %s, by the stack (%s) %s\n",
		p.Mode, undecided(p.ByTracking), orAddress(p.Symbol, p.RIP), p.ByCode, p.Stack, p.ByStack)
	for _, d := range p.Differences {
		fmt.Fprintf(&b, "! %s\n", d)
	}
	return b.String()
}

func undecided(m Mode) string {
	if m == Undecided {
		return "undecided"
	}
	return string(m)
}

func orAddress(symbol string, address uint64) string {
	if symbol == "" {
		return fmt.Sprintf("%#x", address)
	}
	return symbol
}

// Title is the entry in a line.
func (e *Entry) Title() string {
	kind := e.Kind.String()
	if e.Kind == image.Return {
		kind = "frame"
	}
	if e.At == 0 {
		return fmt.Sprintf("%s %s: nothing saved", kind, e.Name)
	}
	text := fmt.Sprintf("%s %s from %s: pt_regs at %#x on the %s", kind, e.Name, e.From, e.At, e.Stack)
	if !e.Complete {
		text += ", incomplete"
	}
	return text
}

// Text is the entry with its registers.
func (e *Entry) Text(name func(uint64) string) string {
	text := e.Title() + "\n"
	switch {
	case e.At == 0:
		return text
	case e.Complete:
		return text + indent(e.Registers.Text(name))
	}
	return text + indent(e.Registers.frameText(name))
}

// Text is the frame with its registers and FP state.
func (f *SignalFrame) Text(name func(uint64) string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "signal frame at %#x: %s\n", f.At, f.Info)
	restorer := ""
	if f.Restorer {
		restorer = " (restorer)"
	}
	fmt.Fprintf(&b, "  returns to %s%s; uc_flags %#x; mask %s\n", named(name, f.Pretcode), restorer, f.ContextFlags, signalSet(f.Mask))
	if f.AltStack.Size != 0 {
		fmt.Fprintf(&b, "  alternate stack %#x, %d bytes, flags %#x\n", f.AltStack.SP, f.AltStack.Size, f.AltStack.Flags)
	}
	if f.Trap != 0 || f.Error != 0 {
		fmt.Fprintf(&b, "  last exception: vector %d, error code %#x, cr2 %#x\n", f.Trap, f.Error, f.CR2)
	}
	b.WriteString(indent(f.Registers.Text(name)))
	if f.FP != nil {
		b.WriteString(indent(f.FP.Text()))
	}
	return b.String()
}

func named(name func(uint64) string, address uint64) string {
	if name == nil {
		return fmt.Sprintf("%#x", address)
	}
	return orAddress(name(address), address)
}

// frameText is what the CPU itself has pushed.
func (r *Registers) frameText(name func(uint64) string) string {
	where := ""
	if name != nil {
		if where = name(r.IP); where != "" {
			where = " " + where
		}
	}
	return fmt.Sprintf("ip %02x:%016x%s\nsp %02x:%016x flags %08x %s\n", r.CS, r.IP, where, r.SS, r.SP, r.Flags, FlagNames(r.Flags))
}

// indent puts two spaces before each line.
func indent(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString("  " + line)
	}
	return b.String()
}
