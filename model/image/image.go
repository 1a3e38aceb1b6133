// SPDX-License-Identifier: GPL-2.0-or-later

package image

import (
	"errors"
	"io"

	"github.com/uklemu/uklemu/emu/symbols"
	"github.com/uklemu/uklemu/model/ctypes"
)

var (
	// ErrNotKernel is for a file that is no ELF image, or none for x86-64.
	ErrNotKernel = errors.New("not an x86-64 vmlinux")
	// ErrMalformed is for an ELF image that can't be read.
	ErrMalformed = errors.New("malformed image")
	// ErrNoSymbols is for an image without symbols, without which there is
	// nothing to be said of a kernel.
	ErrNoSymbols = symbols.ErrNoSymbols
)

// Memory is what a machine's memory is read through, by linear address.
type Memory interface {
	ReadMemory(address uint64, p []byte) (int, error)
}

// Image is a kernel's vmlinux. It does not change, and may be used by several
// goroutines.
type Image struct {
	Name    string
	Symbols *symbols.Table
	// Types is nil if the image describes none; TypesError says why.
	Types      *ctypes.Types
	TypesError error
	Version    Version
	// Config is the options of the configuration, "CONFIG_" included. If
	// ConfigComplete, the image has its configuration in it, and an option
	// that is not here is not set; else these are the ones that its symbols
	// give away.
	Config         map[string]string
	ConfigComplete bool
	UKL            UKL
}

// Range is a piece of the address space, End excluded.
type Range struct{ Start, End uint64 }

// Contains says whether an address is in the range.
func (r Range) Contains(address uint64) bool { return address >= r.Start && address < r.End }

// Size is in bytes.
func (r Range) Size() uint64 { return r.End - r.Start }

// Open reads a vmlinux. The error wraps ErrNotKernel, ErrMalformed or
// ErrNoSymbols, or is the file system's.
func Open(path string) (*Image, error) { return nil, ErrNotKernel }

// Read reads a vmlinux of size bytes; name is for messages. The reader stays
// in use.
func Read(r io.ReaderAt, size int64, name string) (*Image, error) { return nil, ErrNotKernel }

// Close ends the use of the file that Open opened.
func (i *Image) Close() error { return nil }

// Address is that of a symbol.
func (i *Image) Address(name string) (uint64, bool) { return i.Symbols.Address(name) }

// Offset is that of a field in a structure, nested ones with dots:
// Offset("task_struct", "thread.sp").
func (i *Image) Offset(structure, field string) (int64, bool) {
	if i.Types == nil {
		return 0, false
	}
	return i.Types.Offset(structure, field)
}

// PerCPU is the offset of a per-CPU variable of CPU 0, to be added to the
// kernel's GS base.
func (i *Image) PerCPU(name string) (offset uint64, ok bool) { return 0, false }

// PerCPUAddress is where a per-CPU variable of the CPU with this kernel GS base
// is. A kernel without SMP has ordinary variables, whatever the GS base is.
func (i *Image) PerCPUAddress(name string, gsBase uint64) (uint64, bool) { return 0, false }

// ReadMemory reads what the image has at a linear address, as linked: zeros in
// .bss. It fails where the image has nothing.
func (i *Image) ReadMemory(address uint64, p []byte) (int, error) { return 0, ErrMalformed }
