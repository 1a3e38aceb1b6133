// SPDX-License-Identifier: GPL-2.0-or-later

package x86

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func hardware(v Vector, code uint32) Event {
	return Event{Kind: HardwareException, Exception: *Raise(v, code)}
}

func pageFault(address uint64, code uint32) Event {
	ev := hardware(VectorPF, code)
	ev.CR2 = address
	return ev
}

func external(v Vector) Event {
	return Event{Kind: ExternalInterrupt, Exception: Exception{Vector: v}}
}

func software(v Vector) Event {
	return Event{Kind: SoftwareInterrupt, Exception: Exception{Vector: v}, Length: 2}
}

var (
	nmi  = Event{Kind: NMI}
	int3 = Event{Kind: SoftwareException, Exception: Exception{Vector: VectorBP}, Length: 1}
	int1 = Event{Kind: PrivilegedSoftwareException, Exception: Exception{Vector: VectorDB}, Length: 1}
)

// entered is the state after a handler was entered from the one before.
func entered(w *world, v Vector, rsp uint64, edit func(*State)) State {
	s := w.clone()
	s.RIP = handlerCode + uint64(v)*16
	s.GPR[RSP] = rsp
	s.RFLAGS &^= FlagTF | FlagNT | FlagRF | FlagVM | FlagIF
	s.Shadow = ShadowNone
	if s.CPL() != 0 {
		s.Seg[SS] = Segment{}
	}
	s.Seg[CS] = w.segment(selKernelCS)
	if edit != nil {
		edit(&s)
	}
	return s
}

// SDM vol. 3A 7.14.2: in 64-bit mode SS:RSP is pushed unconditionally, on a
// stack aligned to 16 bytes.
func TestFrameAtTheSamePrivilege(t *testing.T) {
	w := newWorld()
	w.GPR[RSP] = stackTop - 0x7f
	want := entered(w, 32, stackTop-0x80-40, nil)
	out := Deliver(w.State, w.mem, external(32))
	require.Equal(t, "0x20", chain(out))
	w.requireState(t, want)
	require.Equal(t,
		[]uint64{kernelCode, selKernelCS, FlagFixed | FlagIF, stackTop - 0x7f, selKernelDS},
		w.mem.words(w.GPR[RSP], 5))
}

// SDM vol. 3A 7.14.4: a switch of privilege loads RSP from the TSS and SS
// with null, its RPL the new CPL.
func TestFrameFromUser(t *testing.T) {
	w := newWorld().user()
	want := entered(w, VectorPF, stackTop-48, func(s *State) { s.CR2 = 0x1234 })
	out := Deliver(w.State, w.mem, pageFault(0x1234, PFUser|PFWrite))
	require.Equal(t, "#PF(6)@1234", chain(out))
	w.requireState(t, want)
	require.Equal(t,
		[]uint64{PFUser | PFWrite, userCode, selUserCS, FlagFixed | FlagIF | FlagRF, userStack, selUserDS},
		w.mem.words(w.GPR[RSP], 6))
	require.Equal(t, []string{"0xffff800000011fd0+48"}, w.mem.stores)
}

func TestNullStackSelectorKeepsThePrivilege(t *testing.T) {
	w := newWorld().user()
	w.gate(32, func(g *gate) { g.selector = selCS1 })
	Deliver(w.State, w.mem, external(32))
	require.Equal(t, 1, w.CPL())
	require.Equal(t, Segment{Selector: 1, Attr: dpl1}, w.Seg[SS])
	require.Equal(t, uint64(stackTop-0x1000-40), w.GPR[RSP], "RSP1")
}

// Every fault of the operation section of INT n, with IA-32e mode's gates.
func TestFaultsOfDelivery(t *testing.T) {
	tests := []struct {
		name   string
		before func(w *world)
		event  Event
		want   string
	}{
		{"vector beyond the IDT", func(w *world) { w.IDTR.Limit = 33*16 - 2 }, external(32), "0x20 #GP(103)"},
		{"vector beyond the IDT, INT n", func(w *world) { w.IDTR.Limit = 33*16 - 2 }, software(32), "0x20 #GP(102)"},
		{"gate of another type", func(w *world) { w.gate(32, func(g *gate) { g.kind = TypeCallGate }) }, external(32), "0x20 #GP(103)"},
		{"task gate", func(w *world) { w.gate(32, func(g *gate) { g.kind = TypeTaskGate }) }, external(32), "0x20 #GP(103)"},
		{"16-bit gate", func(w *world) { w.gate(32, func(g *gate) { g.kind = 6 }) }, external(32), "0x20 #GP(103)"},
		{"type in the upper half", func(w *world) { w.gate(32, func(g *gate) { g.system = 0x100 }) }, external(32), "0x20 #GP(103)"},
		{"gate not present", func(w *world) { w.gate(32, func(g *gate) { g.absent = true }) }, external(32), "0x20 #NP(103)"},
		{"gate not present, INT n", func(w *world) { w.gate(32, func(g *gate) { g.absent = true }) }, software(32), "0x20 #NP(102)"},
		{"DPL of the gate, INT n", func(w *world) { w.user() }, software(32), "0x20 #GP(102)"},
		{"DPL of the gate before its presence", func(w *world) { w.user(); w.gate(32, func(g *gate) { g.absent = true }) }, software(32), "0x20 #GP(102)"},
		{"DPL of the gate, INT3", func(w *world) { w.user(); w.gate(3, func(g *gate) {}) }, int3, "#BP #GP(1a)"},
		{"DPL of the gate, INT3 allowed", func(w *world) { w.user() }, int3, "#BP"},
		{"DPL of the gate, INT1", func(w *world) { w.user() }, int1, "#DB"},
		{"DPL of the gate, external", func(w *world) { w.user() }, external(32), "0x20"},
		{"null CS", func(w *world) { w.gate(32, func(g *gate) { g.selector = 3 }) }, external(32), "0x20 #GP(1)"},
		{"null CS, INT n", func(w *world) { w.gate(32, func(g *gate) { g.selector = 0 }) }, software(32), "0x20 #GP(0)"},
		{"CS beyond the GDT", func(w *world) { w.gate(32, func(g *gate) { g.selector = gdtEnd }) }, external(32), "0x20 #GP(b9)"},
		{"CS in an LDT that isn't there", func(w *world) { w.gate(32, func(g *gate) { g.selector = 0x14 }) }, external(32), "0x20 #GP(15)"},
		{"CS is data", func(w *world) { w.gate(32, func(g *gate) { g.selector = selKernelDS }) }, external(32), "0x20 #GP(19)"},
		{"CS is a system descriptor", func(w *world) { w.gate(32, func(g *gate) { g.selector = selTSS }) }, external(32), "0x20 #GP(79)"},
		{"CS of less privilege", func(w *world) { w.gate(32, func(g *gate) { g.selector = selCS1 }) }, external(32), "0x20 #GP(59)"},
		{"CS of less privilege, conforming", func(w *world) { w.gate(32, func(g *gate) { g.selector = selConform3 }) }, external(32), "0x20 #GP(b1)"},
		{"CS not 64-bit", func(w *world) { w.gate(32, func(g *gate) { g.selector = selKernel32 }) }, external(32), "0x20 #GP(71)"},
		{"CS with L and D", func(w *world) { w.gate(32, func(g *gate) { g.selector = selBoth }) }, external(32), "0x20 #GP(51)"},
		{"CS not present", func(w *world) { w.gate(32, func(g *gate) { g.selector = selAbsentCS }) }, external(32), "0x20 #NP(39)"},
		{"RSP0 beyond the TSS", func(w *world) { w.user(); w.TR.Limit = 10 }, external(32), "0x20 #TS(79) #TS(79) #DF(0) #TS(79) shutdown"},
		{"IST1 beyond the TSS", func(w *world) { w.TR.Limit = 42; w.gate(32, func(g *gate) { g.ist = 1 }) }, external(32), "0x20 #TS(79)"},
		{"no TSS", func(w *world) { w.user(); w.TR = Segment{} }, external(32), "0x20 #TS(1) #TS(1) #DF(0) #TS(1) shutdown"},
		{"RSP0 not canonical", func(w *world) { w.user(); w.mem.put(tssAt+4, 8, noncanon) }, external(32), "0x20 #SS(1) #SS(1) #DF(0)"},
		{"IST not canonical", func(w *world) { w.gate(32, func(g *gate) { g.ist = 2 }); w.mem.put(tssAt+44, 8, noncanon) }, external(32), "0x20 #SS(1)"},
		{"RSP not canonical", func(w *world) { w.GPR[RSP] = noncanon + 0x100 }, software(32), "0x20 #SS(0) #SS(1) #DF(0)"},
		{"frame runs out of the canonical half", func(w *world) { w.GPR[RSP] = 0xffff800000000010 }, external(32), "0x20 #SS(1) #SS(1) #DF(0)"},
		{"handler not canonical", func(w *world) { w.gate(32, func(g *gate) { g.offset = noncanon }) }, external(32), "0x20 #GP(1)"},
		{"handler not canonical, INT n", func(w *world) { w.gate(32, func(g *gate) { g.offset = noncanon }) }, software(32), "0x20 #GP(0)"},
		{"stack not canonical before handler not canonical", func(w *world) {
			w.gate(32, func(g *gate) { g.offset, g.ist = noncanon, 2 })
			w.mem.put(tssAt+44, 8, noncanon)
		}, external(32), "0x20 #SS(1)"},
		{"IDT not mapped", func(w *world) { delete(w.mem.pages, idtAt/pageSize) }, external(32),
			"0x20 #PF(0)@ffff800000002200 #PF(0)@ffff8000000020e0 #DF(0) #PF(0)@ffff800000002080 shutdown"},
		{"GDT not mapped", func(w *world) { delete(w.mem.pages, gdtAt/pageSize) }, external(32),
			"0x20 #PF(0)@ffff800000001010 #PF(0)@ffff800000001010 #DF(0) #PF(0)@ffff800000001010 shutdown"},
		{"stack not mapped", func(w *world) { w.mem.pages[0xffff800000011] = nil }, pageFault(0x10, 0),
			"#PF(0)@10 #PF(2)@ffff800000011f78 #DF(0)"},
		{"stack read-only", func(w *world) { w.mem.pages[0xffff800000011].readOnly = true }, hardware(VectorUD, 0),
			"#UD #PF(3)@ffff800000011f78 #PF(3)@ffff800000011f78 #DF(0)"},
		{"the accessed bit in a read-only GDT", func(w *world) {
			w.gate(32, func(g *gate) { g.selector = selUnaccessed })
			w.mem.pages[gdtAt/pageSize].readOnly = true
		}, external(32), "0x20 #PF(3)@ffff8000000010a5"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld()
			test.before(w)
			before := w.clone()
			out := Deliver(w.State, w.mem, test.event)
			require.Equal(t, test.want, chain(out))
			if out.Shutdown {
				before.CR2 = w.CR2
				w.requireState(t, before)
				return
			}
			// The last handler was entered with the original state.
			require.Equal(t, handlerCode+uint64(out.Last().Vector)*16, w.RIP)
			at := w.GPR[RSP]
			if out.Last().HasErrorCode {
				require.Equal(t, uint64(out.Last().ErrorCode), w.mem.get(at))
				at += 8
			}
			frame := w.mem.words(at, 5)
			if out.Count > 1 {
				require.Equal(t, before.RIP, frame[0], "RIP")
			}
			require.Equal(t, uint64(before.Seg[CS].Selector), frame[1], "CS")
			require.Equal(t, before.GPR[RSP], frame[3], "RSP")
			require.Equal(t, uint64(before.Seg[SS].Selector), frame[4], "SS")
		})
	}
}

// SDM vol. 3A, table 7-5.
func TestDoubleFaultConditions(t *testing.T) {
	absent := func(v int) func(*world) {
		return func(w *world) { w.gate(v, func(g *gate) { g.absent = true }) }
	}
	noStack := func(w *world) { // #PF when anything is pushed, but for IST1
		w.GPR[RSP] = 0x5000
	}
	tests := []struct {
		name   string
		before []func(*world)
		event  Event
		want   string
	}{
		{"benign, then contributory", []func(*world){absent(1)}, hardware(VectorDB, 0), "#DB #NP(b)"},
		{"benign, then #PF", []func(*world){noStack}, hardware(VectorUD, 0), "#UD #PF(2)@4ff8 #PF(2)@4ff8 #DF(0)"},
		{"contributory, then contributory", []func(*world){absent(0)}, hardware(VectorDE, 0), "#DE #NP(3) #DF(0)"},
		{"contributory, then #PF", []func(*world){noStack}, hardware(VectorGP, 0), "#GP(0) #PF(2)@4ff8 #PF(2)@4ff8 #DF(0)"},
		{"#PF, then contributory", []func(*world){absent(14)}, pageFault(1, 0), "#PF(0)@1 #NP(73) #DF(0)"},
		{"#PF, then #PF", []func(*world){noStack}, pageFault(1, 0), "#PF(0)@1 #PF(2)@4ff8 #DF(0)"},
		{"#VE is as #PF", []func(*world){absent(20)}, hardware(VectorVE, 0), "#VE #NP(a3) #DF(0)"},
		{"INT 13 is benign", []func(*world){absent(13)}, software(13), "#GP #NP(6a)"},
		{"#AC is benign", []func(*world){absent(17)}, hardware(VectorAC, 0), "#AC(0) #NP(8b)"},
		{"#MC is benign", []func(*world){absent(18)}, hardware(VectorMC, 0), "#MC #NP(93)"},
		{"fault in #DF", []func(*world){absent(0), absent(8)}, hardware(VectorDE, 0), "#DE #NP(3) #DF(0) #NP(43) shutdown"},
		{"#DF itself", []func(*world){absent(8)}, hardware(VectorDF, 0), "#DF(0) #NP(43) shutdown"},
		{"the longest chain", []func(*world){noStack, absent(13), absent(8), func(w *world) { w.gate(13, func(g *gate) {}); w.gate(32, func(g *gate) { g.kind = 0 }) }},
			external(32), "0x20 #GP(103) #PF(2)@4ff8 #PF(2)@4ff8 #DF(0) #NP(43) shutdown"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld()
			for _, f := range test.before {
				f(w)
			}
			out := Deliver(w.State, w.mem, test.event)
			require.Equal(t, test.want, chain(out))
		})
	}
}

// SDM vol. 3B, "Instruction-Breakpoint Exception Condition": RF in the frame.
func TestSavedRF(t *testing.T) {
	middle := external(32)
	middle.MidRepeat = true
	breakpoint, detect, step := hardware(VectorDB, 0), hardware(VectorDB, 0), hardware(VectorDB, 0)
	breakpoint.DR6, detect.DR6, step.DR6 = DR6B0, DR6BD, DR6BS
	midStep := step
	midStep.MidRepeat = true
	tests := []struct {
		name   string
		event  Event
		rf     uint64
		rfWith uint64 // where RF was set before
	}{
		{"fault", hardware(VectorGP, 0), FlagRF, FlagRF},
		{"#PF", pageFault(0, 0), FlagRF, FlagRF},
		{"instruction breakpoint", breakpoint, 0, FlagRF},
		{"general detect", detect, FlagRF, FlagRF},
		{"single step", step, 0, FlagRF},
		{"single step within REP", midStep, FlagRF, FlagRF},
		{"interrupt", external(32), 0, FlagRF},
		{"interrupt within REP", middle, FlagRF, FlagRF},
		{"NMI", nmi, 0, FlagRF},
		{"INT n", software(32), 0, 0},
		{"INT3", int3, 0, 0},
		{"INT1", int1, 0, 0},
		{"#DF, an abort", hardware(VectorDF, 0), 0, FlagRF},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			for before, want := range map[uint64]uint64{0: test.rf, FlagRF: test.rfWith} {
				w := newWorld()
				w.RFLAGS |= before
				out := Deliver(w.State, w.mem, test.event)
				at := 16
				if out.Last().HasErrorCode {
					at = 24
				}
				require.Equal(t, want, w.mem.get(w.GPR[RSP]+uint64(at))&FlagRF)
				require.Zero(t, w.RFLAGS&FlagRF)
			}
		})
	}
}

// SDM vol. 3A 7.12.1.3: what the handler's RFLAGS are.
func TestFlagsInTheHandler(t *testing.T) {
	const all = FlagFixed | FlagIF | FlagTF | FlagNT | FlagRF | FlagAC | FlagDF | FlagIOPL | FlagCF
	for vector, want := range map[Vector]uint64{
		0x80: FlagFixed | FlagAC | FlagDF | FlagIOPL | FlagCF,
		0x81: FlagFixed | FlagAC | FlagDF | FlagIOPL | FlagCF | FlagIF, // trap gate
	} {
		w := newWorld().user()
		w.RFLAGS = all
		Deliver(w.State, w.mem, software(vector))
		require.Equal(t, want, w.RFLAGS)
		require.Equal(t, uint64(all&^FlagRF), w.mem.get(w.GPR[RSP]+16), "saved")
		require.Equal(t, uint64(userCode+2), w.mem.get(w.GPR[RSP]), "RIP after INT n")
	}
}

// SDM vol. 3A 7.14.5: a gate with an IST switches stacks without a change of
// privilege too, and SS stays then.
func TestInterruptStackTable(t *testing.T) {
	w := newWorld()
	w.gate(2, func(g *gate) { g.ist = 1 })
	want := entered(w, VectorNMI, istTop-40, func(s *State) { s.NMIBlocked = true })
	out := Deliver(w.State, w.mem, nmi)
	require.Equal(t, "NMI", chain(out))
	w.requireState(t, want)
}

// A conforming handler runs at the CPL of who was interrupted, on its stack.
func TestConformingHandler(t *testing.T) {
	w := newWorld().user()
	w.gate(32, func(g *gate) { g.selector = selConforming })
	want := entered(w, 32, userStack&^15-40, func(s *State) {
		s.Seg[CS] = w.segment(selConforming)
		s.Seg[CS].Selector |= 3
		s.Seg[SS] = w.segment(selUserDS)
	})
	Deliver(w.State, w.mem, external(32))
	w.requireState(t, want)
	require.Equal(t, 3, w.CPL())
}

func TestInterruptShadowEndsInTheHandler(t *testing.T) {
	w := newWorld()
	w.Shadow = ShadowMOVSS
	Deliver(w.State, w.mem, hardware(VectorPF, 0))
	require.Equal(t, ShadowNone, w.Shadow)
}

// SDM vol. 3B, DR6 and DR7.GD.
func TestDebugExceptionUpdatesDR6AndGD(t *testing.T) {
	w := newWorld()
	w.DR[6] = DR6Fixed | DR6BS | DR6B1
	w.DR[7] = DR7Fixed | DR7GD | 1
	ev := hardware(VectorDB, 0)
	ev.DR6 = DR6B0
	Deliver(w.State, w.mem, ev)
	require.Equal(t, uint64(DR6Fixed|DR6BS|DR6B0), w.DR[6])
	require.Equal(t, uint64(DR7Fixed|1), w.DR[7])
}

// The pushes before the one that faults are in memory; registers are as
// before for the second exception.
func TestFrameAcrossTwoPages(t *testing.T) {
	w := newWorld()
	w.GPR[RSP] = stackTop - 0x1000 + 16
	w.mem.pages[(stackTop-0x2000)/pageSize] = nil
	w.gate(14, func(g *gate) { g.ist = 1 })
	out := Deliver(w.State, w.mem, external(32))
	require.Equal(t, "0x20 #PF(2)@ffff800000010ff8", chain(out))
	require.Equal(t, []string{"0xffff800000011008+8", "0xffff800000011000+8", "0xffff800000021fd0+48"}, w.mem.stores)
	require.Equal(t, uint64(stackTop-0x1000+16), w.mem.get(w.GPR[RSP]+32), "the saved RSP is that before the interrupt")
	require.Equal(t, uint64(0xffff800000010ff8), w.CR2)
}

func TestFrameAcrossTwoPresentPages(t *testing.T) {
	w := newWorld()
	w.GPR[RSP] = stackTop - 0x1000 + 16
	Deliver(w.State, w.mem, external(32))
	require.Equal(t, uint64(stackTop-0x1000+16-40), w.GPR[RSP])
	require.Equal(t, []uint64{kernelCode, selKernelCS, FlagFixed | FlagIF, stackTop - 0x1000 + 16, selKernelDS}, w.mem.words(w.GPR[RSP], 5))
}

// Compatibility mode enters 64-bit handlers through the same 16-byte gates.
func TestFromCompatibilityMode(t *testing.T) {
	w := newWorld().user()
	w.at(selUser32CS, selUserDS)
	Deliver(w.State, w.mem, software(0x80))
	require.True(t, w.Code64())
	require.Equal(t, []uint64{userCode + 2, selUser32CS, FlagFixed | FlagIF, userStack, selUserDS}, w.mem.words(w.GPR[RSP], 5))
}

func TestAccessedBitOfTheHandlersCode(t *testing.T) {
	w := newWorld()
	w.gate(32, func(g *gate) { g.selector = selUnaccessed })
	Deliver(w.State, w.mem, external(32))
	require.NotZero(t, w.mem.get(gdtAt+selUnaccessed)>>32&AttrAccessed)
	require.NotZero(t, w.Seg[CS].Attr&AttrAccessed)
}

// SDM vol. 2A, INT n: #AC(EXT) for an unaligned push at CPL 3, which takes a
// conforming handler; in 64-bit mode the frame is aligned first.
func TestAlignmentCheckOfPushes(t *testing.T) {
	w := newProtected().user32()
	w.gate32(32, selConforming, TypeInterruptGate, 0)
	w.CR0 |= CR0AM
	w.RFLAGS |= FlagAC
	w.GPR[RSP]--
	out := Deliver(w.State, w.mem, external(32))
	require.Equal(t, "0x20 #AC(1)", chain(out))
	require.Equal(t, 0, w.CPL())

	w = newProtected().user32() // #AC's own handler is such a one
	w.gate32(17, selConforming, TypeInterruptGate, 0)
	w.CR0 |= CR0AM
	w.RFLAGS |= FlagAC
	w.GPR[RSP]--
	out = Deliver(w.State, w.mem, hardware(VectorAC, 0))
	require.True(t, out.Shutdown)
}

// Real-address mode isn't modelled: shutdown, as documented.
func TestRealModeEndsInShutdown(t *testing.T) {
	w := newWorld()
	w.EFER, w.CR0 = 0, CR0ET
	out := Deliver(w.State, w.mem, external(32))
	require.Equal(t, "0x20 #GP(103) #GP(6b) #DF(0) #GP(43) shutdown", chain(out))
}

func BenchmarkDeliverAndReturn(b *testing.B) {
	w := newWorld().user()
	for b.Loop() {
		w.mem.stores = w.mem.stores[:0]
		Deliver(w.State, w.mem, pageFault(0x1000, PFUser))
		w.GPR[RSP] += 8
		IRET(w.State, w.mem, 8)
	}
}
