// SPDX-License-Identifier: GPL-2.0-or-later

package x86

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// SDM vol. 2B, MOV: what is checked when a segment register is loaded.
func TestLoadSegment(t *testing.T) {
	for _, c := range []struct {
		register int
		selector uint16
		user     bool
		want     string
	}{
		{DS, selKernelDS, false, ""}, {DS, selUserDS, false, ""}, {ES, selUserDS, true, ""}, {FS, selKernelDS, true, "#GP(18)"},
		{FS, selUserDS &^ 3, true, ""}, {GS, selKernelDS | 3, false, "#GP(18)"}, {GS, selAbsentDS, false, "#NP(68)"},
		{DS, selReadOnly, false, ""}, {DS, selKernelCS, false, ""}, {DS, selConforming, true, ""}, {DS, selTSS, false, "#GP(78)"},
		{DS, 0xff8, false, "#GP(ff8)"}, {DS, 0, true, ""}, {GS, 3, true, ""},
		{SS, selKernelDS, false, ""}, {SS, selKernelDS | 3, false, "#GP(18)"}, {SS, selUserDS, false, "#GP(28)"}, {SS, selUserDS, true, ""},
		{SS, selReadOnly, false, "#GP(48)"}, {SS, selKernelCS, false, "#GP(10)"}, {SS, selAbsentDS, false, "#SS(68)"},
		{SS, 0, false, ""}, {SS, 1, false, "#GP(0)"}, {SS, 3, false, "#GP(0)"}, {SS, 0, true, "#GP(0)"}, {SS, 3, true, "#GP(0)"},
	} {
		t.Run(fmt.Sprintf("%d with %#x, user %t", c.register, c.selector, c.user), func(t *testing.T) {
			w := newWorld()
			if c.user {
				w.user()
			}
			want := w.clone()
			e := LoadSegment(w.State, w.mem, c.register, c.selector)
			requireFault(t, c.want, e)
			if e == nil {
				if want.Seg[c.register] = w.segment(c.selector); nullSelector(c.selector) && c.register != SS {
					want.Seg[c.register] = Segment{Selector: c.selector}
				}
			}
			w.requireState(t, want)
		})
	}
	w := newWorld()
	w.at(selKernel32, selKernelDS)
	requireFault(t, "#GP(0)", LoadSegment(w.State, w.mem, SS, 0)) // not 64-bit mode
}

func TestLoadSegmentSetsTheAccessedBit(t *testing.T) {
	w := newWorld()
	w.descriptor(selReadOnly, data32&^AttrAccessed)
	requireFault(t, "", LoadSegment(w.State, w.mem, DS, selReadOnly))
	require.NotZero(t, w.mem.get(gdtAt+selReadOnly)>>32&AttrAccessed)
}

// SDM vol. 2A, LAR and LSL, the tables of types.
func TestAccessRightsByType(t *testing.T) {
	for kind := range uint64(16) {
		w := newWorld()
		w.descriptor(selReadOnly, kind<<8|AttrP)
		_, ok, e := LAR(w.State, w.mem, selReadOnly)
		require.Nil(t, e)
		require.Equal(t, kind == 2 || kind == 9 || kind == 11 || kind == 12, ok, "LAR of type %d", kind)
		_, ok, e = LSL(w.State, w.mem, selReadOnly)
		require.Nil(t, e)
		require.Equal(t, kind == 2 || kind == 9 || kind == 11, ok, "LSL of type %d", kind)
		w.EFER &^= EFERLMA
		w.GDTR.Base = 0x3000 // of 32 bits now
		w.mem.add(0x3000, false)
		w.mem.put(0x3000+selReadOnly, 8, w.mem.get(gdtAt+selReadOnly))
		_, ok, _ = LAR(w.State, w.mem, selReadOnly)
		require.Equal(t, kind >= 1 && kind <= 5 || kind == 9 || kind == 11 || kind == 12, ok, "LAR of type %d outside IA-32e mode", kind)
		_, ok, _ = LSL(w.State, w.mem, selReadOnly)
		require.Equal(t, kind >= 1 && kind <= 3 || kind == 9 || kind == 11, ok, "LSL of type %d outside IA-32e mode", kind)
	}
}

func TestAccessRightsByPrivilege(t *testing.T) {
	for _, c := range []struct {
		selector uint16
		user, ok bool
	}{
		{selKernelDS, false, true}, {selKernelDS | 3, false, false}, {selKernelDS, true, false}, {selUserDS, true, true},
		{selConforming, true, true}, {selKernelCS, true, false}, {selAbsentDS, false, true}, {0, false, false}, {3, true, false}, {0xff8, false, false},
	} {
		w := newWorld()
		if c.user {
			w.user()
		}
		rights, ok, e := LAR(w.State, w.mem, c.selector)
		require.Nil(t, e)
		require.Equal(t, c.ok, ok, "%#x, user %t", c.selector, c.user)
		limit, _, _ := LSL(w.State, w.mem, c.selector)
		if ok {
			require.EqualValues(t, w.mem.get(gdtAt+uint64(c.selector&^7))>>32&0xf0ff00, rights)
			require.Equal(t, uint32(0xffffffff), limit)
		}
	}
	w := newWorld()
	w.CR0 = CR0ET
	_, _, e := LAR(w.State, w.mem, selKernelDS)
	requireFault(t, "#UD", e)
	w = newWorld()
	delete(w.mem.pages, gdtAt/pageSize)
	_, _, e = LSL(w.State, w.mem, selKernelDS)
	requireFault(t, "#PF(0)@"+fmt.Sprintf("%x", uint64(gdtAt+selKernelDS)), e)
}
