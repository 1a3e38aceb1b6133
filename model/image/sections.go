// SPDX-License-Identifier: GPL-2.0-or-later

package image

import (
	"bytes"
	"debug/elf"
	"fmt"
	"io"
)

// Limits on what is read of one section, decompressed. A distribution's kernel
// has 300 MB of .debug_info.
const (
	sectionMost  = 1 << 30
	sectionsMost = 10_000
	ratioMost    = 2048 // more than deflate can do
)

// elfFile is the file behind an image. debug/elf is not made for hostile
// files: what it would allocate by is checked before it is asked, and its
// panics are errors.
type elfFile struct {
	*elf.File
	r    io.ReaderAt
	size uint64
}

func openELF(r io.ReaderAt, size int64) (f *elfFile, err error) {
	defer func() {
		if p := recover(); p != nil {
			f, err = nil, fmt.Errorf("%w: %v", ErrMalformed, p)
		}
	}()
	var ident [elf.EI_NIDENT]byte
	if n, _ := r.ReadAt(ident[:min(int64(len(ident)), max(size, 0))], 0); !bytes.HasPrefix(ident[:n], []byte(elf.ELFMAG)) {
		return nil, fmt.Errorf("%w: it is not an ELF file; a vmlinux is, a bzImage is not", ErrNotKernel)
	}
	file, err := elf.NewFile(io.NewSectionReader(r, 0, size))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	switch {
	case file.Machine != elf.EM_X86_64 || file.Class != elf.ELFCLASS64:
		return nil, fmt.Errorf("%w: it is for %v, %v", ErrNotKernel, file.Machine, file.Class)
	case file.Type != elf.ET_EXEC && file.Type != elf.ET_DYN:
		return nil, fmt.Errorf("%w: it is of type %v, not linked (ET_EXEC)", ErrNotKernel, file.Type)
	case len(file.Sections) > sectionsMost:
		return nil, fmt.Errorf("%w: %d sections, more than %d", ErrMalformed, len(file.Sections), sectionsMost)
	}
	return &elfFile{File: file, r: r, size: uint64(size)}, nil
}

// data reads a section, decompressed; nil if there is none of the name.
func (f *elfFile) data(name string) (b []byte, err error) {
	s, err := f.checked(name)
	if s == nil || err != nil {
		return nil, err
	}
	defer func() {
		if p := recover(); p != nil {
			b, err = nil, fmt.Errorf("%w: section %s: %v", ErrMalformed, name, p)
		}
	}()
	if b, err = s.Data(); err != nil {
		return nil, fmt.Errorf("%w: section %s: %w", ErrMalformed, name, err)
	}
	return b, nil
}

// reader is a section without reading it, unless it is compressed.
func (f *elfFile) reader(name string) (*io.SectionReader, error) {
	s, err := f.checked(name)
	if s == nil || err != nil {
		return nil, err
	}
	if s.Flags&elf.SHF_COMPRESSED == 0 {
		return io.NewSectionReader(f.r, int64(s.Offset), int64(s.FileSize)), nil
	}
	b, err := f.data(name)
	if err != nil {
		return nil, err
	}
	return io.NewSectionReader(bytes.NewReader(b), 0, int64(len(b))), nil
}

// checked makes sure that reading a section allocates what the file warrants.
func (f *elfFile) checked(name string) (*elf.Section, error) {
	s := f.Section(name)
	if s == nil || s.Type == elf.SHT_NOBITS {
		return nil, nil
	}
	if s.Offset > f.size || s.FileSize > f.size-s.Offset {
		return nil, fmt.Errorf("%w: section %s ends beyond the file", ErrMalformed, name)
	}
	if s.Size > sectionMost || s.Size/ratioMost > s.FileSize {
		return nil, fmt.Errorf("%w: section %s claims %d bytes", ErrMalformed, name, s.Size)
	}
	return s, nil
}
