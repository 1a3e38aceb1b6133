// SPDX-License-Identifier: GPL-2.0-or-later

package boot

import (
	"encoding/binary"
	"fmt"

	"github.com/uklemu/uklemu/emu/x86"
)

// multiboot starts a kernel by the Multiboot Specification 0.6.96: a header
// in the first 8 KiB, a 32-bit entry without paging, EAX with the loader's
// magic and EBX with the information structure.
type multiboot struct {
	entry uint64
	flat  *flatImage // nil: the segments of the ELF file
}

func (multiboot) name() string { return ProtocolMultiboot }

// flatImage is where the header itself says that the file goes, which a file
// that is not ELF needs (the specification's "a.out kludge").
type flatImage struct {
	offset, size uint64 // in the file
	load         Range  // in memory, bss included
}

const (
	multibootMagic  = 0x1BADB002
	multibootLoader = 0x2BADB002
	multibootSearch = 8192
	mustUnderstand  = 0xffff
	wantsAlignment  = 1 << 0 // modules on page boundaries: ours always are
	wantsMemory     = 1 << 1
	wantsVideo      = 1 << 2
	hasAddresses    = 1 << 16
)

func recogniseMultiboot(img *Image) (protocol, *Error) {
	lead := make([]byte, min(img.size, multibootSearch))
	if err := img.read(lead, 0, "the multiboot header"); err != nil {
		return nil, err
	}
	for offset := 0; offset+12 <= len(lead); offset += 4 {
		le := binary.LittleEndian
		flags, sum := le.Uint32(lead[offset+4:]), le.Uint32(lead[offset+8:])
		if le.Uint32(lead[offset:]) == multibootMagic && multibootMagic+flags+sum == 0 {
			return img.multibootAt(lead, uint64(offset), flags)
		}
	}
	return nil, nil
}

func (img *Image) multibootAt(lead []byte, offset uint64, flags uint32) (protocol, *Error) {
	where := at("flags of the multiboot header", offset+4)
	switch unknown := flags & mustUnderstand &^ (wantsAlignment | wantsMemory | wantsVideo); {
	case flags&wantsVideo != 0:
		return nil, img.error(Error{Err: ErrHeader, Where: where, Found: hex(uint64(flags)) + ", which demands a video mode (bit 2)",
			Want: "a kernel for the serial console: this machine has no display"})
	case unknown != 0:
		return nil, img.error(Error{Err: ErrHeader, Where: where, Found: fmt.Sprintf("%#x, which demands features (bits %#x) that the specification does not define", flags, unknown),
			Want: "bits 0 (aligned modules), 1 (memory information) and 16 (addresses)"})
	case flags&hasAddresses != 0:
		return img.flatMultiboot(lead, offset)
	case img.elf == nil:
		return nil, img.error(Error{Err: ErrHeader, Where: where, Found: hex(uint64(flags)) + " in a file that is not ELF", Want: "bit 16, and the addresses to load at"})
	}
	entry, err := img.elf.physicalEntry(&img.file)
	return multiboot{entry: entry}, err
}

// flatMultiboot reads the five addresses that follow the header.
func (img *Image) flatMultiboot(lead []byte, offset uint64) (protocol, *Error) {
	if offset+32 > uint64(len(lead)) {
		return nil, img.error(Error{Err: ErrTruncated, Where: at("the addresses of the multiboot header", offset+12)})
	}
	field := func(i uint64) uint64 { return uint64(binary.LittleEndian.Uint32(lead[offset+12+4*i:])) }
	header, load, loadEnd, bssEnd, entry := field(0), field(1), field(2), field(3), field(4)
	bad := func(name string, i uint64, found uint64, want string) (protocol, *Error) {
		return nil, img.headerError(name, offset+12+4*i, hex(found), want)
	}
	if load > header || header-load > offset {
		return bad("load_addr", 1, load, fmt.Sprintf("at most header_addr (%#x), and from the file's start on", header))
	}
	start := offset - (header - load)
	size := img.size - start
	if loadEnd != 0 {
		if loadEnd <= load {
			return bad("load_end_addr", 2, loadEnd, fmt.Sprintf("0, or above load_addr (%#x)", load))
		}
		if loadEnd-load > size {
			return nil, img.error(Error{Err: ErrTruncated, Where: at("load_end_addr", offset+20),
				Found: fmt.Sprintf("%#x: %#x bytes from offset %#x, and the file ends at %#x", loadEnd, loadEnd-load, start, img.size)})
		}
		size = loadEnd - load
	}
	end := load + size
	if bssEnd != 0 {
		if bssEnd < end {
			return bad("bss_end_addr", 3, bssEnd, fmt.Sprintf("0, or at least the end of the loaded part (%#x)", end))
		}
		end = bssEnd
	}
	if entry < load || entry >= end {
		return nil, img.error(Error{Err: ErrEntry, Where: at("entry_addr", offset+28), Found: hex(entry), Want: "an address in " + Range{load, end}.String()})
	}
	return multiboot{entry: entry, flat: &flatImage{start, size, Range{load, end}}}, nil
}

func (p multiboot) load(l *loader) (x86.State, error) {
	end, err := p.loadImage(l)
	if err != nil {
		return x86.State{}, err
	}
	info, err := l.putMultibootInfo(end)
	if err != nil {
		return x86.State{}, err
	}
	state, err := l.protected32(p.entry)
	state.GPR[x86.RAX] = multibootLoader
	state.GPR[x86.RBX] = info
	return state, err
}

// loadImage returns where the image ends.
func (p multiboot) loadImage(l *loader) (uint64, error) {
	if p.flat == nil {
		return l.imageEnd(), l.loadSegments()
	}
	if err := l.claim(p.flat.load, "the image"); err != nil {
		return 0, err
	}
	return p.flat.load.End, l.copyFile(p.flat.offset, p.flat.size, p.flat.load.Start)
}

// loaderName is what the kernel is told about who loaded it.
const loaderName = "uklemu\x00"

// putMultibootInfo places the information structure (Multiboot 0.6.96, 3.3):
// the amounts of memory, the command line, the initrd as the one module, the
// memory map and the loader's name.
func (l *loader) putMultibootInfo(imageEnd uint64) (uint64, error) {
	const (
		infoSize                                    = 116
		hasMemory, hasLine, hasModules, hasMap, has = 1 << 0, 1 << 2, 1 << 3, 1 << 6, 1 << 9
		lineSize                                    = 24
	)
	le := binary.LittleEndian
	var info [infoSize]byte
	put := func(offset int, v uint64) { le.PutUint32(info[offset:], uint32(v)) }
	flags := uint64(hasMemory | hasLine | hasMap | has)

	// Kernels that map little of memory at first look for modules right
	// behind themselves, where GRUB puts them.
	initrd, err := l.putInitrdAbove(imageEnd)
	if err != nil {
		return 0, err
	}
	line, err := l.putCommandLine(looseLine)
	if err != nil {
		return 0, err
	}
	if initrd.End != 0 {
		var module [16]byte
		le.PutUint32(module[0:], uint32(initrd.Start))
		le.PutUint32(module[4:], uint32(initrd.End))
		list, err := l.put(module[:], 16, "the module list")
		if err != nil {
			return 0, err
		}
		flags |= hasModules
		put(20, 1)
		put(24, list)
	}
	lines := l.memoryMap()
	table := make([]byte, lineSize*len(lines))
	for i, e := range lines {
		b := table[lineSize*i:]
		le.PutUint32(b, lineSize-4) // the size field does not count itself
		le.PutUint64(b[4:], e.Start)
		le.PutUint64(b[12:], e.End-e.Start)
		le.PutUint32(b[20:], e.kind)
	}
	memoryMap, err := l.put(table, 16, "the memory map")
	if err != nil {
		return 0, err
	}
	name, err := l.put([]byte(loaderName), 16, "the loader's name")
	if err != nil {
		return 0, err
	}
	put(0, flags)
	put(4, uint64(lowerKiB(lines)))
	put(8, uint64(upperKiB(lines)))
	put(16, line)
	put(44, uint64(len(table)))
	put(48, memoryMap)
	put(64, name)
	return l.put(info[:], 16, "the multiboot information")
}
