// SPDX-License-Identifier: GPL-2.0-or-later

package boot

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// accepted is what Parse takes, for messages.
const accepted = "an x86-64 ELF image (vmlinux or freestanding), a bzImage, a PVH or multiboot 1 kernel"

// signature is a kind of file that people take for a kernel.
type signature struct {
	offset int
	bytes  string
	err    error
	what   string
	want   string
}

var signatures = []signature{
	{0, "\x1f\x8b", ErrCompressed, "a gzip stream", "the file that gunzip makes of it"},
	{0, "\xfd7zXZ\x00", ErrCompressed, "an xz stream", "the file that unxz makes of it"},
	{0, "\x28\xb5\x2f\xfd", ErrCompressed, "a zstd stream", "the file that unzstd makes of it"},
	{0, "BZh", ErrCompressed, "a bzip2 stream", "the file that bunzip2 makes of it"},
	{0, "\x04\x22\x4d\x18", ErrCompressed, "an lz4 stream", "the file that unlz4 makes of it"},
	{0, "\x02\x21\x4c\x18", ErrCompressed, "an lz4 stream (legacy frame)", "the file that unlz4 makes of it"},
	{0, "\x89LZO\x00", ErrCompressed, "an lzop stream", "the file that lzop -d makes of it"},
	{0, "\x5d\x00\x00", ErrCompressed, "an lzma stream", "the file that unlzma makes of it"},
	{0, "PK\x03\x04", ErrCompressed, "a zip archive", "the kernel in it"},
	{0, "\xcf\xfa\xed\xfe", ErrForeign, "a Mach-O executable (64-bit)", accepted},
	{0, "\xce\xfa\xed\xfe", ErrForeign, "a Mach-O executable (32-bit)", accepted},
	{0, "\xca\xfe\xba\xbe", ErrForeign, "a Mach-O universal binary or a Java class", accepted},
	{0, "MZ", ErrForeign, "a PE or DOS executable", accepted},
	{0, "070701", ErrNotKernel, "a cpio archive, as an initrd is", accepted},
	{0, "070702", ErrNotKernel, "a cpio archive, as an initrd is", accepted},
	{0, "!<arch>\n", ErrNotKernel, "an archive of object files", accepted},
	{0, "#!", ErrNotKernel, "a script", accepted},
	{0, "QFI\xfb", ErrNotKernel, "a qcow2 disk", accepted},
	{0, "BC\xc0\xde", ErrNotKernel, "LLVM bitcode", accepted},
	{32769, "CD001", ErrNotKernel, "an ISO 9660 disk", "the kernel on it"},
	{257, "ustar", ErrNotKernel, "a tar archive", "the kernel in it"},
}

// multiboot2Magic is looked for to say that it is not multiboot 1.
const multiboot2Magic = 0xE85250D6

// foreign says what a file is that no protocol wanted.
func (img *Image) foreign() *Error {
	for _, s := range signatures {
		found := make([]byte, len(s.bytes))
		if !img.has(uint64(s.offset), uint64(len(found))) {
			continue
		}
		if err := img.read(found, uint64(s.offset), "the first bytes"); err != nil {
			return err
		}
		if string(found) == s.bytes {
			return img.error(Error{Err: s.err, Found: s.what, Want: s.want})
		}
	}
	lead := make([]byte, min(img.size, 16))
	if err := img.read(lead, 0, "the first bytes"); err != nil {
		return err
	}
	var magic [4]byte
	binary.LittleEndian.PutUint32(magic[:], multiboot2Magic)
	if bytes.HasPrefix(lead, magic[:]) {
		return img.error(Error{Err: ErrNotKernel, Found: "a flat multiboot 2 image", Want: accepted})
	}
	return img.error(Error{Err: ErrNotKernel, Found: fmt.Sprintf("a file that begins with % x", lead), Want: accepted})
}
