// SPDX-License-Identifier: GPL-2.0-or-later

package unicorn

import (
	"encoding/binary"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/emu/x86"
)

// The bits of a paging-structure entry (SDM vol. 3A, tables 5-15 to 5-20).
const (
	bitP  = 1 << 0
	bitW  = 1 << 1
	bitU  = 1 << 2
	bitA  = 1 << 5
	bitD  = 1 << 6
	bitPS = 1 << 7
	bit51 = 1 << 51 // reserved, as MAXPHYADDR is less
	bitNX = 1 << 63
)

// tables are 4-level or 5-level paging structures for one address, a page for
// each level from 0x1000 on, the page itself at 0x200000.
type tables struct {
	cpu    *CPU
	levels int
	at     [5]uint64 // the entry of each level, physical; 0 is the PTE
}

const (
	tablesPage  = 0x200000
	tablesBits  = 39 // MAXPHYADDR of these tests
	tablesShift = 12
)

func newTables(t testing.TB, levels int, linear uint64) *tables {
	t.Helper()
	ram, err := NewRAM(4 << 20)
	require.NoError(t, err)
	cpu, err := New(ram)
	require.NoError(t, err)
	t.Cleanup(func() { cpu.Close(); ram.Close() })
	cpu.Configure(&Params{PhysicalBits: tablesBits, GigabytePage: true})
	p := &tables{cpu: cpu, levels: levels}
	for level := range levels {
		p.at[level] = uint64(0x1000*(levels-level)) + linear>>(tablesShift+9*level)&511*8
	}
	return p
}

// put writes the entry of a level, which leads to the next structure or, as a
// leaf, to the page.
func (p *tables) put(level int, bits uint64) {
	to := uint64(tablesPage)
	if level > 0 && bits&bitPS == 0 {
		to = uint64(0x1000 * (p.levels - level + 1))
	} else if level == 2 {
		to = 0 // the first gigabyte
	}
	binary.LittleEndian.PutUint64(p.cpu.RAM()[p.at[level]:], to|bits)
}

func (p *tables) get(level int) uint64 {
	return binary.LittleEndian.Uint64(p.cpu.RAM()[p.at[level]:])
}

// mode is what of the CPU's state paging asks.
type mode struct {
	wp, nxe, smep, smap, ac, pke bool
	rights                       uint32 // PKRU's two bits for key 1: access disable, write disable
}

func (p *tables) enter(m mode) {
	s := x86.State{
		RFLAGS: x86.FlagFixed,
		CR0:    x86.CR0PE | x86.CR0PG,
		CR3:    0x1000,
		CR4:    x86.CR4PAE,
		EFER:   x86.EFERLMA | x86.EFERLME,
		PKRU:   m.rights << 2,
	}
	set := func(on bool, register *uint64, bit uint64) {
		if on {
			*register |= bit
		}
	}
	set(m.wp, &s.CR0, x86.CR0WP)
	set(m.nxe, &s.EFER, x86.EFERNXE)
	set(m.smep, &s.CR4, x86.CR4SMEP)
	set(m.smap, &s.CR4, x86.CR4SMAP)
	set(m.pke, &s.CR4, x86.CR4PKE)
	set(m.ac, &s.RFLAGS, x86.FlagAC)
	set(p.levels == 5, &s.CR4, x86.CR4LA57)
	p.cpu.Store(&s)
}

// access is one use of the address.
type access struct {
	kind           Kind
	user, implicit bool
}

// predict is the manual's answer, written from SDM vol. 3A 5.5 to 5.8 in its
// order: -1 for an access that is allowed, else the error code. entries are
// those from the highest level down to the leaf. It also says which of them
// get A, and whether the leaf gets D.
func predict(m mode, a access, entries []uint64) (code int) {
	write, fetch := a.kind == Write, a.kind == Fetch
	if write {
		code |= x86.PFWrite
	}
	if a.user {
		code |= x86.PFUser
	}
	if fetch && (m.nxe || m.smep) { // 5.7: I/D is set for fetches with NXE and PAE, or SMEP
		code |= x86.PFFetch
	}
	for _, e := range entries {
		if e&bitP == 0 {
			return code &^ x86.PFPresent
		}
		if reservedBits(m, e, entries) {
			return code | x86.PFPresent | x86.PFReserved
		}
	}
	user, writable, nx := true, true, false
	for _, e := range entries {
		user = user && e&bitU != 0
		writable = writable && e&bitW != 0
		nx = nx || m.nxe && e&bitNX != 0
	}
	allowed := false
	switch { // 5.6.1
	case !a.user && !fetch && !write:
		allowed = !user || !m.smap || m.ac && !a.implicit
	case !a.user && write:
		allowed = (!user || !m.smap || m.ac && !a.implicit) && (!m.wp || writable)
	case !a.user && fetch:
		allowed = (!user || !m.smep) && !nx
	case a.user && fetch:
		allowed = user && !nx
	case a.user && write:
		allowed = user && writable
	default:
		allowed = user
	}
	if m.pke && user && !fetch && entries[len(entries)-1]>>59&15 == 1 { // 5.6.2
		if m.rights&1 != 0 || m.rights&2 != 0 && write && (a.user || m.wp) {
			return code | x86.PFPresent | x86.PFKey // 5.7: PK, whether or not something else refuses as well
		}
	}
	if !allowed {
		return code | x86.PFPresent
	}
	return -1
}

func reservedBits(m mode, e uint64, entries []uint64) bool {
	if e&bit51 != 0 || !m.nxe && e&bitNX != 0 {
		return true
	}
	// A leaf above the PTE has its address's low bits reserved, from 13 on.
	leaf := entries[len(entries)-1]
	if e == leaf && e&bitPS != 0 {
		return e&(1<<20|1<<13) != 0
	}
	return false
}

// combinations calls f with every subset of the bits.
func combinations(bits []uint64, f func(uint64)) {
	for n := range 1 << len(bits) {
		var v uint64
		for i, b := range bits {
			if n>>i&1 != 0 {
				v |= b
			}
		}
		f(v)
	}
}

func modes(f func(mode)) {
	for n := range 1 << 6 {
		m := mode{n&1 != 0, n&2 != 0, n&4 != 0, n&8 != 0, n&16 != 0, n&32 != 0, 0}
		if !m.pke {
			f(m)
			continue
		}
		for m.rights = range uint32(4) {
			f(m)
		}
	}
}

var accesses = []access{
	{Read, false, false}, {Write, false, false}, {Fetch, false, false}, {Read, false, true}, {Write, false, true},
	{Read, true, false}, {Write, true, false}, {Fetch, true, false},
}

// compare asks the MMU without and with the effects of an access, and compares
// with the prediction.
func (p *tables) compare(t testing.TB, linear uint64, m mode, a access, leaf int) {
	var entries []uint64
	for level := p.levels - 1; level >= leaf; level-- {
		entries = append(entries, p.get(level))
	}
	want := predict(m, a, entries)
	how := x86.Access{Write: a.kind == Write, Fetch: a.kind == Fetch, User: a.user, Implicit: a.implicit}
	_, e := p.cpu.Walk(linear, a.kind, how)
	got := code(e)
	var b [1]byte
	effect := got
	switch a.kind {
	case Read:
		effect = code(p.cpu.ReadLinear(linear, b[:], how))
	case Write:
		effect = code(p.cpu.WriteLinear(linear, b[:], how))
	}
	ok := got == want && effect == want && (e == nil || e.CR2 == linear)
	for i, before := range entries {
		if want < 0 && a.kind != Fetch {
			before |= bitA
			if a.kind == Write && i == len(entries)-1 {
				before |= bitD
			}
		}
		ok = ok && p.get(p.levels-1-i) == before
	}
	if ok {
		return
	}
	var after []uint64
	for level := p.levels - 1; level >= leaf; level-- {
		after = append(after, p.get(level))
	}
	require.FailNow(t, "another answer", "%+v %+v\nentries %x\nafter   %x\nwant %x, Walk %x, access %x", m, a, entries, after, want, got, effect)
}

func code(e *x86.Exception) int {
	if e == nil {
		return -1
	}
	return int(e.ErrorCode)
}

// Every combination of the bits of PTE and PDE, of what the CPU is set to, and
// of accesses, as kvm-unit-tests' access test has them.
func TestEveryCombinationOfPTEAndPDE(t *testing.T) {
	const linear = 0x0000123456789abc &^ 0xfff
	p := newTables(t, 4, linear)
	rights := uint64(bitP | bitW | bitU)
	cases := 0
	combinations([]uint64{bitP, bitW, bitU, bitNX, bit51}, func(pde uint64) {
		combinations([]uint64{bitP, bitW, bitU, bitNX, bitA, bitD, bit51, 1 << 59}, func(pte uint64) {
			if pde&bitP == 0 && pte != rights || pde&bit51 != 0 && pte != rights || pte&bit51 != 0 && pte&(bitA|bitD) != 0 {
				return // nothing to tell apart
			}
			modes(func(m mode) {
				p.enter(m)
				for _, a := range accesses {
					p.put(3, rights)
					p.put(2, rights)
					p.put(1, pde)
					p.put(0, pte)
					p.compare(t, linear, m, a, 0)
					cases++
				}
			})
		})
	})
	t.Logf("%d combinations", cases)
}

func TestEveryCombinationOfALargePage(t *testing.T) {
	for level, name := range map[int]string{1: "2 MiB", 2: "1 GiB"} {
		t.Run(name, func(t *testing.T) {
			const linear = 0xffff8123c0201000 // within the RAM, as an offset into either page
			p := newTables(t, 4, linear)
			rights := uint64(bitP | bitW | bitU)
			combinations([]uint64{bitP, bitW, bitU, bitNX, bitA, bitD, bit51, 1 << 59, 1 << 20, 1 << 13}, func(entry uint64) {
				modes(func(m mode) {
					p.enter(m)
					for _, a := range accesses {
						p.put(3, rights)
						p.put(2, rights)
						p.put(level, entry|bitPS)
						p.compare(t, linear, m, a, level)
					}
				})
			})
		})
	}
}

// PS is reserved in a PML4E and a PML5E, and in a PDPTE where there are no
// 1 GiB pages (SDM vol. 3A, tables 5-14 to 5-16).
func TestPSWhereItIsReserved(t *testing.T) {
	for _, levels := range []int{4, 5} {
		const linear = 0x123456789000
		p := newTables(t, levels, linear)
		p.enter(mode{})
		all := func() {
			for level := range levels {
				p.put(level, bitP|bitW|bitU)
			}
		}
		for level := 3; level < levels; level++ {
			all()
			p.put(level, p.get(level)&0xfff|bitPS)
			_, e := p.cpu.Walk(linear, Read, x86.Access{})
			require.Equal(t, x86.PFPresent|x86.PFReserved, code(e), "level %d of %d", level, levels)
		}
		all()
		p.put(2, bitP|bitW|bitU|bitPS)
		p.cpu.Configure(&Params{PhysicalBits: tablesBits})
		_, e := p.cpu.Walk(linear, Read, x86.Access{})
		require.Equal(t, x86.PFPresent|x86.PFReserved, code(e), "no 1 GiB pages")
		p.cpu.Configure(&Params{PhysicalBits: tablesBits, GigabytePage: true})
		at, e := p.cpu.Walk(linear, Read, x86.Access{})
		require.Nil(t, e)
		require.Equal(t, Translation{Physical: linear & (1<<30 - 1), PageSize: 1 << 30, User: true, Writable: true, Executable: true}, at)
	}
}

// Rights are those of all levels together; a missing or reserved entry at any
// level counts.
func TestEveryLevelHasItsSay(t *testing.T) {
	for _, levels := range []int{4, 5} {
		const linear = 0x0000456789abc000
		p := newTables(t, levels, linear)
		for level := range levels {
			for _, change := range []uint64{bitP, bitW, bitU, bitNX, bit51} {
				modes(func(m mode) {
					p.enter(m)
					for _, a := range accesses {
						for l := range levels {
							p.put(l, bitP|bitW|bitU)
						}
						p.put(level, (bitP|bitW|bitU)^change)
						p.compare(t, linear, m, a, 0)
					}
				})
			}
		}
	}
}

// All bits from MAXPHYADDR to 51 are reserved.
func TestReservedAddressBits(t *testing.T) {
	const linear = 0x1000
	p := newTables(t, 4, linear)
	p.enter(mode{})
	for bit := 12; bit < 52; bit++ {
		for level := range 4 {
			p.put(level, bitP)
		}
		p.put(0, bitP|1<<bit)
		_, e := p.cpu.Walk(linear, Read, x86.Access{})
		want := -1
		if bit >= tablesBits {
			want = x86.PFPresent | x86.PFReserved
		}
		require.Equal(t, want, code(e), "bit %d", bit)
	}
}

func TestCanonicalAddresses(t *testing.T) {
	for _, c := range []struct {
		levels  int
		address uint64
		fine    bool
	}{
		{4, 0x00007fffffffffff, true}, {4, 0x0000800000000000, false}, {4, 0xffff7fffffffffff, false}, {4, 0xffff800000000000, true},
		{5, 0x00ffffffffffffff, true}, {5, 0x0100000000000000, false}, {5, 0xfeffffffffffffff, false}, {5, 0xff00000000000000, true},
	} {
		p := newTables(t, c.levels, c.address)
		p.enter(mode{})
		_, e := p.cpu.Walk(c.address, Read, x86.Access{})
		require.NotNil(t, e)
		want := x86.VectorGP
		if c.fine {
			want = x86.VectorPF
		}
		require.Equal(t, want, e.Vector, fmt.Sprintf("%#x with %d levels", c.address, c.levels))
	}
}

// An access across pages is all or nothing, and CR2 is its first byte that
// could not be reached.
func TestAccessAcrossPages(t *testing.T) {
	const linear = 0x5000
	for _, c := range []struct {
		name          string
		first, second uint64
		kind          Kind
		cr2           uint64
		code          int
	}{
		{"both there", bitP | bitW, bitP | bitW, Write, 0, -1},
		{"first missing", 0, bitP | bitW, Read, linear + 0xffe, 0},
		{"second missing", bitP | bitW, 0, Read, linear + 0x1000, 0},
		{"both missing", 0, 0, Write, linear + 0xffe, x86.PFWrite},
		{"second not writable", bitP | bitW, bitP, Write, linear + 0x1000, x86.PFPresent | x86.PFWrite},
		{"first not writable", bitP, bitP | bitW, Write, linear + 0xffe, x86.PFPresent | x86.PFWrite},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newTables(t, 4, linear)
			p.enter(mode{wp: true})
			for level := range 4 {
				p.put(level, bitP|bitW)
			}
			p.put(0, c.first)
			second := p.at[0] + 8
			binary.LittleEndian.PutUint64(p.cpu.RAM()[second:], tablesPage+0x1000|c.second)
			b := []byte{1, 2, 3, 4}
			var e *x86.Exception
			if c.kind == Write {
				e = p.cpu.WriteLinear(linear+0xffe, b, x86.Access{Write: true})
			} else {
				e = p.cpu.ReadLinear(linear+0xffe, b, x86.Access{})
			}
			require.Equal(t, c.code, code(e))
			written := p.cpu.RAM()[tablesPage+0xffe : tablesPage+0x1002]
			if c.code < 0 {
				require.Equal(t, b, written)
				return
			}
			require.Equal(t, c.cr2, e.CR2)
			require.Equal(t, make([]byte, 4), written, "nothing is written")
		})
	}
}
