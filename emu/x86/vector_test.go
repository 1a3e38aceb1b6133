// SPDX-License-Identifier: GPL-2.0-or-later

package x86

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// SDM vol. 3A, table 7-1: the vectors with an error code.
func TestVectorsWithErrorCodes(t *testing.T) {
	with := map[Vector]bool{8: true, 10: true, 11: true, 12: true, 13: true, 14: true, 17: true, 21: true}
	for v := range 256 {
		require.Equal(t, with[Vector(v)], Vector(v).Info().ErrorCode, v)
		require.Equal(t, with[Vector(v)], Raise(Vector(v), 5).HasErrorCode, v)
	}
}

// SDM vol. 3A, table 7-4.
func TestClassesOfVectors(t *testing.T) {
	classes := map[Vector]Class{0: Contributory, 10: Contributory, 11: Contributory, 12: Contributory,
		13: Contributory, 14: PageFault, 20: PageFault, 21: Contributory, 8: DoubleFault}
	for v := range 256 {
		require.Equal(t, classes[Vector(v)], Vector(v).Info().Class, v)
	}
}

func TestVectorNames(t *testing.T) {
	for v, want := range map[Vector]string{14: "#PF", 2: "NMI", 9: "0x09", 0x80: "0x80", 255: "0xff"} {
		require.Equal(t, want, v.String())
	}
}

func TestCanonicalAddresses(t *testing.T) {
	four, five := &State{}, &State{CR4: CR4LA57}
	for a, want := range map[uint64][2]bool{
		0: {true, true}, 0x7fffffffffff: {true, true}, noncanon: {false, true},
		0xffff7fffffffffff: {false, true}, 0xffff800000000000: {true, true},
		1 << 56: {false, false}, 0x00ffffffffffffff: {false, true}, 0xff00000000000000: {false, true}, ^uint64(0): {true, true},
	} {
		require.Equal(t, want, [2]bool{four.Canonical(a), five.Canonical(a)}, "%#x", a)
	}
}

// SDM vol. 3A 3.4.5: base and limit lie in pieces, G scales the limit.
func TestDecodeDescriptor(t *testing.T) {
	d := Descriptor{Low: 0x5678_1234, High: 0xaacf_9bbb}
	require.Equal(t, uint32(0xaabb5678), d.Base())
	require.Equal(t, uint32(0xf1234)<<12|0xfff, d.Limit())
	require.Equal(t, Segment{Selector: 8, Base: 0xaabb5678, Limit: 0xf1234fff, Attr: 0xc09b00}, d.Segment(8))
	d.High &^= AttrG
	require.Equal(t, uint32(0xf1234), d.Limit())
	require.True(t, d.Code())
	require.False(t, d.Conforming())
	require.False(t, d.WritableData())
	require.True(t, d.Present())
	require.Equal(t, 0, d.DPL())
}

func TestSystemDescriptors(t *testing.T) {
	p := []byte{0x67, 0, 0x34, 0x12, 0x56, 0x89, 0x40, 0x78, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0}
	require.Equal(t, Segment{Selector: 0x40, Base: 0xffffffff78561234, Limit: 0x67, Attr: 0x408900}, SystemSegment(0x40, p))
	require.Equal(t, uint64(0x78561234), SystemSegment(0x40, p[:8]).Base)
	require.Equal(t, Segment{Selector: 0x40}, SystemSegment(0x40, nil))
}

// SDM vol. 3A, figures 7-2 and 7-8.
func TestDecodeGate(t *testing.T) {
	p := []byte{0x10, 0x20, 0x18, 0, 0x05, 0xef, 0x30, 0x40, 0xff, 0xff, 0xff, 0xff, 0, 0x1f, 0, 0}
	require.Equal(t, Gate{Selector: 0x18, Offset: 0xffffffff40302010, IST: 5, Type: TypeTrapGate, DPL: 3, Present: true, Reserved: true}, DecodeGate(p))
	require.Equal(t, Gate{Selector: 0x18, Offset: 0x40302010, Type: TypeTrapGate, DPL: 3, Present: true}, DecodeGate(p[:8]))
	require.Equal(t, Gate{}, DecodeGate(p[:7]))
}

// The LDT is where a selector with TI points, if there is one.
func TestCodeSegmentInTheLDT(t *testing.T) {
	w := newWorld()
	w.LDTR = Segment{Selector: 8, Base: ldtAt, Limit: 15, Attr: AttrP | TypeLDT<<8}
	w.mem.put(ldtAt+8, 8, w.mem.get(gdtAt+selKernelCS))
	w.gate(32, func(g *gate) { g.selector = 0xc })
	out := Deliver(w.State, w.mem, external(32))
	require.Equal(t, "0x20", chain(out))
	require.Equal(t, uint16(0xc), w.Seg[CS].Selector)
	w.LDTR.Limit = 14
	w.NMIBlocked = false
	out = Deliver(w.State, w.mem, external(32))
	require.Equal(t, "0x20 #GP(d)", chain(out))
}
