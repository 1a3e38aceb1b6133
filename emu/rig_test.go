// SPDX-License-Identifier: GPL-2.0-or-later

package emu_test

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/emu"
	"github.com/uklemu/uklemu/emu/x86"
)

// Where things are in the rig's memory. Physical memory is mapped at high,
// for the supervisor; the user's pages are mapped at userCode and userData.
const (
	rigMemory = 4 << 20
	high      = 0xffff800000000000

	gdtAt    = 0x2000
	idtAt    = 0x3000
	tssAt    = 0x4000
	entryAt  = 0x8000  // 16 bytes for each vector
	codeAt   = 0x10000 // 64 KiB
	stackTop = 0x30000 // RSP0, and RSP at the start
	ist1Top  = 0x34000
	ist2Top  = 0x38000
	dataAt   = 0x40000 // 256 KiB
	userPhys = 0x80000 // of userCode
	userMem  = 0x90000 // of userData
	tablesAt = 0x100000

	userCode     = 0x400000 // 64 KiB
	userData     = 0x500000 // 64 KiB; the stack is at its end
	userStackTop = userData + 0xf000

	kernelCode  = high + codeAt
	kernelData  = high + dataAt
	kernelStack = high + stackTop
	noncanon    = 0x0000800000000000
	unmapped    = 0x700000
)

// Selectors of the rig's GDT, in the order that SYSCALL and SYSRET want.
const (
	selCode   = 0x10
	selData   = 0x18
	selUser32 = 0x20 | 3
	selUserSS = 0x28 | 3
	selUser   = 0x30 | 3
	selTSS    = 0x38 // 16 bytes
	selAbsent = 0x48 // data, not present
	selCode32 = 0x50
	gdtSize   = 0x58
)

var rigGDT = map[int]uint64{
	selCode: 0x00af9b000000ffff, selData: 0x00cf93000000ffff,
	selUser32 &^ 3: 0x00cffb000000ffff, selUserSS &^ 3: 0x00cff3000000ffff, selUser &^ 3: 0x00affb000000ffff,
	selAbsent: 0x00cf13000000ffff, selCode32: 0x00cf9b000000ffff,
}

// Bits of paging-structure entries.
const (
	pteP  = 1 << 0
	pteW  = 1 << 1
	pteU  = 1 << 2
	pteA  = 1 << 5
	pteD  = 1 << 6
	ptePS = 1 << 7
	pteG  = 1 << 8
	pteNX = 1 << 63
)

// rig is a machine in 64-bit mode with all tables in place. At the entry of
// every vector's handler is a probe, so that an event stops it with the frame
// just pushed.
type rig struct {
	*emu.Machine
	t      testing.TB
	log    []string // what was delivered
	root   uint64   // physical, of the highest paging structure
	levels int
	free   uint64 // physical, of the next paging structure
}

// newRig makes one; cpu is what --cpu takes.
func newRig(t testing.TB, cpu string) *rig {
	t.Helper()
	r := bareRig(t, cpu)
	for v := range 256 {
		r.Probe(r.handler(x86.Vector(v)), nil)
	}
	return r
}

// bareRig is one without the probes, whose handlers are for the test to write.
func bareRig(t testing.TB, cpu string) *rig {
	t.Helper()
	c, err := x86.ParseCPU(cpu)
	require.NoError(t, err)
	return configuredRig(t, emu.Config{CPU: c})
}

func configuredRig(t testing.TB, config emu.Config) *rig {
	t.Helper()
	config.Memory = rigMemory
	m, err := emu.New(config)
	require.NoError(t, err)
	t.Cleanup(m.Close)
	r := &rig{Machine: m, t: t, free: tablesAt, levels: 4}
	r.root = r.page()
	r.setUp()
	m.Observe(func(e emu.Event) {
		if text := eventText(e); text != "" {
			r.log = append(r.log, text)
		}
	})
	return r
}

func (r *rig) setUp() {
	for at, d := range rigGDT {
		r.put64(gdtAt+uint64(at), d)
	}
	tss := uint64(high + tssAt)
	r.put64(gdtAt+selTSS, 0x0000890000000067|tss&0xffffff<<16|tss>>24&0xff<<56)
	r.put64(gdtAt+selTSS+8, tss>>32)
	r.put64(tssAt+4, kernelStack)
	r.put64(tssAt+36, high+ist1Top)
	r.put64(tssAt+44, high+ist2Top)
	r.put64(tssAt+0x64, 0x68<<16) // no I/O bitmap
	for v := range 256 {
		r.gate(x86.Vector(v), 0, 0)
	}
	r.gate(x86.VectorDF, 2, 0)
	r.gate(x86.VectorBP, 0, 3)
	r.gate(0x80, 0, 3)
	for at := uint64(0); at < rigMemory; at += 2 << 20 {
		r.mapPage(high+at, at, 1, pteP|pteW|pteA|pteD|ptePS)
	}
	for at := uint64(0); at < 0x10000; at += 0x1000 {
		r.mapPage(userCode+at, userPhys+at, 0, pteP|pteW|pteU|pteA|pteD)
		r.mapPage(userData+at, userMem+at, 0, pteP|pteW|pteU|pteA|pteD|pteNX)
	}
	s := r.kernelState()
	r.SetState(&s)
}

// gate writes an interrupt gate to the vector's handler.
func (r *rig) gate(v x86.Vector, ist, dpl uint64) {
	at := uint64(r.handler(v))
	r.put64(idtAt+16*uint64(v), at&0xffff|selCode<<16|ist<<32|0x8e00<<32|dpl<<45|at>>16&0xffff<<48)
	r.put64(idtAt+16*uint64(v)+8, at>>32)
}

func (r *rig) handler(v x86.Vector) uint64 { return high + entryAt + 16*uint64(v) }

// kernelState is at CPL 0 at the start of the code, interrupts off.
func (r *rig) kernelState() x86.State {
	s := x86.State{
		RIP: kernelCode, RFLAGS: x86.FlagFixed,
		CR0:  x86.CR0PE | x86.CR0PG | x86.CR0WP | x86.CR0ET | x86.CR0NE,
		CR3:  r.root,
		CR4:  x86.CR4PAE | x86.CR4OSFXSR | x86.CR4DE,
		EFER: x86.EFERLMA | x86.EFERLME | x86.EFERSCE | x86.EFERNXE,
		GDTR: x86.Table{Base: high + gdtAt, Limit: gdtSize - 1},
		IDTR: x86.Table{Base: high + idtAt, Limit: 0xfff},
		TR:   x86.Segment{Selector: selTSS, Base: high + tssAt, Limit: 0x67, Attr: x86.AttrP | x86.TypeTSSBusy<<8},
		LDTR: x86.Segment{},
		XCR0: 1,
		STAR: selCode<<32 | uint64(selUser32)<<48, LSTAR: r.handler(0xff), FMASK: 0x700,
	}
	s.DR[6], s.DR[7] = x86.DR6Fixed, x86.DR7Fixed
	for i := range s.Seg {
		s.Seg[i] = rigSegment(selData)
	}
	s.Seg[x86.CS] = rigSegment(selCode)
	s.GPR[x86.RSP] = kernelStack
	return s
}

// userState is at CPL 3 at the start of the user's code.
func (r *rig) userState() x86.State {
	s := r.kernelState()
	for i := range s.Seg {
		s.Seg[i] = rigSegment(selUserSS)
	}
	s.Seg[x86.CS] = rigSegment(selUser)
	s.RIP, s.GPR[x86.RSP] = userCode, userStackTop
	return s
}

func rigSegment(selector int) x86.Segment {
	raw := rigGDT[selector&^3]
	return x86.Descriptor{Low: uint32(raw), High: uint32(raw >> 32)}.Segment(uint16(selector))
}

// page is a fresh physical page for a paging structure.
func (r *rig) page() uint64 {
	r.free += 0x1000
	return r.free - 0x1000
}

// entry is the physical address of the entry for a linear address at a level,
// 0 for the PTE; missing structures above it are made with all rights.
func (r *rig) entry(linear uint64, level int) uint64 {
	table := r.root
	for l := r.levels - 1; ; l-- {
		at := table + linear>>(12+9*l)&511*8
		if l == level {
			return at
		}
		e := r.get64(at)
		if e&pteP == 0 {
			e = r.page() | pteP | pteW | pteU
			r.put64(at, e)
		}
		table = e & 0x000ffffffffff000
	}
}

func (r *rig) mapPage(linear, physical uint64, level int, bits uint64) {
	r.put64(r.entry(linear, level), physical|bits)
}

func (r *rig) put64(at, v uint64) {
	r.t.Helper()
	require.NoError(r.t, r.WritePhysical(at, binary.LittleEndian.AppendUint64(nil, v)))
}

func (r *rig) get64(at uint64) uint64 {
	r.t.Helper()
	var b [8]byte
	require.NoError(r.t, r.ReadPhysical(at, b[:]))
	return binary.LittleEndian.Uint64(b[:])
}

func (r *rig) write(at uint64, p []byte) {
	r.t.Helper()
	require.NoError(r.t, r.WritePhysical(at, p))
}

// listing reads a disassembler's lines: bytes in hexadecimal, two blanks or
// more, the instruction, which is for the reader.
func listing(text string) []byte {
	var out []byte
	for line := range strings.Lines(text) {
		digits, _, _ := strings.Cut(strings.TrimSpace(line), "  ")
		b, err := hex.DecodeString(strings.ReplaceAll(digits, " ", ""))
		if err != nil {
			panic(fmt.Sprintf("listing %q: %v", line, err))
		}
		out = append(out, b...)
	}
	return out
}

// kernel puts code at CPL 0 and the CPU in front of it, edited.
func (r *rig) kernel(code []byte, edit func(*x86.State)) {
	r.t.Helper()
	r.start(codeAt, code, r.kernelState(), edit)
}

// user does so at CPL 3.
func (r *rig) user(code []byte, edit func(*x86.State)) {
	r.t.Helper()
	r.start(userPhys, code, r.userState(), edit)
}

func (r *rig) start(at uint64, code []byte, s x86.State, edit func(*x86.State)) {
	r.t.Helper()
	r.write(at, code)
	if edit != nil {
		edit(&s)
	}
	r.SetState(&s)
	r.log = nil
}

// deliveries is what was delivered, as "#DE" or "#PF(2)@700000".
func (r *rig) deliveries() string { return strings.Join(r.log, " ") }

func eventText(e emu.Event) string {
	switch e.Kind {
	case emu.EventException:
		text := e.Vector.String()
		if e.Vector.Info().ErrorCode {
			text += fmt.Sprintf("(%x)", e.ErrorCode)
		}
		if e.Vector == x86.VectorPF {
			text += fmt.Sprintf("@%x", e.Address)
		}
		return text
	case emu.EventInterrupt:
		return fmt.Sprintf("interrupt %x", uint8(e.Vector))
	case emu.EventSoftware:
		return fmt.Sprintf("int %x", uint8(e.Vector))
	case emu.EventNMI, emu.EventShutdown:
		return e.Kind.String()
	}
	return ""
}

// frame is what delivery pushed.
type frame struct{ Error, RIP, CS, RFLAGS, RSP, SS uint64 }

// frame reads it at the entry of a handler.
func (r *rig) frame(hasError bool) frame {
	r.t.Helper()
	at := r.State().GPR[x86.RSP]
	word := func() uint64 {
		var b [8]byte
		_, err := r.ReadMemory(at, b[:])
		require.NoError(r.t, err)
		at += 8
		return binary.LittleEndian.Uint64(b[:])
	}
	var f frame
	if hasError {
		f.Error = word()
	}
	f.RIP, f.CS, f.RFLAGS, f.RSP, f.SS = word(), word(), word(), word(), word()
	return f
}

// run goes to the next probe; a run that gets lost fails the test.
func (r *rig) run() emu.Stop {
	r.t.Helper()
	stop := r.Run(emu.Until{Instructions: 1_000_000})
	require.NotEqual(r.t, emu.StopLimit, stop.Why, "at %#x after %s", r.State().RIP, r.deliveries())
	require.NoError(r.t, stop.Err)
	return stop
}
