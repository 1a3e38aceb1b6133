// SPDX-License-Identifier: GPL-2.0-or-later

package x86

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// everything is a CPU with all features.
func everything() *CPU {
	c := DefaultCPU()
	c.Features = 1<<numFeatures - 1
	return &c
}

// nothing is a CPU without any.
func nothing() *CPU { return &CPU{TSCHz: 1_000_000_000} }

// controlTest is one write: what it changes, or the fault, with the state
// as before.
type controlTest struct {
	name   string
	before func(w *world)
	do     func(w *world) (Flush, *Exception)
	fault  string
	flush  Flush
	after  func(s *State)
}

func runControl(t *testing.T, tests []controlTest) {
	t.Helper()
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld()
			if test.before != nil {
				test.before(w)
			}
			want := w.clone()
			flush, e := test.do(w)
			requireFault(t, test.fault, e)
			require.Equal(t, test.flush, flush)
			if test.after != nil {
				test.after(&want)
			}
			w.requireState(t, want)
		})
	}
}

// SDM vol. 2B, "MOV - Move to/from Control Registers": #GP of CR0.
func TestWriteCR0(t *testing.T) {
	cr0 := func(v uint64) func(w *world) (Flush, *Exception) {
		return func(w *world) (Flush, *Exception) { return everything().WriteCR0(w.State, v) }
	}
	// enter is protected mode with everything ready for IA-32e mode.
	enter := func(w *world) {
		w.at(selKernel32, selKernelDS)
		w.CR0, w.EFER = CR0PE|CR0ET, EFERLME
	}
	const on = CR0PE | CR0PG | CR0WP | CR0ET
	runControl(t, []controlTest{
		{"CPL 3", func(w *world) { w.user() }, cr0(on), "#GP(0)", 0, nil},
		{"upper half", nil, cr0(1<<32 | on), "#GP(0)", 0, nil},
		{"reserved bits are ignored, ET stays", nil, cr0(on&^CR0ET | 1<<6 | 1<<28 | CR0TS), "", 0, func(s *State) { s.CR0 |= CR0TS }},
		{"PG without PE", nil, cr0(CR0PG), "#GP(0)", 0, nil},
		{"NW without CD", nil, cr0(on | CR0NW), "#GP(0)", 0, nil},
		{"NW with CD", nil, cr0(on | CR0NW | CR0CD), "", 0, func(s *State) { s.CR0 |= CR0NW | CR0CD }},
		{"WP", nil, cr0(on &^ CR0WP), "", FlushAll, func(s *State) { s.CR0 &^= CR0WP }},
		{"PG off in 64-bit mode", nil, cr0(CR0PE), "#GP(0)", 0, nil},
		{"PG off with PCIDE", func(w *world) { w.at(selKernel32, selKernelDS); w.CR4 |= CR4PCIDE }, cr0(CR0PE), "#GP(0)", 0, nil},
		{"PG off leaves IA-32e mode", func(w *world) { w.at(selKernel32, selKernelDS) }, cr0(CR0PE), "", FlushAll,
			func(s *State) { s.CR0 = CR0PE | CR0ET; s.EFER &^= EFERLMA }},
		{"PG on enters IA-32e mode", enter, cr0(on), "", FlushAll, func(s *State) { s.CR0, s.EFER = on, EFERLME|EFERLMA }},
		{"PG on without PAE", func(w *world) { enter(w); w.CR4 = 0 }, cr0(on), "#GP(0)", 0, nil},
		{"PG on with CS.L", func(w *world) { enter(w); w.Seg[CS].Attr |= AttrL }, cr0(on), "#GP(0)", 0, nil},
		{"PG on with a 16-bit TSS", func(w *world) { enter(w); w.TR.Attr = AttrP | TypeTSS16Busy<<8 }, cr0(on), "#GP(0)", 0, nil},
		{"PG on without LME", func(w *world) { enter(w); w.EFER = 0 }, cr0(on), "", FlushAll, func(s *State) { s.CR0 = on }},
		{"LMSW can set PE", func(w *world) { enter(w); w.CR0 = CR0ET }, func(w *world) (Flush, *Exception) { return everything().LMSW(w.State, 0xfff1) }, "", FlushAll,
			func(s *State) { s.CR0 = CR0PE | CR0ET }},
		{"LMSW can't clear PE", nil, func(w *world) (Flush, *Exception) { return everything().LMSW(w.State, CR0MP) }, "", 0,
			func(s *State) { s.CR0 |= CR0MP }},
		{"CLTS", func(w *world) { w.CR0 |= CR0TS }, func(w *world) (Flush, *Exception) { return 0, CLTS(w.State) }, "", 0,
			func(s *State) { s.CR0 &^= CR0TS }},
		{"CLTS at CPL 3", func(w *world) { w.user() }, func(w *world) (Flush, *Exception) { return 0, CLTS(w.State) }, "#GP(0)", 0, nil},
		{"CR2 takes anything", nil, func(w *world) (Flush, *Exception) { return 0, everything().WriteCR2(w.State, noncanon) }, "", 0,
			func(s *State) { s.CR2 = noncanon }},
		{"CR2 at CPL 3", func(w *world) { w.user() }, func(w *world) (Flush, *Exception) { return 0, everything().WriteCR2(w.State, 1) }, "#GP(0)", 0, nil},
	})
}

func TestWriteCR3(t *testing.T) {
	cr3 := func(v uint64) func(w *world) (Flush, *Exception) {
		return func(w *world) (Flush, *Exception) { return everything().WriteCR3(w.State, v) }
	}
	pcide := func(w *world) { w.CR4 |= CR4PCIDE }
	runControl(t, []controlTest{
		{"a root", nil, cr3(0x1000), "", FlushNonGlobal, func(s *State) { s.CR3 = 0x1000 }},
		{"low bits", nil, cr3(0x1fff), "", FlushNonGlobal, func(s *State) { s.CR3 = 0x1fff }},
		{"beyond MAXPHYADDR", nil, cr3(1 << PhysicalBits), "#GP(0)", 0, nil},
		{"bit 63 without PCIDE", nil, cr3(CR3NoFlush), "#GP(0)", 0, nil},
		{"bit 63 with PCIDE", pcide, cr3(CR3NoFlush | 0x1005), "", FlushNone, func(s *State) { s.CR3 = 0x1005 }},
		{"PCID", pcide, cr3(0x1005), "", FlushPCID, func(s *State) { s.CR3 = 0x1005 }},
		{"bit 62 with PCIDE", pcide, cr3(1 << 62), "#GP(0)", 0, nil},
		{"CPL 3", func(w *world) { w.user() }, cr3(0x1000), "#GP(0)", 0, nil},
	})
}

func TestWriteCR4(t *testing.T) {
	cr4 := func(c *CPU, v uint64) func(w *world) (Flush, *Exception) {
		return func(w *world) (Flush, *Exception) { return c.WriteCR4(w.State, v) }
	}
	tests := []controlTest{
		{"CPL 3", func(w *world) { w.user() }, cr4(everything(), CR4PAE), "#GP(0)", 0, nil},
		{"PAE off in IA-32e mode", nil, cr4(everything(), 0), "#GP(0)", 0, nil},
		{"PAE off outside", func(w *world) { w.EFER = 0 }, cr4(everything(), 0), "", FlushAll, func(s *State) { s.CR4 = 0 }},
		{"LA57 in IA-32e mode", nil, cr4(everything(), CR4PAE|CR4LA57), "#GP(0)", 0, nil},
		{"LA57 off in IA-32e mode", func(w *world) { w.CR4 |= CR4LA57 }, cr4(everything(), CR4PAE), "#GP(0)", 0, nil},
		{"LA57 outside", func(w *world) { w.EFER = 0 }, cr4(everything(), CR4LA57), "", FlushAll, func(s *State) { s.CR4 = CR4LA57 }},
		{"PCIDE outside IA-32e mode", func(w *world) { w.EFER = 0 }, cr4(everything(), CR4PCIDE), "#GP(0)", 0, nil},
		{"PCIDE with a PCID in CR3", func(w *world) { w.CR3 = 1 }, cr4(everything(), CR4PAE|CR4PCIDE), "#GP(0)", 0, nil},
		{"PCIDE on", nil, cr4(everything(), CR4PAE|CR4PCIDE), "", FlushAll, func(s *State) { s.CR4 |= CR4PCIDE }},
		{"PCIDE stays with a PCID", func(w *world) { w.CR3, w.CR4 = 1, CR4PAE|CR4PCIDE }, cr4(everything(), CR4PAE|CR4PCIDE), "", 0, nil},
		{"PGE", nil, cr4(everything(), CR4PAE|CR4PGE), "", FlushAll, func(s *State) { s.CR4 |= CR4PGE }},
		{"FSGSBASE flushes nothing", nil, cr4(everything(), CR4PAE|CR4FSGSBASE), "", 0, func(s *State) { s.CR4 |= CR4FSGSBASE }},
		{"upper half", nil, cr4(everything(), CR4PAE|1<<32), "#GP(0)", 0, nil},
	}
	for _, bit := range []uint64{CR4VME, CR4PVI, CR4UMIP, CR4VMXE, CR4SMXE, 1 << 15, 1 << 19, CR4CET, CR4PKS} {
		tests = append(tests, controlTest{"reserved", nil, cr4(everything(), CR4PAE|bit), "#GP(0)", 0, nil})
	}
	for _, r := range cr4Features {
		tests = append(tests, controlTest{"without " + r.f.String(), nil, cr4(nothing(), CR4PAE|r.bit), "#GP(0)", 0, nil})
	}
	runControl(t, tests)
}

func TestWriteCR8AndXCR0(t *testing.T) {
	cr8 := func(v uint64) func(w *world) (Flush, *Exception) {
		return func(w *world) (Flush, *Exception) { return 0, everything().WriteCR8(w.State, v) }
	}
	xsetbv := func(c *CPU, index uint32, v uint64) func(w *world) (Flush, *Exception) {
		return func(w *world) (Flush, *Exception) { return 0, c.XSETBV(w.State, index, v) }
	}
	enabled := func(w *world) { w.CR4 |= CR4OSXSAVE }
	c := DefaultCPU()
	runControl(t, []controlTest{
		{"CR8", nil, cr8(15), "", 0, func(s *State) { s.CR8 = 15 }},
		{"CR8, reserved", nil, cr8(16), "#GP(0)", 0, nil},
		{"CR8 at CPL 3", func(w *world) { w.user() }, cr8(1), "#GP(0)", 0, nil},
		{"CR8 outside 64-bit mode", func(w *world) { w.at(selKernel32, selKernelDS) }, cr8(1), "#UD", 0, nil},
		{"XSETBV without OSXSAVE", nil, xsetbv(&c, 0, 3), "#UD", 0, nil},
		{"XSETBV at CPL 3", func(w *world) { w.user(); enabled(w) }, xsetbv(&c, 0, 3), "#GP(0)", 0, nil},
		{"XCR1", enabled, xsetbv(&c, 1, 3), "#GP(0)", 0, nil},
		{"XCR0 without x87", enabled, xsetbv(&c, 0, 2), "#GP(0)", 0, nil},
		{"XCR0 with AVX", enabled, xsetbv(&c, 0, 7), "#GP(0)", 0, nil},
		{"XCR0 with PKRU", enabled, xsetbv(&c, 0, 3|XCR0PKRU), "#GP(0)", 0, nil},
		{"XCR0 with PKRU, has it", enabled, xsetbv(everything(), 0, 3|XCR0PKRU), "", 0, func(s *State) { s.XCR0 = 3 | XCR0PKRU }},
		{"XCR0", enabled, xsetbv(&c, 0, 3), "", 0, func(s *State) { s.XCR0 = 3 }},
	})
	w := newWorld()
	_, e := c.XGETBV(w.State, 0)
	requireFault(t, "#UD", e)
	w.CR4, w.XCR0 = w.CR4|CR4OSXSAVE, 3
	v, e := c.XGETBV(w.State, 0)
	requireFault(t, "", e)
	require.Equal(t, uint64(3), v)
	_, e = c.XGETBV(w.State, 1)
	requireFault(t, "#GP(0)", e)
}

// SDM vol. 3A 2.2.1.
func TestWriteEFER(t *testing.T) {
	efer := func(c *CPU, v uint64) func(w *world) (Flush, *Exception) {
		return func(w *world) (Flush, *Exception) {
			return c.WriteMSR(w.State, &MSRs{}, nil, MSREFER, v)
		}
	}
	const on = EFERLMA | EFERLME | EFERSCE | EFERNXE
	runControl(t, []controlTest{
		{"as it is", nil, efer(everything(), on), "", 0, nil},
		{"LMA can't be cleared", nil, efer(everything(), on&^EFERLMA), "", 0, nil},
		{"LMA can't be set", func(w *world) { w.EFER, w.CR0 = 0, CR0PE }, efer(everything(), EFERLMA), "", 0, nil},
		{"LME off under paging", nil, efer(everything(), on&^EFERLME), "#GP(0)", 0, nil},
		{"LME on under paging", func(w *world) { w.EFER = 0 }, efer(everything(), EFERLME), "#GP(0)", 0, nil},
		{"LME without paging", func(w *world) { w.EFER, w.CR0 = 0, CR0PE }, efer(everything(), EFERLME), "", 0, func(s *State) { s.EFER = EFERLME }},
		{"NXE", nil, efer(everything(), on&^EFERNXE), "", FlushAll, func(s *State) { s.EFER &^= EFERNXE }},
		{"NXE without NX", func(w *world) { w.EFER &^= EFERNXE }, efer(nothing(), on), "#GP(0)", 0, nil},
		{"SVME", nil, efer(everything(), on|1<<12), "#GP(0)", 0, nil},
		{"reserved", nil, efer(everything(), on|2), "#GP(0)", 0, nil},
		{"CPL 3", func(w *world) { w.user() }, efer(everything(), on), "#GP(0)", 0, nil},
	})
}

func TestINVPCID(t *testing.T) {
	pcide := func(w *world) { w.CR4 |= CR4PCIDE }
	tests := []struct {
		name            string
		cpu             *CPU
		before          func(w *world)
		kind, low, high uint64
		want            Invalidation
		fault           string
	}{
		{"not there", nothing(), nil, 0, 0, 0, Invalidation{}, "#UD"},
		{"CPL 3", everything(), func(w *world) { w.user() }, 0, 0, 0, Invalidation{}, "#GP(0)"},
		{"type 4", everything(), nil, 4, 0, 0, Invalidation{}, "#GP(0)"},
		{"reserved bits", everything(), pcide, 2, 1 << 12, 0, Invalidation{}, "#GP(0)"},
		{"a PCID without PCIDE", everything(), nil, 0, 1, 0, Invalidation{}, "#GP(0)"},
		{"a context without PCIDE", everything(), nil, 1, 1, 0, Invalidation{}, "#GP(0)"},
		{"all without PCIDE", everything(), nil, 2, 1, 0, Invalidation{Flush: FlushAll}, ""},
		{"not canonical", everything(), pcide, 0, 1, noncanon, Invalidation{}, "#GP(0)"},
		{"an address", everything(), pcide, 0, 5, 0x1000, Invalidation{Single: true, PCID: 5, Address: 0x1000}, ""},
		{"a context", everything(), pcide, 1, 5, noncanon, Invalidation{Flush: FlushPCID, PCID: 5}, ""},
		{"all but global", everything(), pcide, 3, 0, 0, Invalidation{Flush: FlushNonGlobal}, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld()
			if test.before != nil {
				test.before(w)
			}
			got, e := test.cpu.INVPCID(w.State, test.kind, test.low, test.high)
			requireFault(t, test.fault, e)
			require.Equal(t, test.want, got)
		})
	}
}

func TestINVLPG(t *testing.T) {
	w := newWorld()
	w.CR3 = 5
	got, e := INVLPG(w.State, 0x1000)
	requireFault(t, "", e)
	require.Equal(t, Invalidation{Single: true, Global: true, Address: 0x1000}, got)
	w.CR4 |= CR4PCIDE
	got, _ = INVLPG(w.State, 0x1000)
	require.Equal(t, uint16(5), got.PCID)
	got, e = INVLPG(w.State, noncanon)
	requireFault(t, "", e)
	require.Equal(t, Invalidation{}, got)
	_, e = INVLPG(newWorld().user().State, 0)
	requireFault(t, "#GP(0)", e)
}
