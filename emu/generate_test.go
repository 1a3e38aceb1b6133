// SPDX-License-Identifier: GPL-2.0-or-later

package emu_test

import (
	"encoding/binary"
	"math/rand/v2"

	"github.com/uklemu/uklemu/emu/x86"
)

// generator writes random programs of CPL 0 that end in HLT: R10 points to
// data, R11 holds SS's selector, R12 points to where nothing is mapped, R14
// counts loops, R15 says where a handler goes on after a fault. The rest of
// the registers is anybody's, but for RSP.
type generator struct {
	random *rand.Rand
	code   []byte
	depth  int
}

func generate(seed uint64, pieces int) []byte {
	g := &generator{random: rand.New(rand.NewPCG(seed, 1))}
	for range pieces {
		g.piece()
	}
	g.emit(0xf4)
	return g.code
}

// prepareGenerated makes the handlers that generated programs need, and gives
// the registers that they expect.
func prepareGenerated(r *rig, code []byte) {
	landing := listing(`
4c 89 3c 24     mov [rsp],r15
48 cf           iretq`)
	withError := append(listing(`48 83 c4 08     add rsp,8`), landing...)
	for _, v := range []x86.Vector{x86.VectorDE, x86.VectorUD} {
		r.write(entryAt+16*uint64(v), landing)
	}
	r.write(entryAt+16*uint64(x86.VectorPF), withError)
	r.write(entryAt+16*uint64(x86.VectorGP), withError)
	r.write(entryAt+16*0x80, listing(`
48 ff c0        inc rax
48 cf           iretq`))
	r.kernel(code, func(s *x86.State) {
		s.GPR[x86.R10], s.GPR[x86.R11], s.GPR[x86.R12] = kernelData+0x8000, selData, unmapped
	})
}

func (g *generator) emit(b ...byte)   { g.code = append(g.code, b...) }
func (g *generator) n(below int) byte { return byte(g.random.IntN(below)) }

// low is one of RAX, RCX, RDX, RBX, RBP, RSI, RDI.
func (g *generator) low() byte { return []byte{0, 1, 2, 3, 5, 6, 7}[g.n(7)] }

func (g *generator) imm32(v uint32) { g.code = binary.LittleEndian.AppendUint32(g.code, v) }

// data is the ModRM and displacement of [R10+disp32], within 32 KiB; the REX
// prefix before it must have B.
func (g *generator) data(reg byte) {
	g.emit(0x82 | reg<<3)
	g.imm32(uint32(g.random.IntN(0x8000)) - 0x4000)
}

var arithmetic = []byte{0x01, 0x09, 0x11, 0x19, 0x21, 0x29, 0x31, 0x39, 0x85}

// stretch is code measured after it was written, for jumps over it.
func (g *generator) stretch(write func()) []byte {
	before := g.code
	g.code = nil
	write()
	out := g.code
	g.code = before
	return out
}

func (g *generator) piece() {
	switch g.n(24) {
	case 0, 1, 2, 3, 4: // ALU of two registers
		g.emit(0x48, arithmetic[g.n(len(arithmetic))], 0xc0|g.low()<<3|g.low())
	case 5: // INC, DEC
		g.emit(0x48, 0xff, 0xc0|g.n(2)<<3|g.low())
	case 6: // shift by an immediate
		g.emit(0x48, 0xc1, 0xe0|g.low(), g.n(63)+1)
	case 7: // load
		g.emit(0x49, 0x8b)
		g.data(g.low())
	case 8: // store
		g.emit(0x49, 0x89)
		g.data(g.low())
	case 9: // ADD to memory, XCHG, LOCK XADD
		g.emit([][]byte{{0x49, 0x01}, {0x49, 0x87}, {0xf0, 0x49, 0x0f, 0xc1}}[g.n(3)]...)
		g.data(g.low())
	case 10: // PUSH and POP, PUSHF and POPF
		g.emit([][]byte{{0x50 | g.low(), 0x58 | g.low()}, {0x9c, 0x9d}, {0x9c, 0x58 | g.low()}}[g.n(3)]...)
	case 11, 12: // a branch over something
		over := g.stretch(func() {
			for range g.n(3) + 1 {
				g.emit(0x48, arithmetic[g.n(len(arithmetic))], 0xc0|g.low()<<3|g.low())
			}
		})
		g.emit(0x70|g.n(16), byte(len(over)))
		g.emit(over...)
	case 13:
		g.loop()
	case 14, 15:
		g.repeated()
	case 16, 17:
		g.fault()
	case 18: // RDTSC, RDTSCP, CPUID
		g.emit([][]byte{{0x0f, 0x31}, {0x0f, 0x01, 0xf9}, {0x0f, 0xa2}}[g.n(3)]...)
	case 19: // ports
		g.emit([][]byte{{0xe4, 0x80}, {0xe6, 0x80}, {0xe5, 0x80}}[g.n(3)]...)
	case 20: // shadows
		g.emit([][]byte{{0x41, 0x8e, 0xd3}, {0xfb}, {0xfa}, {0xfb, 0xfb}, {0x41, 0x8e, 0xd3, 0xfb}}[g.n(5)]...)
	case 21: // INT; CALL over a byte and back out
		g.emit([][]byte{{0xcd, 0x80}, {0xe8, 1, 0, 0, 0, 0xcc, 0x48, 0x83, 0xc4, 0x08}}[g.n(2)]...)
	case 22: // MOV byte ptr [the immediate behind], reg; MOV EAX, imm32
		g.emit(0x88, 0x05|g.n(4)<<3, 1, 0, 0, 0, 0xb8)
		g.imm32(g.random.Uint32())
	case 23: // a control register
		g.emit([][]byte{{0x0f, 0x20, 0xc0}, {0x0f, 0x20, 0xd8, 0x0f, 0x22, 0xd8}, {0x0f, 0x01, 0x38 | 2 | 0x40, 0}}[g.n(3)]...)
	}
}

func (g *generator) loop() {
	if g.depth > 0 {
		return
	}
	g.depth++
	body := g.stretch(func() {
		for range g.n(5) + 1 {
			g.piece()
		}
	})
	g.depth--
	g.emit(0x41, 0xbe) // MOV R14D, imm32
	g.imm32(uint32(g.n(12)) + 1)
	g.emit(body...)
	g.emit(0x41, 0xff, 0xce) // DEC R14D
	g.emit(0x0f, 0x85)       // JNZ body
	g.imm32(-uint32(len(body) + 9))
}

func (g *generator) repeated() {
	g.emit(0x49, 0x8d, 0xb2) // LEA RSI, [R10+disp32]
	g.imm32(uint32(g.random.IntN(0x4000)) - 0x2000)
	g.emit(0x49, 0x8d, 0xba) // LEA RDI, [R10+disp32]
	g.imm32(uint32(g.random.IntN(0x4000)) - 0x2000)
	g.emit(0xb9) // MOV ECX, imm32
	g.imm32([]uint32{0, 1, 2, 3, 7, 40}[g.n(6)])
	if g.n(4) == 0 {
		g.emit(0x4c, 0x8d, 0x3d, 3, 0, 0, 0) // LEA R15, [RIP+3]
		g.emit(0x67, 0xf3, 0xac)             // LODSB by ECX and ESI, which leads to #PF
		return
	}
	g.emit(0xf2 | g.n(2))
	if g.n(2) == 0 {
		g.emit(0x48)
	}
	g.emit([]byte{0xa4, 0xa5, 0xa6, 0xa7, 0xaa, 0xab, 0xac, 0xad, 0xae, 0xaf}[g.n(10)])
}

func (g *generator) fault() {
	bad := [][]byte{
		{0x0f, 0x0b},                   // UD2
		{0x49, 0x8b, 0x04, 0x24},       // MOV RAX, [R12]
		{0x49, 0x89, 0x04, 0x24},       // MOV [R12], RAX
		{0x49, 0x01, 0x04, 0x24},       // ADD [R12], RAX
		{0x31, 0xc9, 0x48, 0xf7, 0xf1}, // XOR ECX, ECX; DIV RCX
		{0x0f, 0x30},                   // WRMSR, of most numbers
		{0x41, 0xff, 0x24, 0x24},       // JMP [R12]
		{0x8e, 0xd9},                   // MOV DS, ECX
	}[g.n(8)]
	if bad[1] == 0x30 {
		bad = append([]byte{0xb9, 0xad, 0xde, 0, 0}, bad...) // MOV ECX, 0xdead
	} else if bad[0] == 0x8e {
		bad = append([]byte{0xb9, 0x00, 0x04, 0, 0}, bad...) // MOV ECX, 0x400, beyond the GDT
	}
	g.emit(0x4c, 0x8d, 0x3d, byte(len(bad)), 0, 0, 0) // LEA R15, [RIP+...]
	g.emit(bad...)
}
