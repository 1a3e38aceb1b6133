// SPDX-License-Identifier: GPL-2.0-or-later

package boot

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

func parseBytes(b []byte) (*Image, error) {
	return Parse("image", bytes.NewReader(b), int64(len(b)))
}

// Every file that is not what it should be has its sentinel and its sentence.
func TestUnusableFilesAreRefused(t *testing.T) {
	for _, test := range []struct {
		name string
		file []byte
		err  error
		says string
	}{
		{"empty", nil, ErrEmpty, "image: the file is empty; accepted: an x86-64 ELF image"},
		{"one byte", []byte{0x7f}, ErrNotKernel, "begins with 7f"},
		{"text", []byte("hello, world\n"), ErrNotKernel, "begins with 68 65 6c 6c 6f"},
		{"gzip", []byte("\x1f\x8b\x08\x00rest"), ErrCompressed, "found a gzip stream; accepted: the file that gunzip makes of it"},
		{"xz", []byte("\xfd7zXZ\x00rest"), ErrCompressed, "an xz stream"},
		{"zstd", []byte("\x28\xb5\x2f\xfdrest"), ErrCompressed, "a zstd stream"},
		{"PE", append([]byte("MZ"), make([]byte, 1024)...), ErrForeign, "a PE or DOS executable"},
		{"Mach-O", []byte("\xcf\xfa\xed\xfe\x07\x00\x00\x01"), ErrForeign, "a Mach-O executable (64-bit)"},
		{"initrd", []byte("070701000000"), ErrNotKernel, "a cpio archive"},
		{"tar", append(append(make([]byte, 257), "ustar"...), make([]byte, 300)...), ErrNotKernel, "a tar archive"},
		{"flat multiboot 2", le32(multiboot2Magic), ErrNotKernel, "a flat multiboot 2 image"},

		{"ELF identification cut", vmlinux().bytes()[:12], ErrTruncated, "e_ident (file offset 0x0) is 16 bytes long, and the file ends at 0xc"},
		{"ELF header cut", vmlinux().bytes()[:60], ErrTruncated, "the ELF header"},
		{"ELF class", vmlinux().patched(4, 3), ErrClass, "EI_CLASS (file offset 0x4) is 3; accepted: 2 (64-bit) or 1 (32-bit)"},
		{"ELF byte order", vmlinux().patched(5, 2), ErrMachine, "EI_DATA (file offset 0x5) is 2"},
		{"ELF version", vmlinux().patched(6, 0), ErrHeader, "EI_VERSION"},
		{"another machine", vmlinux().patched(18, 183, 0), ErrMachine, "e_machine (file offset 0x12) is 183 (AArch64); accepted: 62 (x86-64)"},
		{"i386 in ELF64", vmlinux().patched(18, 3, 0), ErrMachine, "3 (i386 in an ELF64)"},
		{"object file", vmlinux().patched(16, 1, 0), ErrNotKernel, "1 (an object file or kernel module)"},
		{"shared object", vmlinux().patched(16, 3, 0), ErrNotKernel, "3 (a shared or position-independent object)"},
		{"core dump", vmlinux().patched(16, 4, 0), ErrNotKernel, "4 (a core dump)"},
		{"unknown type", vmlinux().patched(16, 9, 0), ErrNotKernel, "e_type (file offset 0x10) is 9"},
		{"user program", freestanding().with(func(w *elfWriter) {
			w.segments = append(w.segments, testSegment{typ: segmentInterp, data: []byte("/lib64/ld.so")})
		}), ErrNotKernel, "PT_INTERP"},

		{"no program headers", vmlinux().patched(56, 0, 0), ErrSegment, "e_phnum (file offset 0x38) is 0"},
		{"too many of them", vmlinux().patched(56, 0xff, 0xff), ErrHeader, "more than 65534"},
		{"of another size", vmlinux().patched(54, 32), ErrHeader, "e_phentsize (file offset 0x36) is 32; accepted: 56"},
		{"beyond the file", vmlinux().patched(56, 200), ErrTruncated, "e_phoff (file offset 0x20) is 0x40, and 200 program headers there end beyond"},
		{"at an absurd offset", vmlinux().patched(32, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff), ErrTruncated, "is 0xffffffffffffffff"},
		{"segment beyond the file", vmlinux().patchedHeader(0, 32, le64(1<<40)), ErrTruncated, "p_filesz of segment 0 (file offset 0x60) is 0x10000000000"},
		{"segment at an absurd offset", vmlinux().patchedHeader(0, 8, le64(^uint64(7))), ErrTruncated, "p_filesz of segment 0"},
		{"segment smaller than its contents", vmlinux().patchedHeader(0, 40, le64(3)), ErrSegment, "p_memsz of segment 0 (file offset 0x68) is 0x3"},
		{"segment around the address space", vmlinux().patchedHeader(1, 40, le64(^uint64(0))), ErrSegment, "p_memsz of segment 1 (file offset 0xa0) is 0xffffffffffffffff, which wraps around"},
		{"notes beyond the file", vmlinux().patchedHeader(2, 32, le64(1<<20)), ErrTruncated, "p_filesz of segment 2"},
		{"nothing to load", freestanding().patchedHeader(0, 0, le32(7)), ErrSegment, "no PT_LOAD segment"},
		{"entry outside", freestanding().patched(24, 0, 0, 0, 5), ErrEntry, "e_entry (file offset 0x18) is 0x5000000; accepted: an address in a PT_LOAD segment"},
		{"32-bit Linux", vmlinux().with(func(w *elfWriter) { w.is32 = true; w.segments = w.segments[:2] }), ErrClass, "EI_CLASS (file offset 0x4) is 1 (a 32-bit Linux); accepted: 2 (an x86-64 kernel)"},
		{"ELF32 of no protocol", freestanding().with(func(w *elfWriter) { w.is32 = true }), ErrClass, "neither a multiboot header nor a PVH note"},

		{"bzImage without boot flag", bzFile(bzPayload(), func(b []byte) { b[0x1fe] = 0 }), ErrHeader, "boot_flag (file offset 0x1fe) is 0xaa00; accepted: 0xaa55"},
		{"bzImage cut in its header", bzFile(bzPayload(), nil)[:0x240], ErrTruncated, "the setup header"},
		{"bzImage of old", bzFile(bzPayload(), func(b []byte) { b[0x206] = 5 }), ErrHeader, "version (file offset 0x206) is 2.05; accepted: 2.12 or later"},
		{"zImage", bzFile(bzPayload(), func(b []byte) { b[0x211] = 0 }), ErrHeader, "LOADED_HIGH"},
		{"32-bit bzImage", bzFile(bzPayload(), func(b []byte) { b[0x236] = 0 }), ErrHeader, "xloadflags (file offset 0x236) is 0x0; accepted: XLF_KERNEL_64"},
		{"bzImage with a short header", bzFile(bzPayload(), func(b []byte) { b[0x201] = 0x20 }), ErrHeader, "jump (file offset 0x200)"},
		{"bzImage with a long header", bzFile(bzPayload(), func(b []byte) { b[0x201] = 0xff }), ErrHeader, "jump (file offset 0x200)"},
		{"bzImage without a kernel", bzFile(bzPayload(), func(b []byte) { copy(b[0x1f4:], le32(1)) }), ErrHeader, "syssize (file offset 0x1f4) is 0x10 bytes"},
		{"bzImage cut", bzFile(bzPayload(), nil)[:1500], ErrTruncated, "syssize (file offset 0x1f4) is 0x640 bytes from offset 0x400, and the file ends at 0x5dc"},
		{"bzImage of absurd size", bzFile(bzPayload(), func(b []byte) { copy(b[0x1f4:], le32(^uint32(0))) }), ErrTruncated, "syssize"},
		{"bzImage of all sectors", bzFile(bzPayload(), func(b []byte) { b[0x1f1] = 255 }), ErrTruncated, "from offset 0x20000"},
		{"bzImage of odd alignment", bzFile(bzPayload(), func(b []byte) { b[0x230] = 3 }), ErrHeader, "kernel_alignment (file offset 0x230) is 0x200003"},
		{"bzImage without alignment", bzFile(bzPayload(), func(b []byte) { copy(b[0x230:], le32(0)) }), ErrHeader, "kernel_alignment"},

		{"multiboot with video", multibootELF(true, multibootHeader(7)).bytes(), ErrHeader, "which demands a video mode (bit 2)"},
		{"multiboot with unknown flags", multibootELF(true, multibootHeader(0x18)).bytes(), ErrHeader, "demands features (bits 0x18)"},
		{"multiboot, flat without addresses", multibootHeader(3), ErrHeader, "in a file that is not ELF; accepted: bit 16"},
		{"multiboot, addresses cut", multibootHeader(hasAddresses, 1, 2), ErrTruncated, "the addresses of the multiboot header (file offset 0xc)"},
		{"multiboot, load above header", multibootHeader(hasAddresses, 0x100000, 0x100001, 0, 0, 0), ErrHeader, "load_addr (file offset 0x10)"},
		{"multiboot, load before the file", multibootHeader(hasAddresses, 0x100000, 0xfffff, 0, 0, 0), ErrHeader, "load_addr"},
		{"multiboot, end before start", multibootHeader(hasAddresses, 0x100000, 0x100000, 0x100000, 0, 0), ErrHeader, "load_end_addr (file offset 0x14)"},
		{"multiboot, end beyond the file", multibootHeader(hasAddresses, 0x100000, 0x100000, 0x200000, 0, 0), ErrTruncated, "load_end_addr (file offset 0x14) is 0x200000: 0x100000 bytes from offset 0x0"},
		{"multiboot, bss below the end", multibootHeader(hasAddresses, 0x100000, 0x100000, 0, 0x100001, 0), ErrHeader, "bss_end_addr (file offset 0x18)"},
		{"multiboot, entry outside", multibootHeader(hasAddresses, 0x100000, 0x100000, 0, 0, 0x200000), ErrEntry, "entry_addr (file offset 0x1c) is 0x200000; accepted: an address in [0x100000, 0x100020)"},
	} {
		t.Run(test.name, func(t *testing.T) {
			img, err := parseBytes(test.file)
			require.Nil(t, img)
			require.ErrorIs(t, err, test.err)
			require.ErrorContains(t, err, test.says)
			require.True(t, strings.HasPrefix(err.Error(), "image: "+test.err.Error()), err)
			var typed *Error
			require.ErrorAs(t, err, &typed)
		})
	}
}

// Every length that a good file can be cut to is refused or is still good;
// none makes the parser fall over.
func TestFilesMayEndAnywhere(t *testing.T) {
	for name, b := range map[string][]byte{
		"vmlinux":   vmlinux().bytes(),
		"bzImage":   bzFile(bzPayload(), nil),
		"multiboot": multibootELF(true, multibootHeader(3)).bytes(),
		"flat":      multibootHeader(hasAddresses, 0x100000, 0x100000, 0, 0, 0x100000),
	} {
		for n := range b {
			img, err := parseBytes(b[:n])
			require.Equal(t, err == nil, img != nil, "%s cut to %d", name, n)
		}
	}
}

func TestImagesThatDoNotFitAreRefused(t *testing.T) {
	kernel, plain := vmlinux(), freestanding()
	segment := func(w elfWriter, s testSegment) []byte {
		return w.with(func(w *elfWriter) { w.segments = append(w.segments, s) })
	}
	high := func(virtual, physical, size uint64) []byte {
		return segment(plain, testSegment{virtual: virtual, physical: physical, size: size})
	}
	for _, test := range []struct {
		name   string
		file   []byte
		memory uint64
		opts   Options
		err    error
		says   string
	}{
		{"segment beyond memory", kernel.bytes(), 0x1202000, Options{}, ErrOutside, "segment 1 of the image is at [0x1200000, 0x1205000); accepted: addresses [0x0, 0x1202000)"},
		{"segment above 4 GiB", segment(kernel, testSegment{physical: 1 << 32, size: 1}), 8 << 30, Options{}, ErrOutside, "segment 3"},
		{"absurd segment", segment(kernel, testSegment{physical: 0x2000000, size: 1 << 50}), testMemory, Options{}, ErrOutside, "segment 3"},
		{"segments overlap", segment(kernel, testSegment{physical: 0x1204fff, size: 2}), testMemory, Options{}, ErrOverlap, "segment 3 of the image is at [0x1204fff, 0x1205001), and segment 1 of the image has [0x1200000, 0x1205000)"},
		{"segment in reserved memory", kernel.bytes(), testMemory, Options{Reserved: []Range{{0x1204000, 0x1300000}}}, ErrOverlap, "a range reserved by the firmware has [0x1204000, 0x1300000)"},
		{"initrd larger than memory", kernel.bytes(), 0x1400000, Options{Initrd: make([]byte, 0x1400000)}, ErrInitrd, "20971520 bytes, and no free range below 0x1400000 is as long"},
		{"initrd larger than what is free", kernel.bytes(), 0x1400000, Options{Initrd: make([]byte, 0x1000000)}, ErrInitrd, "the initrd does not fit"},
		{"initrd of a multiboot kernel", multibootELF(true, multibootHeader(0)).bytes(), 0x200000, Options{Initrd: make([]byte, 0x100000)}, ErrInitrd, "the initrd does not fit"},
		{"no room for boot structures", segment(kernel, testSegment{physical: 0, size: 0x9fc00}), 0x1205000, Options{Reserved: []Range{{0x100000, 0x1000000}, {0x1000100, 0x1200000}}}, ErrMemory, "the zero page is 4096 bytes long; accepted: a machine with more memory"},
		{"long command line", kernel.bytes(), testMemory, Options{CommandLine: strings.Repeat("x", 2048)}, ErrCommandLine, "found 2048 bytes; accepted: at most 2047"},
		{"zero in the command line", kernel.bytes(), testMemory, Options{CommandLine: "a\x00b"}, ErrCommandLine, "a zero byte at 1"},
		{"long command line of a bzImage", bzFile(bzPayload(), func(b []byte) { copy(b[0x238:], le32(3)) }), testMemory, Options{CommandLine: "quiet"}, ErrCommandLine, "at most 3"},
		{"unknown protocol", kernel.bytes(), testMemory, Options{Protocol: "uefi"}, ErrProtocol, `found "uefi"; accepted: linux, pvh`},
		{"protocol not offered", kernel.bytes(), testMemory, Options{Protocol: ProtocolELF}, ErrProtocol, `found "elf"`},
		{"memory map too long", kernel.bytes(), testMemory, Options{Reserved: manyRanges(70)}, ErrMemory, "the memory map is 141 ranges; accepted: at most 128"},
		{"bzImage without room to unpack", bzFile(bzPayload(), nil), 0x1700000, Options{}, ErrOutside, "the kernel with room to unpack itself (init_size)"},
		{"bzImage that cannot move", bzFile(bzPayload(), func(b []byte) { b[0x234] = 0 }), testMemory, Options{Reserved: []Range{{0x1100000, 0x1200000}}}, ErrOverlap, "the kernel with room"},
		{"bzImage at an absurd address", bzFile(bzPayload(), func(b []byte) { binary.LittleEndian.PutUint64(b[0x258:], ^uint64(0)) }), testMemory, Options{}, ErrOutside, "pref_address (file offset 0x258)"},
		{"flat multiboot beyond memory", multibootHeader(hasAddresses, 0x100000, 0x100000, 0, 0xffffffff, 0x100000), testMemory, Options{}, ErrOutside, "the image is at"},
		{"high segment not congruent", high(0xffffffff80000001, 0x300000, 1), testMemory, Options{}, ErrSegment, "p_vaddr of segment 1 is 0xffffffff80000001"},
		{"high segment not canonical", high(0x800000000000, 0x300000, 1), testMemory, Options{}, ErrSegment, "a canonical range"},
		{"high segment into the void", high(0x7ffffffff000, 0x300000, 0x2000), testMemory, Options{}, ErrSegment, "a canonical range"},
		{"segment that hides RAM", high(0x400000, 0x300000, 1), testMemory, Options{}, ErrSegment, "p_paddr (0x300000), or an address above the machine's memory (0x8000000)"},
		{"page at two places", plain.with(func(w *elfWriter) {
			w.segments = append(w.segments, testSegment{virtual: 0xffffffff80000000, physical: 0x300000, size: 16},
				testSegment{virtual: 0xffffffff80000100, physical: 0x400100, size: 16})
		}), testMemory, Options{}, ErrOverlap, "the page at virtual 0xffffffff80000000"},
	} {
		t.Run(test.name, func(t *testing.T) {
			entry, err := parse(t, test.file).Load(newMemory(test.memory), test.opts)
			require.Zero(t, entry)
			require.ErrorIs(t, err, test.err)
			require.ErrorContains(t, err, test.says)
			require.True(t, strings.HasPrefix(err.Error(), "image: "), err)
		})
	}
}

func manyRanges(n int) []Range {
	var r []Range
	for i := range uint64(n) {
		r = append(r, Range{0x2000000 + i*0x2000, 0x2001000 + i*0x2000})
	}
	return r[:n-1]
}

func TestFilesThatCannotBeOpenedAreRefused(t *testing.T) {
	folder := t.TempDir()
	empty := filepath.Join(folder, "empty")
	require.NoError(t, os.WriteFile(empty, nil, 0o600))
	pipe := filepath.Join(folder, "pipe")
	require.NoError(t, syscall.Mkfifo(pipe, 0o600))
	for _, test := range []struct {
		path string
		err  error
		says string
	}{
		{filepath.Join(folder, "missing"), ErrUnreadable, "missing: the file cannot be read: no such file or directory"},
		{folder, ErrDirectory, "this is a directory; accepted: a kernel image"},
		{empty, ErrEmpty, "empty: the file is empty"},
		{pipe, ErrUnreadable, "found a named pipe; accepted: a regular file"},
		{os.DevNull, ErrUnreadable, "found a device"},
	} {
		_, err := Open(test.path)
		require.ErrorIs(t, err, test.err)
		require.ErrorContains(t, err, test.says)
	}
}

// failing is a disk that breaks from an offset on.
type failing struct {
	*bytes.Reader
	from int64
}

var errDisk = errors.New("input/output error")

func (f failing) ReadAt(p []byte, offset int64) (int, error) {
	if offset+int64(len(p)) > f.from {
		return 0, errDisk
	}
	return f.Reader.ReadAt(p, offset)
}

func TestReadErrorsAreNotTakenForBadImages(t *testing.T) {
	for name, b := range map[string][]byte{"vmlinux": vmlinux().bytes(), "bzImage": bzFile(bzPayload(), nil), "gzip": []byte("\x1f\x8b\x08\x00rest")} {
		for from := range int64(len(b)) {
			img, err := Parse("image", failing{bytes.NewReader(b), from}, int64(len(b)))
			if err == nil {
				_, err = img.Load(newMemory(testMemory), Options{})
			}
			require.ErrorIs(t, err, ErrUnreadable, "%s from %d", name, from)
			require.ErrorIs(t, err, errDisk)
		}
	}
}

func TestFileThatShrinksIsTruncated(t *testing.T) {
	b := vmlinux().bytes()
	_, err := Parse("image", bytes.NewReader(b[:200]), int64(len(b)))
	require.ErrorIs(t, err, ErrTruncated)
}

func TestOpenedImageIsClosed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "vmlinux")
	require.NoError(t, os.WriteFile(path, vmlinux().bytes(), 0o600))
	img, err := Open(path)
	require.NoError(t, err)
	require.Equal(t, path, img.Name())
	require.NoError(t, img.Close())
	require.NoError(t, parse(t, vmlinux().bytes()).Close())
}
