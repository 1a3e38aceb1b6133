// SPDX-License-Identifier: GPL-2.0-or-later

package bench

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"os"

	"github.com/uklemu/uklemu/emu"
	"github.com/uklemu/uklemu/emu/unicorn"
	"github.com/uklemu/uklemu/emu/x86"
)

// dumpHeader is struct dump of prototype/loop.c.
type dumpHeader struct {
	Magic, RAM, Pages, End                                      uint64
	GPR                                                         [16]uint64
	RIP, RFLAGS, CR0, CR3, CR4, EFER, FSBase, GSBase, KernelGSB uint64
	LastGPR, TSC                                                [16]uint64
}

const dumpMagic = 0x31706d7564656c75

// Dump writes the machine's RAM and registers at the start of the stretch,
// for a program that knows nothing of this project.
func (s *Stretch) Dump(path string) error {
	if err := s.Once(); err != nil {
		return err
	}
	last := s.Machine.State().GPR
	if err := s.Machine.Restore(s.Start); err != nil {
		return err
	}
	state := s.Machine.State()
	h := dumpHeader{Magic: dumpMagic, RAM: emu.DefaultMemory, End: s.End, GPR: state.GPR,
		RIP: state.RIP, RFLAGS: state.RFLAGS, CR0: state.CR0, CR3: state.CR3, CR4: state.CR4, EFER: state.EFER,
		FSBase: state.Seg[x86.FS].Base, GSBase: state.Seg[x86.GS].Base, KernelGSB: state.KernelGSBase, LastGPR: last}
	copy(h.TSC[:], s.TSC)
	var pages bytes.Buffer
	page, zeros := make([]byte, unicorn.PageSize), make([]byte, unicorn.PageSize)
	for at := uint64(0); at < h.RAM; at += unicorn.PageSize {
		if err := s.Machine.ReadPhysical(at, page); err != nil {
			return err
		}
		if bytes.Equal(page, zeros) {
			continue
		}
		h.Pages++
		pages.Write(binary.LittleEndian.AppendUint64(nil, at/unicorn.PageSize))
		pages.Write(page)
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(f)
	_ = binary.Write(w, binary.LittleEndian, h) // w keeps its error for Flush
	_, _ = pages.WriteTo(w)
	return errors.Join(w.Flush(), f.Close())
}
