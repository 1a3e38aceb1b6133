// SPDX-License-Identifier: GPL-2.0-or-later

package lockstep

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
)

// qemuFile is the length of QEMU 7.2's register file (gdb-xml/i386-64bit.xml
// and target/i386/gdbstub.c).
const qemuFile = 608

// registerFile goes through QEMU's register file in its order and calls back
// with each field.
type registerFile interface {
	word(*uint64)
	half(*uint32)
	short(*uint16) // in 32 bits
	bytes([]byte)
}

func walkQEMU(r *Registers, f registerFile) {
	for _, n := range []int{0, 3, 1, 2, 6, 7, 5, 4, 8, 9, 10, 11, 12, 13, 14, 15} {
		f.word(&r.GPR[n])
	}
	f.word(&r.RIP)
	flags := uint32(r.RFLAGS)
	f.half(&flags)
	r.RFLAGS = uint64(flags)
	for _, n := range []int{1, 2, 3, 0, 4, 5} {
		f.short(&r.Segment[n])
	}
	for _, w := range []*uint64{&r.FSBase, &r.GSBase, &r.KernelGSBase, &r.CR0, &r.CR2, &r.CR3, &r.CR4, &r.CR8, &r.EFER} {
		f.word(w)
	}
	for i := range r.ST {
		f.bytes(r.ST[i][:])
	}
	f.short(&r.X87.Control)
	f.short(&r.X87.Status)
	// QEMU keeps a tag word, but shows none, and keeps no last instruction.
	var none uint32
	for range 6 {
		f.half(&none)
	}
	for i := range r.XMM {
		f.bytes(r.XMM[i][:])
	}
	f.half(&r.MXCSR)
}

type reading struct{ rest []byte }

func (r *reading) take(n int) (p []byte) {
	p, r.rest = r.rest[:n], r.rest[n:]
	return p
}
func (r *reading) word(v *uint64)  { *v = binary.LittleEndian.Uint64(r.take(8)) }
func (r *reading) half(v *uint32)  { *v = binary.LittleEndian.Uint32(r.take(4)) }
func (r *reading) short(v *uint16) { *v = uint16(binary.LittleEndian.Uint32(r.take(4))) }
func (r *reading) bytes(p []byte)  { copy(p, r.take(len(p))) }

type writing struct{ out []byte }

func (w *writing) word(v *uint64)  { w.out = binary.LittleEndian.AppendUint64(w.out, *v) }
func (w *writing) half(v *uint32)  { w.out = binary.LittleEndian.AppendUint32(w.out, *v) }
func (w *writing) short(v *uint16) { w.out = binary.LittleEndian.AppendUint32(w.out, uint32(*v)) }
func (w *writing) bytes(p []byte)  { w.out = append(w.out, p...) }

// Registers has no debug registers and no x87 tags: the stub shows none.
func (q *QEMU) Registers() (r Registers, err error) {
	got, err := q.ask("g")
	if err != nil {
		return r, err
	}
	if len(got) != 2*qemuFile {
		return r, fmt.Errorf("QEMU's register file has %d digits, not %d", len(got), 2*qemuFile)
	}
	var file [qemuFile]byte
	if _, err := hex.Decode(file[:], got); err != nil {
		return r, fmt.Errorf("QEMU's register file: %w", err)
	}
	walkQEMU(&r, &reading{file[:]})
	rotate(&r, int(r.X87.Status>>11&7))
	return r, nil
}

func (q *QEMU) SetRegisters(r Registers) error {
	rotate(&r, 8-int(r.X87.Status>>11&7))
	w := &writing{make([]byte, 0, qemuFile)}
	walkQEMU(&r, w)
	return q.must("G"+hex.EncodeToString(w.out), "OK")
}

// rotate moves the x87 registers: QEMU has them by number, not from TOP on.
func rotate(r *Registers, top int) {
	numbered := r.ST
	for i := range r.ST {
		r.ST[i] = numbered[(i+top)&7]
	}
}
