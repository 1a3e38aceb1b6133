// SPDX-License-Identifier: GPL-2.0-or-later

// Package boot reads the files that a machine is started from and puts them
// into its memory the way a boot loader would: a Linux vmlinux or bzImage by
// the 64-bit boot protocol, a multiboot 1 or PVH kernel, a plain ELF64.
package boot

import "github.com/uklemu/uklemu/emu/x86"

// Memory is the guest's physical memory while it is being filled. RAM is
// contiguous from 0 to Size.
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
	// its ACPI tables.
	Reserved []Range
}

// Range is [Start, End) in physical bytes.
type Range struct{ Start, End uint64 }

// Entry is the state in which the boot protocol enters the kernel.
type Entry struct {
	State    x86.State
	Protocol string
}
