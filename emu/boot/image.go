// SPDX-License-Identifier: GPL-2.0-or-later

package boot

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strings"

	"github.com/uklemu/uklemu/emu/x86"
)

// Image is a file that a machine can be started from.
type Image struct {
	file
	elf     *elfFile // nil if it is not an ELF file
	offered []protocol
	refused map[string]*Error // protocols that the image asks for in a way we can't serve
	closer  io.Closer
}

// protocol is one way to start an image: a file each.
type protocol interface {
	name() string
	load(l *loader) (x86.State, error)
}

// recognisers are asked in order; the order is that of preference. Each
// returns nil, nil for an image that is none of its business.
var recognisers = []struct {
	name      string
	recognise func(*Image) (protocol, *Error)
}{
	{ProtocolLinux, recogniseLinux},
	{ProtocolBzImage, recogniseBzImage},
	{ProtocolPVH, recognisePVH},
	{ProtocolMultiboot, recogniseMultiboot},
	{ProtocolELF, recogniseELF},
}

// Open reads the headers of the image at path. The error is an [*Error] that
// wraps one of this package's sentinels. Close the image when it is loaded.
func Open(path string) (*Image, error) {
	// Asked before the file is opened: opening a named pipe waits for a writer.
	info, err := os.Stat(path)
	if err != nil {
		return nil, &Error{File: path, Err: ErrUnreadable, Cause: reason(err)}
	}
	if info.IsDir() {
		return nil, &Error{File: path, Err: ErrDirectory, Want: "a kernel image, such as the vmlinux in it"}
	}
	if !info.Mode().IsRegular() {
		return nil, &Error{File: path, Err: ErrUnreadable, Found: "a " + kindOf(info.Mode()), Want: "a regular file"}
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, &Error{File: path, Err: ErrUnreadable, Cause: reason(err)}
	}
	img, err := Parse(path, f, info.Size())
	if err != nil {
		f.Close()
		return nil, err
	}
	img.closer = f
	return img, nil
}

func kindOf(mode os.FileMode) string {
	switch {
	case mode&os.ModeNamedPipe != 0:
		return "named pipe"
	case mode&os.ModeSocket != 0:
		return "socket"
	case mode&os.ModeDevice != 0:
		return "device"
	}
	return "special file"
}

// reason drops the path that an *os.PathError repeats.
func reason(err error) error {
	var path *os.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}

// Parse reads the headers of an image of size bytes. The reader stays in use
// until the image is loaded. name is for messages.
func Parse(name string, r io.ReaderAt, size int64) (*Image, error) {
	img := &Image{file: file{name: name, r: r}, refused: map[string]*Error{}}
	if size <= 0 {
		return nil, img.error(Error{Err: ErrEmpty, Want: accepted})
	}
	img.size = uint64(size)
	elf, e := parseELF(&img.file)
	if e != nil {
		return nil, e
	}
	img.elf = elf
	for _, known := range recognisers {
		p, refusal := known.recognise(img)
		switch {
		case refusal != nil && refusal.unreadable():
			return nil, refusal
		case refusal != nil:
			img.refused[known.name] = refusal
		case p != nil:
			img.offered = append(img.offered, p)
		}
	}
	if len(img.offered) == 0 {
		return nil, img.nothingOffered()
	}
	return img, nil
}

// nothingOffered picks the refusal that says most.
func (img *Image) nothingOffered() *Error {
	for _, known := range recognisers {
		if refusal := img.refused[known.name]; refusal != nil {
			return refusal
		}
	}
	return img.foreign()
}

// Name is the image's file name as it was given.
func (img *Image) Name() string { return img.name }

// Size is that of the file, in bytes.
func (img *Image) Size() int64 { return int64(img.size) }

// ReadAt reads from the file.
func (img *Image) ReadAt(p []byte, offset int64) (int, error) { return img.r.ReadAt(p, offset) }

// IsELF says whether the file is an ELF file, so that it can have symbols.
func (img *Image) IsELF() bool { return img.elf != nil }

// Class is "ELF64", "ELF32", "bzImage" or "flat".
func (img *Image) Class() string {
	switch {
	case img.elf != nil && img.elf.is64:
		return "ELF64"
	case img.elf != nil:
		return "ELF32"
	case img.offered[0].name() == ProtocolBzImage:
		return "bzImage"
	}
	return "flat"
}

// Protocols are the boot protocols that the image offers, the preferred one
// first.
func (img *Image) Protocols() []string {
	names := make([]string, len(img.offered))
	for i, p := range img.offered {
		names[i] = p.name()
	}
	return names
}

// Entry is e_entry of an ELF image, 0 for others.
func (img *Image) Entry() uint64 {
	if img.elf == nil {
		return 0
	}
	return img.elf.entry
}

// Close closes the file that [Open] opened.
func (img *Image) Close() error {
	if img.closer == nil {
		return nil
	}
	return img.closer.Close()
}

// choose finds the protocol that the options name.
func (img *Image) choose(name string) (protocol, *Error) {
	if name == "" {
		return img.offered[0], nil
	}
	for _, p := range img.offered {
		if p.name() == name {
			return p, nil
		}
	}
	if refusal := img.refused[name]; refusal != nil {
		return nil, refusal
	}
	return nil, img.error(Error{Err: ErrProtocol, Found: fmt.Sprintf("%q", name), Want: strings.Join(img.Protocols(), ", ")})
}

// file is the image's bytes, with errors that know its name.
type file struct {
	name string
	r    io.ReaderAt
	size uint64
}

func (f *file) error(e Error) *Error {
	e.File = f.name
	return &e
}

// unreadable tells an input error from a refusal.
func (e *Error) unreadable() bool { return errors.Is(e, ErrUnreadable) }

// has says whether [offset, offset+n) is in the file.
func (f *file) has(offset, n uint64) bool {
	return offset <= f.size && n <= f.size-offset
}

// read fills p from offset, which the caller has checked with has, or says
// that the file is truncated in the field named.
func (f *file) read(p []byte, offset uint64, field string) *Error {
	if !f.has(offset, uint64(len(p))) || offset > math.MaxInt64 {
		return f.error(Error{Err: ErrTruncated, Where: at(field, offset),
			Found: fmt.Sprintf("%d bytes long, and the file ends at %#x", len(p), f.size)})
	}
	n, err := f.r.ReadAt(p, int64(offset))
	if n == len(p) {
		return nil
	}
	if err == nil || errors.Is(err, io.EOF) {
		// The file became shorter since its size was asked.
		return f.error(Error{Err: ErrTruncated, Where: at(field, offset)})
	}
	return f.error(Error{Err: ErrUnreadable, Where: at(field, offset), Cause: reason(err)})
}
