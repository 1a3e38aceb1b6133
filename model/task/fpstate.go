// SPDX-License-Identifier: GPL-2.0-or-later

package task

import (
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/uklemu/uklemu/model/space"
)

// FPState is the state of x87, SSE and what XSAVE adds, in memory: in a signal
// frame, or as the kernel keeps a task's.
type FPState struct {
	At uint64
	// The legacy region, as FXSAVE has it (SDM vol. 1, table 10-2).
	Control, Status   uint16
	Tag               uint8 // one bit a register, set if it is not empty
	Opcode            uint16
	Instruction, Data uint64
	MXCSR, MXCSRMask  uint32
	ST                [8][10]byte
	XMM               [16][16]byte
	// Software is what Linux writes into the bytes that are the program's
	// (arch/x86/include/uapi/asm/sigcontext.h, _fpx_sw_bytes). Its Magic1 says
	// whether the rest is there.
	Software Software
	// Header is XSAVE's (SDM vol. 1, 13.4.2): which components are saved, and
	// in which format.
	Components, Compaction uint64
}

// Software are the words of _fpx_sw_bytes.
type Software struct {
	Magic1       uint32
	ExtendedSize uint32 // with Magic2
	Features     uint64
	Size         uint32 // of the XSAVE area
	Magic2       bool   // FP_XSTATE_MAGIC2 is behind it
}

// The words by which a frame says that its FP state is an XSAVE area.
const (
	fpMagic1 = 0x46505853
	fpMagic2 = 0x46505845

	fxsaveSize   = 512
	softwareAt   = 464 // in it
	xsaveHeader  = 64
	mostExtended = 1 << 16
)

// ReadFPState reads what FXSAVE or XSAVE have written.
func ReadFPState(m space.Memory, at uint64) (*FPState, error) {
	var b [fxsaveSize + xsaveHeader]byte
	n, err := m.ReadMemory(at, b[:])
	if n < fxsaveSize {
		return nil, fmt.Errorf("FP state at %#x: %w", at, err)
	}
	half, word := binary.LittleEndian.Uint16, binary.LittleEndian.Uint32
	long := binary.LittleEndian.Uint64
	f := &FPState{
		At: at, Control: half(b[0:]), Status: half(b[2:]), Tag: b[4], Opcode: half(b[6:]), Instruction: long(b[8:]), Data: long(b[16:]),
		MXCSR: word(b[24:]), MXCSRMask: word(b[28:]),
		Components: long(b[fxsaveSize:]), Compaction: long(b[fxsaveSize+8:]),
	}
	for i := range f.ST {
		copy(f.ST[i][:], b[32+16*i:])
	}
	for i := range f.XMM {
		copy(f.XMM[i][:], b[160+16*i:])
	}
	f.Software = Software{
		Magic1: word(b[softwareAt:]), ExtendedSize: word(b[softwareAt+4:]), Features: long(b[softwareAt+8:]), Size: word(b[softwareAt+16:]),
	}
	if s := &f.Software; s.Magic1 == fpMagic1 && s.Size >= fxsaveSize+xsaveHeader && s.Size < mostExtended {
		n, _ := m.ReadMemory(at+uint64(s.Size), b[:4])
		s.Magic2 = n == 4 && word(b[:]) == fpMagic2
	}
	return f, nil
}

// Extended says whether it is an XSAVE area, by the words that say so.
func (f *FPState) Extended() bool { return f.Software.Magic1 == fpMagic1 && f.Software.Magic2 }

// componentNames are those of XCR0's bits (SDM vol. 1, 13.1).
var componentNames = map[int]string{0: "x87", 1: "SSE", 2: "AVX", 3: "BNDREGS", 4: "BNDCSR", 5: "opmask", 6: "ZMM_Hi256", 7: "Hi16_ZMM",
	8: "PT", 9: "PKRU", 10: "PASID", 11: "CET_U", 12: "CET_S", 17: "TILECFG", 18: "TILEDATA"}

// Text is the control words and what is in the registers that aren't empty.
func (f *FPState) Text() string {
	var b strings.Builder
	kind := "FXSAVE"
	if f.Extended() {
		kind = fmt.Sprintf("XSAVE, %d bytes, components %s of %s", f.Software.Size, components(f.Components), components(f.Software.Features))
	} else if f.Software.Magic1 == fpMagic1 {
		kind = "FXSAVE (FP_XSTATE_MAGIC2 is missing: sigreturn takes it for no more)"
	}
	fmt.Fprintf(&b, "FP state at %#x: %s\n  fcw %04x fsw %04x mxcsr %08x\n", f.At, kind, f.Control, f.Status, f.MXCSR)
	for i, x := range f.ST {
		if f.Tag>>((i+int(f.Status>>11))&7)&1 != 0 {
			fmt.Fprintf(&b, "  st%d %x\n", i, reversed(x[:]))
		}
	}
	for i, x := range f.XMM {
		if x != [16]byte{} {
			fmt.Fprintf(&b, "  xmm%-2d %x\n", i, reversed(x[:]))
		}
	}
	return b.String()
}

func components(bits uint64) string {
	return joined(bitNames(bits, "", func(bit int) string { return componentNames[bit] }))
}

// reversed has the most significant byte first, as numbers are written.
func reversed(b []byte) []byte {
	out := make([]byte, len(b))
	for i, c := range b {
		out[len(b)-1-i] = c
	}
	return out
}
