// SPDX-License-Identifier: GPL-2.0-or-later

package invariant_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/emu/x86"
	"github.com/uklemu/uklemu/model/event"
)

// breaking is one thing told otherwise, and the invariants that notice.
type breaking struct {
	ids   string // all that do not hold then, the one that it is about first
	story string
	what  func(s story)
}

// at changes the first event of a kind.
func at(k event.Kind, change func(e *event.Event)) func(story) {
	return func(s story) { change(s.first(k)) }
}

// stub is an instruction of the entry text.
var stub uint64

// stay changes the excursion.
func stay(change func(x *event.Excursion)) func(story) {
	return func(s story) { change(s[0].Excursion) }
}

var brokenMode = []breaking{
	{"MT-1", "nested", at(event.HandlerEnd, func(e *event.Event) { e.Kind, e.Tracking = event.Mode, 7; e.Was = 0; e.Excursion.Exec = true })},
	{"MT-2", "call", at(event.Resumed, func(e *event.Event) { e.Tracking = event.TrackingKernel })},
	{"MT-3", "call", at(event.SyscallBegin, func(e *event.Event) { e.Tracking = event.TrackingApplication })},
	{"MT-4", "program", at(event.Resumed, func(e *event.Event) { e.Tracking = event.TrackingKernel })},
	{"MT-5", "nested", at(event.HandlerEnd, func(e *event.Event) {
		e.Kind, e.Was, e.Tracking = event.Mode, event.TrackingKernel, event.TrackingApplication
	})},
	{"MT-6", "failing", at(event.ExecFailed, func(e *event.Event) { e.Tracking = event.TrackingKernel })},
	{"MT-7", "change", func(s story) { s[3].Tracking = event.TrackingNone }},
	{"MT-8 IR-1", "interrupt", at(event.HandlerBegin, func(e *event.Event) { e.Frame.CS = 0x10 })},
}

var brokenEntry = []breaking{
	{"EN-1 EN-11", "call", at(event.SyscallEnter, func(e *event.Event) { e.Value = e.RIP })},
	{"EN-2", "call", at(event.SyscallBegin, func(e *event.Event) { e.RFLAGS |= x86.FlagIF })},
	{"EN-3", "call", at(event.SyscallBegin, func(e *event.Event) { e.Frame.SP -= 8 })},
	{"EN-4 CS-5", "call", at(event.SyscallBegin, func(e *event.Event) { e.FrameAt -= 16 })},
	{"EN-5", "call", at(event.SyscallBegin, func(e *event.Event) { e.Frame.IP = 3 })},
	{"EN-6", "call", at(event.SyscallBegin, func(e *event.Event) { e.GPR[x86.RSI] = 1<<32 | 39 })},
	{"EN-7", "call", at(event.SyscallBegin, func(e *event.Event) { e.GPR[x86.RBX] = 1 })},
	{"EN-8", "call", at(event.SyscallBegin, func(e *event.Event) { e.Near[6] = 0x246 })},
	{"EN-9", "call", at(event.SyscallBegin, func(e *event.Event) { e.KernelGSBase = 1 })},
	{"EN-10", "call", at(event.SyscallBegin, func(e *event.Event) { e.GPR[x86.RSP] -= 8; e.GPR[x86.RDI] -= 8 })},
	{"EN-11 EN-1 MT-2", "call", at(event.SyscallEnter, func(e *event.Event) { e.Tracking = event.TrackingKernel })},
}

var brokenExit = []breaking{
	{"EX-1", "call", at(event.SyscallEnd, func(e *event.Event) { e.RFLAGS |= x86.FlagIF })},
	{"EX-2", "call", at(event.Resumed, func(e *event.Event) { e.RIP += 4 })},
	{"EX-3", "call", stay(func(x *event.Excursion) { x.End.SP -= 16 })},
	{"EX-4", "call", at(event.Resumed, func(e *event.Event) { e.GPR[x86.R11] = 0x246 })},
	{"EX-5", "call", at(event.Resumed, func(e *event.Event) { e.RFLAGS |= x86.FlagDF })},
	{"EX-6", "call", at(event.Return, func(e *event.Event) { e.Value = 0xffffffff81000000 })},
	{"EX-7", "call", at(event.Return, func(e *event.Event) { e.RIP = 3 })},
	{"EX-8", "call", at(event.SyscallEnd, func(e *event.Event) { e.Tracking = event.TrackingApplication })},
	{"EX-9", "interrupt", at(event.Interrupt, func(e *event.Event) {
		stopped := *e.Interrupted
		stopped.RIP = stub
		e.Interrupted = &stopped
	})},
	{"EX-10", "call", at(event.Resumed, func(e *event.Event) { e.ThreadFlags = 4 })},
	{"EX-11", "call", at(event.Resumed, func(e *event.Event) { e.PreemptCount = 1 })},
	{"EX-12", "program", at(event.Return, func(e *event.Event) { e.Tracking = event.TrackingKernel })},
}

var brokenInterrupts = []breaking{
	{"IR-1 ST-4", "interrupt", at(event.HandlerBegin, func(e *event.Event) { e.GPR[x86.RSP] = user - 0x200 })},
	{"IR-2", "nested", at(event.HandlerBegin, func(e *event.Event) { e.FrameAt += 0x80; e.Excursion.BeginAt += 0x80 })},
	{"IR-3", "interrupt", at(event.HandlerBegin, func(e *event.Event) { f := *e.Frame; f.AX = 2; e.Frame = &f })},
	{"IR-4", "interrupt", at(event.Resumed, func(e *event.Event) { e.GPR[x86.RAX] = 2 })},
	{"IR-5 IR-2", "nested", stay(func(x *event.Excursion) { x.Tracking = event.TrackingApplication })},
	{"IR-6", "interrupt", at(event.HandlerBegin, func(e *event.Event) { e.GSBase = 0 })},
	{"IR-7", "program", at(event.Resumed, func(e *event.Event) { e.GSBase, e.KernelGSBase = e.KernelGSBase, e.GSBase })},
	{"IR-8 EX-12", "interrupt", at(event.Return, func(e *event.Event) { e.CS = 0xc3 })},
	{"IR-9", "double", at(event.Fault, func(e *event.Event) { e.Address = 0x1000 })},
	{"IR-10", "double", at(event.Fault, func(e *event.Event) { e.ErrorCode = 4 })},
	{"IR-11 IR-4", "double", at(event.Resumed, func(e *event.Event) { e.RIP += 2 })},
	{"IR-13", "double", func(s story) { *s[1] = *s[0] }},
	{"IR-14 ST-5", "change", at(event.Switch, func(e *event.Event) { e.GPR[x86.RSP] = 0xfffffe0000009f00 })},
	{"IR-15", "wrong", at(event.HandlerEnd, func(e *event.Event) { e.Kind, e.What = event.Oops, "die" })},
	{"IR-16", "repair", at(event.FixUp, func(e *event.Event) { e.GPR[x86.R12]++ })},
	{"IR-17", "nmi", at(event.Return, func(e *event.Event) { e.Tracking = event.TrackingKernel })},
	{"IR-19", "nested", func(s story) {
		s[1].Excursion.Interrupted.RIP, s[1].Frame.IP, s[3].RIP = stub, stub, stub
		s[2].Kind = event.Switch
	}},
	{"IR-18 IR-6", "wrong", at(event.HandlerBegin, func(e *event.Event) { e.GSBase = 0; e.Excursion.BadReturn = true })},
}

var brokenStacks = []breaking{
	{"ST-4", "call", at(event.SyscallEnd, func(e *event.Event) { e.Kind = event.AccessOK; e.GPR[x86.RSP] = user })},
	{"ST-5", "change", at(event.Switched, func(e *event.Event) { e.GPR[x86.RSP] = frameAt })},
	{"ST-6", "control", at(event.LoadCR3, func(e *event.Event) { e.GPR[x86.RSP] = user })},
	{"ST-7 EN-4 CS-5", "calls", func(s story) { s[len(s)-4].FrameAt -= 16 }},
	{"ST-8", "call", at(event.Resumed, func(e *event.Event) { e.GPR[x86.RSP] -= 8; e.Excursion.End.SP -= 8 })},
	{"ST-10", "wrong", at(event.Exception, func(e *event.Event) { e.Vector, e.Address = x86.VectorPF, thread-8 })},
}

var brokenSwitches = []breaking{
	{"CS-1", "change", at(event.Switch, func(e *event.Event) { e.RFLAGS |= x86.FlagIF })},
	{"CS-2", "change", at(event.Switched, func(e *event.Event) { e.TopOfStack = thread + threadSize })},
	{"CS-3", "change", at(event.Switched, func(e *event.Event) { e.RFLAGS |= x86.FlagNT })},
	{"CS-5 EN-4", "call", at(event.SyscallBegin, func(e *event.Event) { e.Stack += 0x4000 })},
}

var brokenFlags = []breaking{
	{"FL-1 EX-5", "call", at(event.Resumed, func(e *event.Event) { e.RFLAGS &^= x86.FlagIF })},
	{"FL-2", "call", at(event.SyscallBegin, func(e *event.Event) { e.RFLAGS |= x86.FlagDF })},
	{"FL-3", "call", at(event.SyscallBegin, func(e *event.Event) { e.RFLAGS |= x86.FlagNT })},
	{"FL-4", "call", at(event.SyscallBegin, func(e *event.Event) { e.RFLAGS |= x86.FlagTF })},
	{"HW-1", "control", func(s story) {
		for n := len(s) - 1; ; n-- {
			if s[n].What == "CR4" {
				s[n].Value |= x86.CR4SMAP
				return
			}
		}
	}},
}

var breakings = slices.Concat(brokenMode, brokenEntry, brokenExit, brokenInterrupts, brokenStacks, brokenSwitches, brokenFlags)

// elsewhereTested are the invariants that a story is not enough for; tests/mini
// has a kernel that breaks each.
var elsewhereTested = map[string]string{
	"IR-12": "a scenario says what came of an interrupt", "ST-1": "it looks at the image", "HW-2": "it looks at the image",
	"ST-2": "it reads the machine's memory", "ST-3": "it reads the machine's memory", "CS-4": "it reads the machine's FPU",
}

// None of the groups is left out.
func TestEveryInvariantHasAStory(t *testing.T) {
	for _, i := range told(t) {
		id := i.Rule().ID
		found := slices.ContainsFunc(breakings, func(b breaking) bool { return strings.Fields(b.ids)[0] == id })
		require.True(t, found || elsewhereTested[id] != "", "%s: no story breaks it", id)
	}
}

// Whatever goes otherwise than in a healthy story is noticed by those
// invariants that it breaks, and by no other.
func TestBrokenStoriesAreNoticed(t *testing.T) {
	stub = of(t, "use_ret").at("error_entry")
	for _, b := range breakings {
		t.Run(b.ids, func(t *testing.T) {
			w := of(t, "use_ret")
			s := w.healthy()[b.story]
			b.what(s)
			broken, _ := w.tell(s)
			require.ElementsMatch(t, strings.Fields(b.ids), broken)
		})
	}
}
