// SPDX-License-Identifier: GPL-2.0-or-later

package image

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

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
// goroutines. What it returns is shared: callers must not change it.
type Image struct {
	Name    string
	Symbols *symbols.Table
	// Types is nil if the image describes none; TypesError says why.
	Types      *ctypes.Types
	TypesError error
	Version    Version
	// Config is the options of the configuration, "CONFIG_" included, strings
	// without their quotes. If ConfigComplete, the image has its configuration
	// in it, and an option that is not here is not set; else these are those
	// that its symbols give away. See [Image.Known].
	Config         map[string]string
	ConfigComplete bool
	UKL            UKL

	file       *elfFile
	closer     io.Closer
	pieces     []piece
	gsBase     uint64 // of CPU 0
	smp        bool
	code       []Range // all of it
	entryText  []Range
	noinstr    []Range
	app        *App
	fixups     func() []Fixup
	entries    func() []Entry
	uses       func() findings
	executable []section
	offsets    sync.Map // answers of Offset, by structure and field
}

// Open reads a vmlinux. The error wraps ErrNotKernel, ErrMalformed or
// ErrNoSymbols, or is the file system's.
func Open(path string) (*Image, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	i, err := openFile(f)
	if err != nil {
		f.Close()
		return nil, err
	}
	i.closer = f
	return i, nil
}

func openFile(f *os.File) (*Image, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: %w: it is not a file", f.Name(), ErrNotKernel)
	}
	return Read(f, info.Size(), f.Name())
}

// Read reads a vmlinux of size bytes; name is for messages. The reader stays
// in use. The errors are those of Open.
func Read(r io.ReaderAt, size int64, name string) (*Image, error) {
	i, err := read(r, size)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	i.Name = name
	return i, nil
}

func read(r io.ReaderAt, size int64) (*Image, error) {
	file, err := openELF(r, size)
	if err != nil {
		return nil, err
	}
	table, err := symbols.Load(r, size)
	if errors.Is(err, symbols.ErrNoSymbols) {
		return nil, fmt.Errorf("%w: it was stripped; a vmlinux as the build leaves it is needed", ErrNoSymbols)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	i := &Image{Symbols: table, file: file, pieces: file.pieces(), executable: executable(table)}
	i.Types, i.TypesError = file.readTypes()
	i.Version = i.readVersion()
	i.readConfig()
	i.readPerCPU()
	i.app = i.readApplication()
	i.classify()
	i.fixups = sync.OnceValue(i.readExceptionTable)
	i.entries = sync.OnceValue(i.readEntries)
	i.uses = sync.OnceValue(i.findUses)
	i.UKL = i.readUKL()
	return i, nil
}

// Close ends the use of the file that Open opened.
func (i *Image) Close() error {
	if i.closer == nil {
		return nil
	}
	return i.closer.Close()
}

// Address is that of a symbol.
func (i *Image) Address(name string) (uint64, bool) { return i.Symbols.Address(name) }

// Offset is that of a field in a structure, nested ones with dots:
// Offset("task_struct", "thread.sp").
func (i *Image) Offset(structure, field string) (int64, bool) {
	if i.Types == nil {
		return 0, false
	}
	key := [2]string{structure, field}
	if known, ok := i.offsets.Load(key); ok { // it is asked for at every other event
		o := known.(offset)
		return o.at, o.ok
	}
	at, ok := i.Types.Offset(structure, field)
	i.offsets.Store(key, offset{at, ok})
	return at, ok
}

// offset is an answer of [Image.Offset].
type offset struct {
	at int64
	ok bool
}
