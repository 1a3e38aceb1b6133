// SPDX-License-Identifier: GPL-2.0-or-later

package emu_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/emu"
	"github.com/uklemu/uklemu/emu/x86"
)

// pagedCase is what an access meets: the rights of its page and what the CPU
// is set to.
type pagedCase struct {
	pte                      uint64
	wp, nxe, smep, smap, ac  bool
	user, write, fetch, both bool // both: a read-modify-write
}

// predict is SDM vol. 3A 5.6.1 and 5.7 for a present or missing PTE under
// structures with all rights: -1, or the error code.
func (c pagedCase) predict() int {
	code := 0
	if c.write || c.both {
		code |= x86.PFWrite
	}
	if c.user {
		code |= x86.PFUser
	}
	if c.fetch && (c.nxe || c.smep) {
		code |= x86.PFFetch
	}
	if c.pte&pteP == 0 {
		return code
	}
	code |= x86.PFPresent
	if c.pte&pteNX != 0 && !c.nxe {
		return code | x86.PFReserved
	}
	userPage, writable := c.pte&pteU != 0, c.pte&pteW != 0
	refused := false
	if c.user {
		refused = !userPage || (c.write || c.both) && !writable
	} else if c.fetch {
		refused = userPage && c.smep
	} else {
		refused = userPage && c.smap && !c.ac || (c.write || c.both) && !writable && c.wp
	}
	if refused || c.fetch && c.pte&pteNX != 0 {
		return code
	}
	return -1
}

// Executed loads, stores, read-modify-writes and fetches under random rights:
// the fault, its error code, CR2, and A and D are the manual's.
func TestExecutedAccessesFollowThePageTables(t *testing.T) {
	const page = userData + 0x20000
	r := newRig(t, "")
	random := rand.New(rand.NewPCG(1, 1))
	coin := func() bool { return random.IntN(2) == 0 }
	entry := r.entry(page, 0)
	r.write(dataAt, listing(`
0f 0b                           ud2
`))
	programs := map[string][]byte{
		"read": listing(`
8b 03                           mov eax,DWORD PTR [rbx]
0f 0b                           ud2
`), "write": listing(`
89 03                           mov DWORD PTR [rbx],eax
0f 0b                           ud2
`),
		"both": listing(`
01 03                           add DWORD PTR [rbx],eax
0f 0b                           ud2
`), "fetch": listing(`
ff e3                           jmp rbx
`),
	}
	counts := map[bool]int{}
	for n := range 6000 {
		var c pagedCase
		for _, bit := range []uint64{pteP, pteP, pteW, pteU, pteNX} {
			if coin() {
				c.pte |= bit
			}
		}
		c.wp, c.nxe, c.smep, c.smap, c.ac, c.user = coin(), coin(), coin(), coin(), coin(), coin()
		kind := []string{"read", "write", "both", "fetch"}[random.IntN(4)]
		c.write, c.both, c.fetch = kind == "write", kind == "both", kind == "fetch"
		r.write(dataAt, listing(`
0f 0b                           ud2
`))
		r.put64(entry, dataAt|c.pte)
		start := map[bool]func([]byte, func(*x86.State)){false: r.kernel, true: r.user}[c.user]
		if !c.nxe { // the rig's user data has NX
			r.put64(r.entry(userStackTop-8, 0), r.get64(r.entry(userStackTop-8, 0))&^pteNX)
		}
		start(programs[kind], func(s *x86.State) {
			s.GPR[x86.RBX] = page
			set := func(on bool, register *uint64, bit uint64) {
				*register &^= bit
				if on {
					*register |= bit
				}
			}
			set(c.wp, &s.CR0, x86.CR0WP)
			set(c.nxe, &s.EFER, x86.EFERNXE)
			set(c.smep, &s.CR4, x86.CR4SMEP)
			set(c.smap, &s.CR4, x86.CR4SMAP)
			set(c.ac, &s.RFLAGS, x86.FlagAC)
		})
		r.run()
		code := c.predict()
		want, after := "#UD", r.get64(entry)&^0xfffffffffffff000&^pteNX
		if code >= 0 {
			want = fmt.Sprintf("#PF(%x)@%x", code, uint64(page))
		}
		require.Equal(t, want, r.deliveries(), "%d: %+v %s", n, c, kind)
		bits := c.pte &^ pteNX
		if c.both && code >= 0 {
			after &^= pteA // a processor may set it for what it only tried, and the engine loads first
			bits &^= pteA
		}
		if code < 0 {
			bits |= pteA
			if c.write || c.both {
				bits |= pteD
			}
		}
		require.Equal(t, bits, after, "%d: the entry after %+v %s", n, c, kind)
		counts[code < 0]++
	}
	require.Greater(t, min(counts[true], counts[false]), 1500)
}

// An access across two pages: CR2 is the first byte that could not be reached,
// and nothing is written.
func TestExecutedAccessesAcrossPages(t *testing.T) {
	const page = userData + 0x20000
	const rw, missing, readOnly = pteP | pteW | pteU, 0, pteP | pteU
	for _, user := range []bool{false, true} {
		for _, c := range []struct {
			name          string
			first, second uint64
			code          []byte
			want          string // of CPL 0; at CPL 3 with U
			offset        uint64
		}{
			{"read, first missing", missing, rw, listing(`
48 8b 03                        mov rax,QWORD PTR [rbx]
0f 0b                           ud2
`), "0", 0xffc},
			{"read, second missing", rw, missing, listing(`
48 8b 03                        mov rax,QWORD PTR [rbx]
0f 0b                           ud2
`), "0", 0x1000},
			{"read, both missing", missing, missing, listing(`
48 8b 03                        mov rax,QWORD PTR [rbx]
0f 0b                           ud2
`), "0", 0xffc},
			{"write, first missing", missing, rw, listing(`
48 89 03                        mov QWORD PTR [rbx],rax
0f 0b                           ud2
`), "2", 0xffc},
			{"write, second missing", rw, missing, listing(`
48 89 03                        mov QWORD PTR [rbx],rax
0f 0b                           ud2
`), "2", 0x1000},
			{"write, second read-only", rw, readOnly, listing(`
48 89 03                        mov QWORD PTR [rbx],rax
0f 0b                           ud2
`), "3", 0x1000},
			{"write, first read-only", readOnly, rw, listing(`
48 89 03                        mov QWORD PTR [rbx],rax
0f 0b                           ud2
`), "3", 0xffc},
			{"read-modify-write, second missing", rw, missing, listing(`
48 01 03                        add QWORD PTR [rbx],rax
0f 0b                           ud2
`), "2", 0x1000},
			{"read-modify-write, second read-only", rw, readOnly, listing(`
48 01 03                        add QWORD PTR [rbx],rax
0f 0b                           ud2
`), "3", 0x1000},
			{"read-modify-write, first missing", missing, rw, listing(`
48 01 03                        add QWORD PTR [rbx],rax
0f 0b                           ud2
`), "2", 0xffc},
			{"fetch, second missing", rw, missing, listing(`
48 89 df                        mov rdi,rbx
ff e7                           jmp rdi
`), "10", 0x1000},
			{"16 bytes, second missing", rw, missing, listing(`
0f 10 03                        movups xmm0,XMMWORD PTR [rbx]
0f 0b                           ud2
`), "0", 0x1000},
			{"16 bytes, first missing", missing, rw, listing(`
0f 10 03                        movups xmm0,XMMWORD PTR [rbx]
0f 0b                           ud2
`), "0", 0xffc},
			{"16 bytes written, second missing", rw, missing, listing(`
0f 11 03                        movups XMMWORD PTR [rbx],xmm0
0f 0b                           ud2
`), "2", 0x1000},
		} {
			t.Run(fmt.Sprintf("%s, user %v", c.name, user), func(t *testing.T) {
				r := newRig(t, "")
				r.write(dataAt+0xff8, listing(`
90                              nop
90                              nop
90                              nop
90                              nop
48 b8 88 77 66 55 44 33 22 11   movabs rax,0x1122334455667788
0f 0b                           ud2
`))
				before := r.get64(dataAt + 0xff8)
				r.mapPage(page, dataAt, 0, c.first)
				r.mapPage(page+0x1000, dataAt+0x1000, 0, c.second)
				start := map[bool]func([]byte, func(*x86.State)){false: r.kernel, true: r.user}[user]
				start(c.code, func(s *x86.State) { s.GPR[x86.RBX], s.GPR[x86.RAX] = page+0xffc, ^uint64(0) })
				r.run()
				code := map[string]int{"0": 0, "2": 2, "3": 3, "10": 0x10}[c.want]
				if user {
					code |= x86.PFUser
				}
				require.Equal(t, fmt.Sprintf("#PF(%x)@%x", code, page+c.offset), r.deliveries())
				require.Equal(t, page+c.offset, r.State().CR2)
				require.Equal(t, before, r.get64(dataAt+0xff8), "nothing is written")
			})
		}
	}
}

// A changed entry is seen after INVLPG and after the control register writes
// that flush (SDM vol. 3A 5.10.4.1), global pages by those that reach them.
func TestStaleTranslationsAreGone(t *testing.T) {
	const page = userData + 0x20000
	for name, code := range map[string][]byte{
		"INVLPG": listing(`
8b 03                           mov eax,DWORD PTR [rbx]
48 89 37                        mov QWORD PTR [rdi],rsi
0f 01 3b                        invlpg BYTE PTR [rbx]
8b 13                           mov edx,DWORD PTR [rbx]
0f 0b                           ud2
`),
		"CR3": listing(`
8b 03                           mov eax,DWORD PTR [rbx]
48 89 37                        mov QWORD PTR [rdi],rsi
0f 20 d9                        mov rcx,cr3
0f 22 d9                        mov cr3,rcx
8b 13                           mov edx,DWORD PTR [rbx]
0f 0b                           ud2
`),
		"CR4.PGE": listing(`
8b 03                           mov eax,DWORD PTR [rbx]
48 89 37                        mov QWORD PTR [rdi],rsi
0f 20 e1                        mov rcx,cr4
48 81 f1 80 00 00 00            xor rcx,0x80
0f 22 e1                        mov cr4,rcx
8b 13                           mov edx,DWORD PTR [rbx]
0f 0b                           ud2
`),
		"CR0.PG": listing(`
8b 03                           mov eax,DWORD PTR [rbx]
48 89 37                        mov QWORD PTR [rdi],rsi
0f 20 c1                        mov rcx,cr0
48 0f ba f9 10                  btc rcx,0x10
0f 22 c1                        mov cr0,rcx
0f 20 d9                        mov rcx,cr3
0f 22 d9                        mov cr3,rcx
8b 13                           mov edx,DWORD PTR [rbx]
0f 0b                           ud2
`),
	} {
		for _, bits := range []uint64{pteP | pteW, 0} {
			t.Run(fmt.Sprintf("%s, to %x", name, bits), func(t *testing.T) {
				r := newRig(t, "")
				r.mapPage(page, dataAt, 0, pteP|pteW)
				r.put64(dataAt, 1)
				r.put64(dataAt+0x1000, 2)
				r.kernel(code, func(s *x86.State) {
					s.GPR[x86.RBX], s.GPR[x86.RDI] = page, high+r.entry(page, 0)
					s.GPR[x86.RSI] = (dataAt + 0x1000) | bits
				})
				r.run()
				require.EqualValues(t, 1, r.State().GPR[x86.RAX])
				if bits == 0 {
					require.Equal(t, fmt.Sprintf("#PF(0)@%x", uint64(page)), r.deliveries())
					return
				}
				require.Equal(t, "#UD", r.deliveries())
				require.EqualValues(t, 2, r.State().GPR[x86.RDX])
			})
		}
	}
}

// Loads of segment registers read the GDT as a supervisor, whatever the CPL,
// and AC does not help an implicit access past SMAP (SDM vol. 3A 5.6).
func TestDescriptorsAreReadBySupervisorAccesses(t *testing.T) {
	r := newRig(t, "")
	r.user(listing(`
b8 2b 00 00 00                  mov eax,0x2b
8e d8                           mov ds,eax
0f 0b                           ud2
`), nil)
	r.run()
	require.Equal(t, "#UD", r.deliveries(), "the GDT is on a supervisor's page")

	r = newRig(t, "")
	r.mapPage(userData+0x20000, gdtAt, 0, pteP|pteW|pteU)
	gdt := userData + 0x20000 + gdtAt&0xfff
	r.kernel(listing(`
b8 18 00 00 00                  mov eax,0x18
8e d8                           mov ds,eax
90                              nop
0f 0b                           ud2
`), func(s *x86.State) {
		s.CR4 |= x86.CR4SMAP
		s.RFLAGS |= x86.FlagAC
		s.GDTR.Base = uint64(gdt)
	})
	stop := r.run()
	require.Equal(t, emu.StopShutdown, stop.Why, "the gates' segments can't be read either")
	require.Equal(t, fmt.Sprintf("#PF(1)@%x", gdt+selData), r.log[0])
}

// Protection keys refuse data accesses to user pages, also of the supervisor
// (SDM vol. 3A 5.6.2).
func TestProtectionKeys(t *testing.T) {
	const page = userData + 0x20000
	for _, c := range []struct {
		rights uint32 // of key 3
		user   bool
		code   []byte
		want   string
	}{
		{0, true, listing(`
8b 03                           mov eax,DWORD PTR [rbx]
89 03                           mov DWORD PTR [rbx],eax
0f 0b                           ud2
`), "#UD"},
		{1, true, listing(`
8b 03                           mov eax,DWORD PTR [rbx]
0f 0b                           ud2
`), "#PF(25)@520000"},
		{2, true, listing(`
8b 03                           mov eax,DWORD PTR [rbx]
89 03                           mov DWORD PTR [rbx],eax
0f 0b                           ud2
`), "#PF(27)@520000"},
		{1, false, listing(`
8b 03                           mov eax,DWORD PTR [rbx]
0f 0b                           ud2
`), "#PF(21)@520000"},
		{2, false, listing(`
89 03                           mov DWORD PTR [rbx],eax
0f 0b                           ud2
`), "#PF(23)@520000"},
		{3, true, listing(`
ff e3                           jmp rbx
`), "#UD"},
		{0, true, listing(`
b8 40 00 00 00                  mov eax,0x40
31 c9                           xor ecx,ecx
31 d2                           xor edx,edx
0f 01 ef                        wrpkru
8b 13                           mov edx,DWORD PTR [rbx]
0f 0b                           ud2
`), "#PF(25)@520000"},
	} {
		r := newRig(t, "+pku")
		r.mapPage(page, dataAt, 0, pteP|pteW|pteU|3<<59)
		r.write(dataAt, listing(`
0f 0b                           ud2
`))
		start := map[bool]func([]byte, func(*x86.State)){false: r.kernel, true: r.user}[c.user]
		start(c.code, func(s *x86.State) {
			s.CR4 |= x86.CR4PKE
			s.PKRU = c.rights << 6
			s.GPR[x86.RBX] = page
		})
		r.run()
		require.Equal(t, c.want, r.deliveries(), "%+v", c)
	}
}

// A handler is arrived at anew by a second fault, though no instruction has
// retired in between.
func TestProbeAtAHandlerThatIsEnteredAgain(t *testing.T) {
	r := newRig(t, "")
	for range 3 {
		r.kernel(listing(`
8b 03                           mov eax,DWORD PTR [rbx]
`), func(s *x86.State) { s.GPR[x86.RBX] = unmapped })
		require.Equal(t, emu.StopProbe, r.run().Why)
		require.Equal(t, "#PF(0)@700000", r.deliveries())
	}
}
