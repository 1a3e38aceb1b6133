// SPDX-License-Identifier: GPL-2.0-or-later

// Package boot reads the files that a machine is started from and puts them
// into its memory the way a boot loader would: a Linux vmlinux or bzImage by
// the 64-bit boot protocol, a multiboot 1 or PVH kernel, a plain ELF64.
//
//	img, err := boot.Open("vmlinux")
//	entry, err := img.Load(memory, boot.Options{CommandLine: "console=ttyS0"})
//	// entry.State is what the CPU starts with
//
// A file is hostile until proven otherwise: nothing is allocated, read or
// written on the word of a header before the header has been checked against
// the file's size and the machine's memory. Whatever the bytes, the answer is
// an image or an [*Error] that says where the file departs from what would be
// accepted. The standard library's debug/elf makes no such promise (its
// documentation says so), which is why the few fields that loading needs are
// read here.
package boot

import "github.com/uklemu/uklemu/emu/x86"

// The protocols, in the order in which [Image.Load] prefers them.
const (
	ProtocolLinux     = "linux"     // Linux 64-bit boot protocol, from the ELF vmlinux
	ProtocolBzImage   = "bzimage"   // the same, from a bzImage that decompresses itself
	ProtocolPVH       = "pvh"       // Xen's PVH direct boot, 32-bit entry
	ProtocolMultiboot = "multiboot" // multiboot 1, 32-bit entry
	ProtocolELF       = "elf"       // a plain ELF64, entered in 64-bit mode with a stack
)

// Memory is the guest's physical memory while it is being filled. RAM is
// contiguous from 0 to Size and reads as zero where nothing was written: what
// a segment has beyond its bytes in the file is not written.
type Memory interface {
	Size() uint64 // in bytes
	WriteAt(p []byte, physical int64) (int, error)
}

// Options say what goes along with the kernel.
type Options struct {
	Initrd      []byte
	CommandLine string
	// Protocol forces one; empty means the first that the image offers.
	Protocol string
	// RSDP is the physical address of the ACPI root pointer, 0 for none.
	RSDP uint64
	// Reserved are ranges of RAM that the firmware keeps for itself, such as
	// its ACPI tables. Nothing is loaded there, and the memory map that the
	// kernel is given names them as reserved.
	Reserved []Range
}

// Range is [Start, End) in physical bytes.
type Range struct{ Start, End uint64 }

// Entry is the state in which the boot protocol enters the kernel.
type Entry struct {
	State    x86.State
	Protocol string
}
