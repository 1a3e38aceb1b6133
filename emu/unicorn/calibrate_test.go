// SPDX-License-Identifier: GPL-2.0-or-later

package unicorn

import (
	"encoding/binary"
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheRealLibraryCalibrates(t *testing.T) {
	library, err := Open()
	require.NoError(t, err)
	again, err := calibrate()
	require.NoError(t, err)
	require.Equal(t, *library.layout, *again, "the same places every time")
	v := reflect.ValueOf(*again)
	for i := range v.NumField() {
		if name := v.Type().Field(i).Name; name != "selector" && name != "gpr" {
			require.NotZero(t, v.Field(i).Int(), name)
		}
	}
}

// Every field's refusal names it: here each is looked for in observations in
// which its place is spoiled, or there twice.
func TestSpoiledObservations(t *testing.T) {
	const place = 0x40
	seen := func(width int, spoil func(n int, p []byte)) []observation {
		var out []observation
		for n, v := range values64 {
			p := make([]byte, 256)
			if width == 4 {
				v &= 0xffffffff
				binary.LittleEndian.PutUint32(p[place:], uint32(v))
			} else {
				binary.LittleEndian.PutUint64(p[place:], v)
			}
			spoil(n, p)
			out = append(out, observation{v, p})
		}
		return out
	}
	for _, f := range []field{wide("RIP"), narrow("PKRU")} {
		at, err := f.locate(seen(f.width, func(int, []byte) {}))
		require.NoError(t, err)
		require.Equal(t, place, at)

		_, err = f.locate(seen(f.width, func(n int, p []byte) { p[place] ^= byte(n) }))
		require.ErrorContains(t, err, "no place in libunicorn's CPU state behaves as "+f.name)

		_, err = f.locate(seen(f.width, func(_ int, p []byte) { copy(p[0x80:], p[place:place+8]) }))
		require.ErrorContains(t, err, "2 places in libunicorn's CPU state behave as "+f.name)

		_, err = f.locate(seen(f.width, func(n int, p []byte) {
			if n == len(values64)-1 {
				clear(p)
			}
		}))
		require.ErrorContains(t, err, f.name, "the last value is the cross-check")

		_, err = f.locate(nil)
		require.ErrorContains(t, err, f.name)
	}
}

// What lies outside of the mask must not change.
func TestMaskedFieldKeepsItsOtherBits(t *testing.T) {
	f := field{"hflags", 4, 0xe00}
	good := []observation{{0xa00, []byte{1, 0x0a, 0, 0}}, {0x400, []byte{1, 0x04, 0, 0}}}
	at, err := f.locate(good)
	require.NoError(t, err)
	require.Zero(t, at)
	_, err = f.locate([]observation{good[0], {0x400, []byte{2, 0x04, 0, 0}}})
	require.ErrorContains(t, err, "hflags")
}

// Each of the fields found by calibration, spoiled in what the library gives.
func TestEveryFieldIsRefusedByName(t *testing.T) {
	library, err := Open()
	require.NoError(t, err)
	l := library.layout
	for name, at := range map[string]int{
		"general register 0": l.gpr, "general register 9": l.gpr + 72, "RIP": l.rip, "RFLAGS": l.eflags, "DF": l.df, "CC_SRC": l.ccSrc, "CR2": l.cr + 16, "hflags": l.hflags,
		"GDTR base": l.gdtrBase, "IDTR base": l.idtrBase, "GDTR limit": l.gdtrLimit, "IDTR limit": l.idtrLimit,
		"TR selector": l.tr + l.selector, "TR base": l.tr + l.base, "TR limit": l.tr + l.limit, "TR attributes": l.tr + l.attributes,
		"LDTR base": l.ldtr + l.base, "FS base": l.segment + 4*l.stride + l.base, "GS base": l.segment + 5*l.stride + l.base,
		"EFER": l.efer, "STAR": l.star, "LSTAR": l.lstar, "CSTAR": l.cstar, "FMASK": l.fmask, "KERNEL_GS_BASE": l.kernelGSBase,
		"TSC_AUX": l.tscAux, "SYSENTER_ESP": l.sysenterESP, "SYSENTER_EIP": l.sysenterEIP, "SYSENTER_CS": l.sysenterCS,
		"PKRU": l.pkru, "XCR0": l.xcr0, "error_code": l.errorCode, "old_exception": l.oldException,
		"DS selector": l.segment + 3*l.stride + l.selector, "CR3": l.cr + 24, "CR4": l.cr + 32,
	} {
		t.Run(name, func(t *testing.T) {
			calls := byte(0)
			_, err := calibrateThrough(func(p []byte) {
				calls++
				p[at] ^= 0x80 | calls
				p[at+1] ^= calls<<1 | 1
			})
			var refusal *CalibrationError
			require.ErrorAs(t, err, &refusal)
			require.Contains(t, refusal.Field, name)
		})
	}
}

// What is written down without leaving is read from the CPU's state itself.
func TestEveryEngineKnowsItsCPU(t *testing.T) {
	for range 3 {
		ram, err := NewRAM(1 << 20)
		require.NoError(t, err)
		c, err := New(ram)
		require.NoError(t, err)
		require.True(t, c.knowsItself())
		c.Close()
		ram.Close()
	}
}
