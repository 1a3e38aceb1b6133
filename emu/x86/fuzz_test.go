// SPDX-License-Identifier: GPL-2.0-or-later

package x86

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
)

// script hands out the bytes of a fuzz input; zeros when they are used up.
type script []byte

func (p *script) byte() byte {
	if len(*p) == 0 {
		return 0
	}
	b := (*p)[0]
	*p = (*p)[1:]
	return b
}

func (p *script) word() uint64 {
	var v uint64
	for range 8 {
		v = v<<8 | uint64(p.byte())
	}
	return v
}

// address is one that is likely to matter, or any.
func (p *script) address() uint64 {
	likely := [...]uint64{stackTop, stackTop - 0x1000, istTop, userStack, noncanon, 0xffff800000000000, pmStack, pmUser, 0, ^uint64(0)}
	if b := p.byte(); int(b) < 8*len(likely) {
		return likely[b/8] + uint64(b%8)*8 - 32
	}
	return p.word()
}

// disturb changes tables, registers and mappings of a world.
func disturb(w *world, p *script) {
	tables := [...]uint64{gdtAt, idtAt, tssAt, stackTop - 0x1000, pmGDT, pmIDT, pmTSS, pmStack - 0x1000}
	for range p.byte() % 16 {
		switch b := p.byte(); b % 10 {
		case 0, 1, 2:
			at := tables[p.byte()%8] + uint64(p.byte())*8
			if w.mem.pages[at/pageSize] != nil {
				w.mem.put(at, 8, w.mem.get(at)^p.word())
			}
		case 3:
			delete(w.mem.pages, tables[p.byte()%8]/pageSize)
		case 4:
			if page := w.mem.pages[tables[p.byte()%8]/pageSize]; page != nil {
				page.readOnly = !page.readOnly
			}
		case 5:
			w.GPR[RSP] = p.address()
		case 6:
			w.RFLAGS ^= p.word() & 0x3f7fd5
		case 7:
			w.IDTR.Limit, w.GDTR.Limit, w.TR.Limit = uint16(p.byte())<<4, uint16(p.byte()), uint32(p.byte())
		case 8:
			w.Seg[p.byte()%6].Attr ^= uint32(p.word()) & attrMask
		case 9:
			w.GPR[RCX], w.GPR[RDX], w.STAR = p.address(), p.address(), p.word()
		}
	}
}

// newScripted is a world in one of the modes.
func newScripted(p *script) *world {
	switch p.byte() % 5 {
	case 0:
		return newWorld()
	case 1:
		return newWorld().user()
	case 2:
		w := newWorld().user()
		w.at(selUser32CS, selUserDS)
		return w
	case 3:
		return newProtected()
	}
	return newProtected().user32()
}

// FuzzTransfers: whatever the tables and registers hold, nothing panics, a
// delivery ends in a handler or in shutdown, and what fails changes nothing.
func FuzzTransfers(f *testing.F) {
	for mode := range byte(5) {
		f.Add([]byte{mode, 0, 0, 14, 1, 8})
		f.Add([]byte{mode, 3, 5, 4, 3, 1, 6, 255, 1, 2, 3, 4, 5, 6, 7, 8, 0, 13, 9, 2, 4})
	}
	f.Fuzz(func(t *testing.T, input []byte) {
		p := script(input)
		w := newScripted(&p)
		disturb(w, &p)
		for range 4 {
			before := w.clone()
			switch p.byte() % 4 {
			case 0, 1:
				ev := Event{Kind: Kind(p.byte() % 6), Exception: *Raise(Vector(p.byte()), uint32(p.byte())), Length: p.byte() % 16}
				ev.CR2, ev.DR6 = p.word(), uint64(p.byte())<<8
				out := Deliver(w.State, w.mem, ev)
				require.Positive(t, out.Count)
				if out.Shutdown {
					requireUntouched(t, w, before)
					return
				}
				require.Zero(t, w.RFLAGS&(FlagTF|FlagNT|FlagRF|FlagVM))
			case 2:
				e := IRET(w.State, w.mem, []int{2, 4, 8, int(p.byte())}[p.byte()%4])
				if e != nil {
					requireUntouched(t, w, before)
				}
			case 3:
				if e := fastCall(w.State, &p); e != nil {
					requireUntouched(t, w, before)
				} else {
					continue // AMD's SYSRET may leave a non-canonical RIP
				}
			}
			require.NotZero(t, w.RFLAGS&FlagFixed)
			if w.RIP != before.RIP {
				requireConsistent(t, w)
			}
		}
	})
}

func fastCall(s *State, p *script) *Exception {
	vendor := Vendor(p.byte() % 2)
	wide := p.byte()%2 == 0
	switch p.byte() % 4 {
	case 0:
		return SYSCALL(s, vendor, 2)
	case 1:
		return SYSRET(s, vendor, wide)
	case 2:
		return SYSENTER(s, vendor)
	}
	return SYSEXIT(s, vendor, wide)
}

// requireUntouched allows what stays even if a transfer fails.
func requireUntouched(t *testing.T, w *world, before State) {
	t.Helper()
	before.CR2, before.DR[6], before.DR[7], before.NMIBlocked = w.CR2, w.DR[6], w.DR[7], w.NMIBlocked
	if before != *w.State {
		t.Fatalf("a failed transfer changed the state:\n%s", cmp.Diff(before, *w.State))
	}
}

// requireConsistent is what holds after every transfer.
func requireConsistent(t *testing.T, w *world) {
	t.Helper()
	cs := w.Seg[CS]
	require.Equal(t, uint32(AttrP|AttrS|AttrCode), cs.Attr&(AttrP|AttrS|AttrCode))
	if cs.Attr&AttrConforming == 0 {
		require.Equal(t, w.CPL(), cs.DPL())
	}
	if w.Code64() {
		require.True(t, w.Canonical(w.RIP))
		return
	}
	require.LessOrEqual(t, w.RIP, uint64(cs.Limit))
}
