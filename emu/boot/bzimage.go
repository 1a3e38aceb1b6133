// SPDX-License-Identifier: GPL-2.0-or-later

package boot

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"github.com/uklemu/uklemu/emu/x86"
)

// bzImage is a compressed Linux with its own decompressor, entered by the
// 64-bit boot protocol: 0x200 bytes into the protected-mode part (boot.rst,
// "64-bit BOOT PROTOCOL"). The real-mode part only lends its setup header.
type bzImage struct {
	header      []byte // the file from setup_sects to the header's end
	code        Range  // the protected-mode part, in the file
	version     string
	preferred   uint64
	initSize    uint64
	alignment   uint64
	relocatable bool
	initrdMost  uint64
	lineMost    int
}

func (bzImage) name() string { return ProtocolBzImage }

const (
	entry64         = 0x200
	sector          = 512
	defaultSectors  = 4
	headerLead      = offHeaderEnd // as much of the file as can hold the header
	version64       = 0x020c       // the first with xloadflags
	versionMost     = 256          // bytes of the version string
	sensibleAligned = 1 << 30
)

func recogniseBzImage(img *Image) (protocol, *Error) {
	var lead [headerLead]byte
	if img.elf != nil || !img.has(0, offMagic+4) {
		return nil, nil
	}
	n := min(img.size, headerLead)
	if err := img.read(lead[:n], 0, "the setup header"); err != nil {
		return nil, err
	}
	if string(lead[offMagic:offMagic+4]) != headerMagic {
		return nil, nil
	}
	le := binary.LittleEndian
	if flag := le.Uint16(lead[offBootFlag:]); flag != bootFlag {
		return nil, img.headerError("boot_flag", offBootFlag, hex(uint64(flag)), "0xaa55")
	}
	if n < offInitSize+4 {
		return nil, img.error(Error{Err: ErrTruncated, Where: at("the setup header", offSetupSects), Found: fmt.Sprintf("cut off at %#x", n)})
	}
	if v := le.Uint16(lead[offVersion:]); v < version64 {
		return nil, img.headerError("version", offVersion, fmt.Sprintf("%d.%02d", v>>8, v&0xff), "2.12 or later, which has a 64-bit entry")
	}
	if flags := lead[offLoadFlags]; flags&loadedHigh == 0 {
		return nil, img.headerError("loadflags", offLoadFlags, hex(uint64(flags)), "LOADED_HIGH (bit 0): a bzImage, not a zImage")
	}
	if flags := le.Uint16(lead[offXLoadFlags:]); flags&kernel64 == 0 {
		return nil, img.headerError("xloadflags", offXLoadFlags, hex(uint64(flags)), "XLF_KERNEL_64 (bit 0): a 64-bit kernel")
	}
	return img.readSetup(lead[:])
}

func (img *Image) headerError(field string, offset uint64, found, want string) *Error {
	return img.error(Error{Err: ErrHeader, Where: at(field, offset), Found: found, Want: want})
}

// readSetup reads the fields of a header that is known to be one.
func (img *Image) readSetup(lead []byte) (protocol, *Error) {
	le := binary.LittleEndian
	// The header ends at 0x202 plus the offset of the jump over it (boot.rst).
	end := offMagic + int(lead[offJump+1])
	if end < offInitSize+4 || end > offHeaderEnd {
		return nil, img.headerError("jump", offJump, hex(uint64(lead[offJump+1])), "a header that ends between 0x264 and 0x290")
	}
	sectors := uint64(lead[offSetupSects])
	if sectors == 0 {
		sectors = defaultSectors
	}
	start := (sectors + 1) * sector
	size := uint64(le.Uint32(lead[offSysSize:])) * 16
	if size <= entry64 {
		return nil, img.headerError("syssize", offSysSize, fmt.Sprintf("%#x bytes", size), "more than 0x200, where the 64-bit entry is")
	}
	// The last paragraph may be cut short: build.c rounds the size up.
	if start > img.size || size > (img.size-start+15)&^15 {
		return nil, img.error(Error{Err: ErrTruncated, Where: at("syssize", offSysSize),
			Found: fmt.Sprintf("%#x bytes from offset %#x, and the file ends at %#x", size, start, img.size)})
	}
	b := bzImage{
		header:      bytes.Clone(lead[offSetupSects:end]),
		code:        Range{start, min(start+size, img.size)},
		preferred:   le.Uint64(lead[offPreferred:]),
		initSize:    uint64(le.Uint32(lead[offInitSize:])),
		alignment:   uint64(le.Uint32(lead[offAlignment:])),
		relocatable: lead[offRelocatable] != 0,
		initrdMost:  uint64(le.Uint32(lead[offInitrdMax:])),
		lineMost:    int(le.Uint32(lead[offCommandLineMax:])),
	}
	if a := b.alignment; a < page || a > sensibleAligned || a&(a-1) != 0 {
		return nil, img.headerError("kernel_alignment", offAlignment, hex(a), "a power of two from 0x1000 to 0x40000000")
	}
	var err *Error
	b.version, err = img.setupVersion(uint64(le.Uint16(lead[offKernelVersion:])), start)
	return b, err
}

// setupVersion reads the version string: kernel_version points at it, less
// 0x200, within the real-mode part.
func (img *Image) setupVersion(pointer, end uint64) (string, *Error) {
	where := pointer + offJump
	if pointer == 0 || where >= end {
		return "", nil
	}
	text := make([]byte, min(versionMost, end-where))
	if err := img.read(text, where, "kernel_version"); err != nil {
		return "", err
	}
	text, _, _ = bytes.Cut(text, []byte{0})
	return string(text), nil
}

func (b bzImage) load(l *loader) (x86.State, error) {
	where, err := b.place(l)
	if err != nil {
		return x86.State{}, err
	}
	if err := l.copyFile(b.code.Start, b.code.End-b.code.Start, where); err != nil {
		return x86.State{}, err
	}
	zero := newZeroPage()
	copy(zero[offSetupSects:], b.header)
	zero.put32(offCode32, uint32(where))
	return l.enterLinux(zero, where+entry64, b.lineMost, b.initrdMost+1)
}

// place claims room for the kernel while it unpacks itself: init_size bytes,
// at pref_address if they are free, else, if the kernel is relocatable, at
// the first aligned address where they are. A kernel loaded below its
// pref_address moves itself there, so the search begins at it.
func (b bzImage) place(l *loader) (uint64, error) {
	size := max(b.initSize, b.code.End-b.code.Start)
	if b.preferred+size < b.preferred {
		return 0, &Error{Err: ErrOutside, Where: at("pref_address", offPreferred), Found: hex(b.preferred)}
	}
	const owner = "the kernel with room to unpack itself (init_size)"
	r := Range{b.preferred, b.preferred + size}
	if b.relocatable {
		if free, ok := l.lowest(size, b.alignment, b.preferred); ok {
			r = free
		}
	}
	if err := l.claim(r, owner); err != nil {
		return 0, err
	}
	return r.Start, nil
}
