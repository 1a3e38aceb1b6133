// SPDX-License-Identifier: GPL-2.0-or-later

package boot

import (
	"encoding/binary"
	"fmt"

	"github.com/uklemu/uklemu/emu/x86"
)

// linuxELF starts a vmlinux by the 64-bit boot protocol of the kernel's
// Documentation/x86/boot.rst, as if a decompressor had just unpacked it: its
// segments at their physical addresses, the zero page in RSI, the first 4 GiB
// mapped one to one, a GDT with __BOOT_CS and __BOOT_DS, interrupts off.
type linuxELF struct{ entry uint64 }

func (linuxELF) name() string { return ProtocolLinux }

func recogniseLinux(img *Image) (protocol, *Error) {
	if img.elf == nil {
		return nil, nil
	}
	version, err := img.LinuxVersion()
	if err != nil || version == "" && !img.hasNote("Linux") {
		return nil, asError(err)
	}
	if !img.elf.is64 {
		return nil, img.error(Error{Err: ErrClass, Where: at("EI_CLASS", 4), Found: "1 (a 32-bit Linux)", Want: "2 (an x86-64 kernel)"})
	}
	entry, refusal := img.elf.physicalEntry(&img.file)
	if refusal != nil {
		return nil, refusal
	}
	return linuxELF{entry}, nil
}

func asError(err error) *Error {
	e, _ := err.(*Error)
	return e
}

// Limits of a vmlinux that has no setup header to say so: COMMAND_LINE_SIZE
// less its zero (arch/x86/include/asm/setup.h), and initrd_addr_max of
// arch/x86/boot/header.S.
const (
	commandLineMost = 2047
	initrdMost      = 0x7fffffff
)

func (p linuxELF) load(l *loader) (x86.State, error) {
	if err := l.loadSegments(); err != nil {
		return x86.State{}, err
	}
	zero := newZeroPage()
	zero.describeELF()
	return l.enterLinux(zero, p.entry, commandLineMost, initrdMost+1)
}

// enterLinux does what both forms of a Linux image have in common.
func (l *loader) enterLinux(zero *zeroPage, entry uint64, commandLine int, initrdLimit uint64) (x86.State, error) {
	initrd, err := l.putInitrdHigh(initrdLimit)
	if err != nil {
		return x86.State{}, err
	}
	line, err := l.putCommandLine(commandLine)
	if err != nil {
		return x86.State{}, err
	}
	if line > 0xffffffff {
		return x86.State{}, &Error{Err: ErrMemory, Where: "the command line"}
	}
	if err := zero.memoryMap(l.memoryMap()); err != nil {
		return x86.State{}, err
	}
	zero.goesAlong(line, initrd, l.opts.RSDP)
	params, err := l.put(zero[:], page, "the zero page")
	if err != nil {
		return x86.State{}, err
	}
	cr3, err := l.putTables(identityTables())
	if err != nil {
		return x86.State{}, err
	}
	state, err := l.long64(entry, cr3)
	state.GPR[x86.RSI] = params
	return state, err
}

// zeroPage is struct boot_params (Documentation/x86/zero-page.rst), with the
// setup header at its place in it (boot.rst, "The Real-Mode Kernel Header").
type zeroPage [page]byte

// Fields of the zero page and of the setup header.
const (
	offRSDP           = 0x070 // acpi_rsdp_addr
	offE820Entries    = 0x1e8
	offSetupSects     = 0x1f1
	offSysSize        = 0x1f4
	offVidMode        = 0x1fa
	offBootFlag       = 0x1fe
	offJump           = 0x200
	offMagic          = 0x202
	offVersion        = 0x206
	offKernelVersion  = 0x20e
	offLoaderType     = 0x210
	offLoadFlags      = 0x211
	offCode32         = 0x214
	offRamdisk        = 0x218
	offRamdiskSize    = 0x21c
	offCommandLine    = 0x228
	offInitrdMax      = 0x22c
	offAlignment      = 0x230
	offRelocatable    = 0x234
	offXLoadFlags     = 0x236
	offCommandLineMax = 0x238
	offPreferred      = 0x258
	offInitSize       = 0x260
	offHeaderEnd      = 0x290 // edd_mbr_sig_buffer: the header has ended
	offE820           = 0x2d0
)

const (
	headerMagic     = "HdrS"
	bootFlag        = 0xaa55
	loadedHigh      = 1 << 0 // loadflags
	kernel64        = 1 << 0 // xloadflags
	undefinedLoader = 0xff
	normalVideo     = 0xffff
	e820Most        = 128 // E820_MAX_ENTRIES_ZEROPAGE
)

func newZeroPage() *zeroPage { return new(zeroPage) }

func (z *zeroPage) put16(offset int, v uint16) { binary.LittleEndian.PutUint16(z[offset:], v) }
func (z *zeroPage) put32(offset int, v uint32) { binary.LittleEndian.PutUint32(z[offset:], v) }
func (z *zeroPage) put64(offset int, v uint64) { binary.LittleEndian.PutUint64(z[offset:], v) }

// describeELF writes the setup header that the vmlinux itself does not have.
func (z *zeroPage) describeELF() {
	z.put16(offBootFlag, bootFlag)
	copy(z[offMagic:], headerMagic)
	z.put16(offVersion, 0x020f) // 2.15
	z[offLoadFlags] = loadedHigh
	z.put16(offXLoadFlags, kernel64)
	z.put32(offInitrdMax, initrdMost)
	z.put32(offCommandLineMax, commandLineMost)
}

// goesAlong writes what the loader tells the kernel.
func (z *zeroPage) goesAlong(line uint64, initrd Range, rsdp uint64) {
	z[offLoaderType] = undefinedLoader
	z.put16(offVidMode, normalVideo)
	z.put64(offRSDP, rsdp)
	z.put32(offCommandLine, uint32(line))
	// The initrd is below 4 GiB, so the high halves stay zero.
	z.put32(offRamdisk, uint32(initrd.Start))
	z.put32(offRamdiskSize, uint32(initrd.End-initrd.Start))
}

// memoryMap writes the e820 table.
func (z *zeroPage) memoryMap(entries []mapEntry) error {
	if len(entries) > e820Most {
		return &Error{Err: ErrMemory, Where: "the memory map", Found: fmt.Sprintf("%d ranges", len(entries)), Want: fmt.Sprintf("at most %d", e820Most)}
	}
	z[offE820Entries] = byte(len(entries))
	for i, e := range entries {
		b := z[offE820+20*i:]
		binary.LittleEndian.PutUint64(b, e.Start)
		binary.LittleEndian.PutUint64(b[8:], e.End-e.Start)
		binary.LittleEndian.PutUint32(b[16:], e.kind)
	}
	return nil
}
