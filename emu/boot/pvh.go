// SPDX-License-Identifier: GPL-2.0-or-later

package boot

import (
	"encoding/binary"
	"fmt"

	"github.com/uklemu/uklemu/emu/x86"
)

// pvh starts a kernel by Xen's direct boot ABI (Xen's docs/misc/pvh.pandoc):
// an ELF note names the physical address of a 32-bit entry, which is called
// in protected mode without paging, with hvm_start_info in EBX.
type pvh struct{ entry uint64 }

func (pvh) name() string { return ProtocolPVH }

const (
	xenOwner       = "Xen"
	xenPhys32Entry = 18 // XEN_ELFNOTE_PHYS32_ENTRY (xen/include/public/elfnote.h)
)

func recognisePVH(img *Image) (protocol, *Error) {
	notes, err := img.notes()
	if err != nil {
		return nil, err
	}
	for _, n := range notes {
		// Note types mean nothing without the owner's name.
		if n.name == xenOwner && n.typ == xenPhys32Entry {
			return img.pvhEntry(n.desc)
		}
	}
	return nil, nil
}

func (img *Image) pvhEntry(desc []byte) (protocol, *Error) {
	const field = "the note XEN_ELFNOTE_PHYS32_ENTRY"
	var entry uint64
	switch len(desc) {
	case 4:
		entry = uint64(binary.LittleEndian.Uint32(desc))
	case 8:
		entry = binary.LittleEndian.Uint64(desc)
	default:
		return nil, img.error(Error{Err: ErrHeader, Where: field, Found: fmt.Sprintf("%d bytes long", len(desc)), Want: "4 or 8 bytes"})
	}
	for _, s := range img.elf.segments {
		if entry < fourGiB && entry >= s.Physical && entry-s.Physical < s.Size {
			return pvh{entry}, nil
		}
	}
	return nil, img.error(Error{Err: ErrEntry, Where: field, Found: hex(entry), Want: "a physical address below 4 GiB in a PT_LOAD segment"})
}

func (p pvh) load(l *loader) (x86.State, error) {
	if err := l.loadSegments(); err != nil {
		return x86.State{}, err
	}
	info, err := l.putStartInfo()
	if err != nil {
		return x86.State{}, err
	}
	state, err := l.protected32(p.entry)
	state.GPR[x86.RBX] = info
	return state, err
}

// looseLine bounds the command line where the protocol names no limit: what
// fits a page is more than any kernel keeps.
const looseLine = page - 1

// putStartInfo places struct hvm_start_info, version 1, and what it points at
// (xen/include/public/arch-x86/hvm/start_info.h).
func (l *loader) putStartInfo() (uint64, error) {
	const (
		magic      = 0x336ec578
		infoSize   = 56
		moduleSize = 32
		lineSize   = 24
	)
	le := binary.LittleEndian
	initrd, err := l.putInitrdHigh(l.end)
	if err != nil {
		return 0, err
	}
	line, err := l.putCommandLine(looseLine)
	if err != nil {
		return 0, err
	}
	lines := l.memoryMap()
	table := make([]byte, lineSize*len(lines))
	for i, e := range lines {
		b := table[lineSize*i:]
		le.PutUint64(b, e.Start)
		le.PutUint64(b[8:], e.End-e.Start)
		le.PutUint32(b[16:], e.kind)
	}
	memoryMap, err := l.put(table, 16, "the memory map")
	if err != nil {
		return 0, err
	}
	var info [infoSize]byte
	if initrd.End != 0 {
		var module [moduleSize]byte
		le.PutUint64(module[:], initrd.Start)
		le.PutUint64(module[8:], initrd.End-initrd.Start)
		list, err := l.put(module[:], 16, "the module list")
		if err != nil {
			return 0, err
		}
		le.PutUint32(info[12:], 1)
		le.PutUint64(info[16:], list)
	}
	le.PutUint32(info[0:], magic)
	le.PutUint32(info[4:], 1)
	le.PutUint64(info[24:], line)
	le.PutUint64(info[32:], l.opts.RSDP)
	le.PutUint64(info[40:], memoryMap)
	le.PutUint32(info[48:], uint32(len(lines)))
	return l.put(info[:], 16, "hvm_start_info")
}
