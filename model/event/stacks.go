// SPDX-License-Identifier: GPL-2.0-or-later

package event

import (
	"encoding/binary"
	"fmt"

	"github.com/uklemu/uklemu/emu/x86"
)

// Stacks, as Event.On has them. IST stacks are "IST 1" to "IST 7".
const (
	OnThread      = "thread"
	OnEntry       = "entry"
	OnInterrupt   = "interrupt"
	OnApplication = "application"
	OnOther       = "other"
)

// stack is one of the CPU's, by what it is for.
type stack struct {
	bottom, top uint64
	name        string
}

// cpuStacks are those that are not a task's: the IST stacks and the entry
// stack that the TSS names (SDM vol. 3A, 8.7), and the interrupt stack. Their
// sizes are those of arch/x86/include/asm/page_64_types.h and cpu_entry_area.h.
func (s *Stream) cpuStacks(state *x86.State, gs uint64) (list []stack) {
	const page = 4096
	exception := uint64(2 * page)
	if s.img.Config["CONFIG_KASAN"] == "y" {
		exception *= 2
	}
	var tss [104]byte
	if n, err := s.machine.ReadMemory(state.TR.Base, tss[:]); err == nil && n == len(tss) {
		for i := range 7 {
			if top := binary.LittleEndian.Uint64(tss[36+8*i:]); top != 0 {
				list = append(list, stack{top - exception, top, fmt.Sprint("IST ", i+1)})
			}
		}
		if top := binary.LittleEndian.Uint64(tss[4:]); top != 0 {
			list = append(list, stack{top - page, top, OnEntry})
		}
	}
	if at, ok := s.img.PerCPUAddress("hardirq_stack_ptr", gs); ok {
		if top := s.read(at); top != 0 {
			list = append(list, stack{top - 4*page, top, OnInterrupt})
		}
	}
	return list
}

// on says on which stack the event's RSP is.
func (s *Stream) on(e *Event) string {
	rsp := e.RSP()
	if rsp-e.Stack <= e.TopOfStack-e.Stack && e.Stack != 0 {
		return OnThread
	}
	if int64(rsp) >= 0 || s.globals(rsp) {
		return OnApplication
	}
	for _, k := range s.stacks {
		if rsp > k.bottom && rsp <= k.top {
			return k.name
		}
	}
	return OnOther
}

// String is the event in a line for people, without the names of addresses.
func (e *Event) String() string {
	text := e.Kind.String()
	if e.By != 0 {
		text += " by " + e.By.String()
	}
	switch e.Kind {
	case Exception, Interrupt, NMI:
		text += fmt.Sprintf(": %v", e.Vector)
		if e.Vector.Info().ErrorCode {
			text += fmt.Sprintf(" (%#x)", e.ErrorCode)
		}
		if e.Vector == x86.VectorPF {
			text += fmt.Sprintf(" for %#x", e.Address)
		}
	case SyscallEnter:
		text += fmt.Sprintf(": number %d", int64(e.GPR[x86.RAX]))
	case Switch, Clone:
		text += fmt.Sprintf(": task %#x", e.Next)
	case AccessOK:
		text += fmt.Sprintf(": %#x, %d bytes: %v", e.Address, e.Size, e.Verdict)
	case UserCopy:
		text += fmt.Sprintf(": %#x, %d bytes, %s", e.Address, e.Size, map[bool]string{false: "read", true: "written"}[e.Write])
	case FixUp, Started:
		text += fmt.Sprintf(": %#x", e.Address)
	case Fault:
		text += fmt.Sprintf(": %#x (%#x)", e.Address, e.ErrorCode)
	case LoadCR3, Control:
		text += fmt.Sprintf(": %s %#x", e.What, e.Value)
	case Oops:
		text += ": " + e.What
	case Mode:
		text += fmt.Sprintf(": from %d to %d", e.Was, e.Tracking)
	case Stack:
		text += ": to " + e.On
	}
	return text
}
