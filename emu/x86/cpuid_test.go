// SPDX-License-Identifier: GPL-2.0-or-later

package x86

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func (r CPUIDResult) bytes(order string) string {
	registers := map[rune]uint32{'a': r.EAX, 'b': r.EBX, 'c': r.ECX, 'd': r.EDX}
	var p []byte
	for _, name := range order {
		v := registers[name]
		p = append(p, byte(v), byte(v>>8), byte(v>>16), byte(v>>24))
	}
	return string(p)
}

func TestCPUIDNames(t *testing.T) {
	c := DefaultCPU()
	s := newWorld().State
	require.Equal(t, "GenuineIntel", c.CPUID(s, 0, 0, 0).bytes("bdc"))
	name := ""
	for leaf := uint32(0x80000002); leaf <= 0x80000004; leaf++ {
		name += c.CPUID(s, 0, leaf, 0).bytes("abcd")
	}
	require.Equal(t, "uklemu"+string(make([]byte, 42)), name)
	c.Vendor = AMD
	require.Equal(t, "AuthenticAMD", c.CPUID(s, 0, 0, 0).bytes("bdc"))
	require.Equal(t, "AuthenticAMD", c.CPUID(s, 0, 0x80000000, 0).bytes("bdc"))
}

// Linux 6.1, arch/x86/kernel/tsc.c, native_calibrate_tsc: vendor Intel, leaf
// 0x15 in reach, a numerator, a denominator and a crystal give the frequency.
func TestTSCFrequencyFromCPUID(t *testing.T) {
	for _, hz := range []uint64{1_000_000_000, 2_000_000_000, 2_893_000_000, 25_000_000, 1_000_000, 5_000_000_000} {
		c := DefaultCPU()
		c.TSCHz = hz
		r := c.CPUID(newWorld().State, 0, 0x15, 0)
		require.NotZero(t, r.EAX)
		require.Equal(t, hz/1000, uint64(r.ECX)/1000*uint64(r.EBX)/uint64(r.EAX))
		require.Equal(t, uint32(hz/1_000_000), c.CPUID(newWorld().State, 0, 0x16, 0).EAX)
	}
	c := DefaultCPU()
	c.TSCHz = 1<<63 + 12345
	require.NotPanics(t, func() { c.CPUID(newWorld().State, 0, 0x15, 0) })
	c.TSCHz = 0
	require.Zero(t, c.CPUID(newWorld().State, 0, 0x15, 0))
}

// Every feature shows where its row says, and nowhere without it.
func TestFeatureBits(t *testing.T) {
	s := newWorld().State
	register := func(r CPUIDResult, name byte) uint32 {
		return map[byte]uint32{'b': r.EBX, 'c': r.ECX, 'd': r.EDX}[name]
	}
	for _, row := range cpuidBits {
		require.NotZero(t, register(everything().CPUID(s, 0, row.leaf, 0), row.register)>>row.bit&1, row.f)
		require.Zero(t, register(nothing().CPUID(s, 0, row.leaf, 0), row.register)>>row.bit&1, row.f)
	}
}

func TestBitsThatMirrorTheState(t *testing.T) {
	s := newWorld().State
	c := everything()
	const osxsave, apic, ospke = 1 << 27, 1 << 9, 1 << 4
	require.Zero(t, c.CPUID(s, 0, 1, 0).ECX&osxsave)
	require.Zero(t, c.CPUID(s, 0, 1, 0).EDX&apic)
	require.Zero(t, c.CPUID(s, 0, 7, 0).ECX&ospke)
	s.CR4 |= CR4OSXSAVE | CR4PKE
	require.NotZero(t, c.CPUID(s, 0, 1, 0).ECX&osxsave)
	require.NotZero(t, c.CPUID(s, APICBaseReset, 1, 0).EDX&apic)
	require.NotZero(t, c.CPUID(s, 0, 7, 0).ECX&ospke)
	require.Zero(t, nothing().CPUID(s, APICBaseReset, 1, 0).EDX&apic)
}

// SDM vol. 1, 13.2: the sizes follow XCR0.
func TestXSAVELeaf(t *testing.T) {
	s := newWorld().State
	s.XCR0 = 3
	c := everything()
	require.Equal(t, CPUIDResult{EAX: 0x203, EBX: 576, ECX: 2696}, c.CPUID(s, 0, 0xd, 0))
	require.Equal(t, CPUIDResult{EAX: 1}, c.CPUID(s, 0, 0xd, 1), "XSAVEOPT alone")
	require.Equal(t, CPUIDResult{EAX: 8, EBX: 2688}, c.CPUID(s, 0, 0xd, 9))
	require.Zero(t, c.CPUID(s, 0, 0xd, 2), "no AVX")
	s.XCR0 |= XCR0PKRU
	require.Equal(t, uint32(2696), c.CPUID(s, 0, 0xd, 0).EBX)
	d := DefaultCPU()
	require.Equal(t, CPUIDResult{EAX: 3, EBX: 2696, ECX: 576}, d.CPUID(s, 0, 0xd, 0))
	require.Zero(t, d.CPUID(s, 0, 0xd, 9))
	require.Zero(t, nothing().CPUID(s, 0, 0xd, 0))
}

// SDM vol. 2A, CPUID: a leaf out of range on Intel is the highest basic one.
func TestLeavesOutOfRange(t *testing.T) {
	s := newWorld().State
	c := DefaultCPU()
	for _, leaf := range []uint32{0x17, 0x40000000, 0x7fffffff, 0x80000009, 0xffffffff} {
		require.Equal(t, c.CPUID(s, 0, 0x16, 0), c.CPUID(s, 0, leaf, 0))
		require.Zero(t, amd().CPUID(s, 0, leaf, 0))
	}
}

// What each vendor keeps to itself.
func TestLeavesOfOneVendor(t *testing.T) {
	s := newWorld().State
	intel, other := everything(), amd()
	for _, leaf := range []uint32{2, 4, 0x15, 0x16} {
		require.NotZero(t, intel.CPUID(s, 0, leaf, 0), leaf)
		require.Zero(t, other.CPUID(s, 0, leaf, 0), leaf)
	}
	require.Zero(t, intel.CPUID(s, 0, 0x80000005, 0))
	require.NotZero(t, other.CPUID(s, 0, 0x80000005, 0))
	require.Equal(t, uint32(signatureAMD), other.CPUID(s, 0, 1, 0).EAX)
	require.Equal(t, uint32(signatureAMD), other.CPUID(s, 0, 0x80000001, 0).EAX)
}

// ARAT, L2, an invariant TSC; no topology leaf, as there is one processor.
func TestFixedLeaves(t *testing.T) {
	s := newWorld().State
	c := DefaultCPU()
	require.Equal(t, uint32(1<<2), c.CPUID(s, 0, 6, 0).EAX)
	require.Equal(t, uint32(1024), c.CPUID(s, 0, 0x80000006, 0).ECX>>16)
	require.Equal(t, uint32(1<<8), c.CPUID(s, 0, 0x80000007, 0).EDX)
	require.Zero(t, c.CPUID(s, 0, 7, 1))
	for _, leaf := range []uint32{3, 5, 0xa, 0xb, 0x14} {
		require.Zero(t, c.CPUID(s, 0, leaf, 0))
	}
	ecx := c.CPUID(s, 0, 1, 0).ECX
	for name, bit := range map[string]int{"MONITOR": 3, "VMX": 5, "x2APIC": 21, "AVX": 28, "hypervisor": 31} {
		require.Zero(t, ecx>>bit&1, name)
	}
}

func TestAddressSizes(t *testing.T) {
	s := newWorld().State
	c := DefaultCPU()
	require.Equal(t, uint32(48<<8|PhysicalBits), c.CPUID(s, 0, 0x80000008, 0).EAX)
	require.Equal(t, uint32(57<<8|PhysicalBits), everything().CPUID(s, 0, 0x80000008, 0).EAX)
}

// SDM vol. 2A, CPUID leaf 4: size is ways * partitions * line * sets.
func TestCaches(t *testing.T) {
	c := DefaultCPU()
	sizes := map[uint32]uint32{0: 32 << 10, 1: 32 << 10, 2: 1 << 20, 3: 8 << 20}
	for sub, want := range sizes {
		r := c.CPUID(newWorld().State, 0, 4, sub)
		require.Equal(t, want, (r.EBX>>22+1)*(r.EBX>>12&0x3ff+1)*(r.EBX&0xfff+1)*(r.ECX+1))
	}
	require.Zero(t, c.CPUID(newWorld().State, 0, 4, 4))
}

// No leaf panics, whatever is asked.
func FuzzCPUID(f *testing.F) {
	f.Add(uint32(0xd), uint32(9), uint64(1_000_000_000), true, ^uint64(0))
	f.Fuzz(func(t *testing.T, leaf, sub uint32, hz uint64, isAMD bool, state uint64) {
		c := everything()
		c.TSCHz = hz
		if isAMD {
			c.Vendor = AMD
		}
		c.CPUID(&State{CR4: state, XCR0: state}, state, leaf, sub)
	})
}
