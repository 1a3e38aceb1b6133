// SPDX-License-Identifier: GPL-2.0-or-later

package task

import (
	"fmt"
	"slices"
	"strings"

	"github.com/uklemu/uklemu/emu/x86"
	"github.com/uklemu/uklemu/model/image"
	"github.com/uklemu/uklemu/model/space"
)

// Mode is what a CPU does.
type Mode string

const (
	Application  Mode = "application"   // linked into the kernel, in CPL 0
	User         Mode = "user"          // a program, in CPL 3
	Kernel       Mode = "kernel"        // for a program or an application
	KernelThread Mode = "kernel thread" // for itself
	Idle         Mode = "idle"
	// Transition is entry text: on the way from one to another.
	Transition Mode = "transition"
	// Nowhere is code that is nobody's.
	Nowhere Mode = "nowhere"
	// Undecided is for what doesn't tell: the mark of a task that isn't UKL's.
	Undecided Mode = ""
)

// Position is where the CPU is, from three sources that don't know of each
// other: the task's mark, the code at RIP, the stack at RSP.
type Position struct {
	// Mode is what they say together, the code's word first.
	Mode Mode

	ByTracking, ByCode, ByStack Mode

	Tracking Tracking
	CPL      int
	RIP, RSP uint64
	Class    image.Class // of RIP
	Symbol   string      // at RIP
	Noinstr  bool        // RIP is in code that may run before an entry is complete
	Stack    Stack       // that RSP is on

	// Differences are where they contradict each other, as sentences.
	Differences []string
}

// Agree says whether the sources agree.
func (p *Position) Agree() bool { return len(p.Differences) == 0 }

// Stack is the stack that RSP is on.
type Stack struct {
	Kind StackKind
	// Name is the number of an IST with its vectors, or the task of a thread
	// stack.
	Name        string
	Start, Size uint64 // 0 where they aren't known: an application's stack
}

// StackKind is what a stack is for.
type StackKind string

const (
	OnThreadStack      StackKind = "thread stack"
	OnHardIRQStack     StackKind = "hardirq stack"
	OnISTStack         StackKind = "IST stack"
	OnEntryStack       StackKind = "entry stack"
	OnApplicationStack StackKind = "application stack" // the lower half
	OnAlternateStack   StackKind = "alternate stack"   // sigaltstack's
	OnApplicationData  StackKind = "application data"  // in the image: a stack that the application made
	OnNoStack          StackKind = "no stack"          // that is known
)

// Kernel says whether it is one of the kernel's.
func (s Stack) Kernel() bool {
	switch s.Kind {
	case OnThreadStack, OnHardIRQStack, OnISTStack, OnEntryStack:
		return true
	}
	return false
}

// Application says whether it is one of the application's.
func (s Stack) Application() bool {
	switch s.Kind {
	case OnApplicationStack, OnAlternateStack, OnApplicationData:
		return true
	}
	return false
}

func (s Stack) String() string {
	if s.Name == "" {
		return string(s.Kind)
	}
	return string(s.Kind) + " " + s.Name
}

// onTheWay are functions outside of entry text in which mark, code and stack
// change: the return by RET, and the published series' helpers.
var onTheWay = map[string]bool{
	"return_to_ukl_ret": true, "is_ukl_thread": true, "enter_ukl_user": true, "enter_ukl_kernel": true,
	"get_in_user": true, "enter_user": true, "exit_user": true,
}

func rsp(v *space.View) uint64 { return v.State.GPR[x86.RSP] }

func (r *Reader) position(v *space.View, t *Task) Position {
	p := Position{
		Tracking: t.Tracking, CPL: v.State.CPL(), RIP: v.State.RIP, RSP: rsp(v),
		Class: r.image.Class(v.State.RIP), Symbol: r.symbol(v.State.RIP), Noinstr: r.image.Noinstr(v.State.RIP), Stack: r.stackAt(v, t, rsp(v)),
	}
	kernel := Kernel
	switch {
	case t.Address != 0 && t.Idle():
		kernel = Idle
	case t.Address != 0 && t.KernelThread():
		kernel = KernelThread
	}
	p.ByTracking = p.byTracking(kernel)
	p.ByCode = p.byCode(kernel)
	p.ByStack = p.byStack(kernel)
	p.Mode = p.mode(kernel)
	p.Differences = p.differences(r.image.SameStack())
	return p
}

// stackAt is the stack that a stack pointer is on.
func (r *Reader) stackAt(v *space.View, t *Task, sp uint64) Stack {
	if s, ok := v.Stack(sp); ok {
		return Stack{StackKind(s.Kind), s.Name, s.Start, s.Size}
	}
	if base, size, ok := r.alternate(v, t.Address); ok && sp-base <= size {
		return Stack{OnAlternateStack, "", base, size}
	}
	if int64(sp) >= 0 {
		return Stack{Kind: OnApplicationStack}
	}
	if app := r.image.Application(); app != nil && (inside(app.Data, sp) || inside(app.BSS, sp)) {
		return Stack{Kind: OnApplicationData}
	}
	return Stack{Kind: OnNoStack}
}

// inside says whether a stack pointer is in one of the ranges, or at its end.
func inside(ranges []image.Range, sp uint64) bool {
	return slices.ContainsFunc(ranges, func(r image.Range) bool { return r.Contains(sp) || r.Contains(sp-1) })
}

// alternate is what sigaltstack was told.
func (r *Reader) alternate(v *space.View, task uint64) (base, size uint64, ok bool) {
	base, ok = v.FieldWord(task, "task_struct", "sas_ss_sp")
	size, also := v.FieldWord(task, "task_struct", "sas_ss_size")
	return base, size, ok && also && size != 0
}

func (p *Position) byTracking(kernel Mode) Mode {
	switch {
	case !p.Tracking.Present:
		return Undecided
	case p.Tracking.Value == InApplication:
		return Application
	case p.Tracking.Value == InKernel:
		return kernel
	}
	return Undecided
}

func (p *Position) byCode(kernel Mode) Mode {
	name, _, _ := strings.Cut(p.Symbol, "+")
	switch {
	case p.CPL == 3:
		return User
	case p.Class == image.Application:
		return Application
	case p.Class == image.EntryText || onTheWay[name]:
		return Transition
	case p.Class == image.Kernel:
		return kernel
	}
	return Nowhere
}

func (p *Position) byStack(kernel Mode) Mode {
	switch {
	case p.CPL == 3:
		return User
	case p.Stack.Kernel():
		return kernel
	case p.Stack.Application():
		return Application
	}
	return Nowhere
}

// mode is what they say together. Entry text is the kernel's, and the code
// decides where it is somebody's; else the mark does.
func (p *Position) mode(kernel Mode) Mode {
	if p.Class == image.EntryText && p.CPL != 3 {
		return kernel
	}
	switch p.ByCode {
	case Transition, Nowhere:
		if p.ByTracking != Undecided {
			return p.ByTracking
		}
		return kernel
	}
	return p.ByCode
}

// differences are the contradictions, but for what the kernel was built to do. On the way through entry text one of
// the three changes before the others, and the C functions of NMIs and the like
// put the mark away themselves.
func (p *Position) differences(sameStack bool) []string {
	var out []string
	say := func(wrong bool, format string, args ...any) {
		if wrong {
			out = append(out, fmt.Sprintf(format, args...))
		}
	}
	mark := p.Tracking.Value
	say(p.Tracking.Present && (mark < NotUKL || mark > InApplication), "ukl_thread is %d, and has to be 0, 1 or 2", mark)
	say(p.CPL == 3 && mark != NotUKL, "CPL 3, while ukl_thread is %s", p.Tracking)
	if p.CPL == 3 {
		return out
	}
	switch p.ByCode {
	case Application:
		say(p.Tracking.Present && mark != InApplication, "the application's code runs, while ukl_thread is %s", p.Tracking)
		say(p.Stack.Kernel(), "the application's code runs on the %s", p.Stack)
		say(p.Stack.Kind == OnNoStack, "the application's code runs with RSP %#x, which is on no stack", p.RSP)
	case Nowhere:
		say(true, "CPL 0 at %#x, where nobody's code is", p.RIP)
	case Transition:
	default:
		say(mark == InApplication && !p.Noinstr, "the kernel's code runs, while ukl_thread is %s", p.Tracking)
		// In the middle of a switch, the mark is that of a task which may be
		// no application's.
		say(p.Stack.Application() && !(sameStack && mark != InApplication), "the kernel's code runs on the %s", p.Stack)
		say((p.ByCode == KernelThread || p.ByCode == Idle) && mark != NotUKL, "a task without a program, while ukl_thread is %s", p.Tracking)
	}
	return out
}
