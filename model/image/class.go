// SPDX-License-Identifier: GPL-2.0-or-later

package image

// Class is whose code an address is.
type Class uint8

const (
	Outside     Class = iota // not in the image's code: the lower half, data, modules
	Application              // the application that is linked into the kernel
	Kernel                   // the kernel, but for
	EntryText                // its .entry.text, that runs with any GS base, stack and mark
)

func (c Class) String() string {
	return [...]string{"outside", "application", "kernel", "entry text"}[c&3]
}

// Class says whose code is at an address.
func (i *Image) Class(rip uint64) Class { return Outside }

// Noinstr says whether an address is in .noinstr.text: C code of the kernel
// (class Kernel) that may run before the entry is complete.
func (i *Image) Noinstr(rip uint64) bool { return false }
