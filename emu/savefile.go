// SPDX-License-Identifier: GPL-2.0-or-later

package emu

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"
	"reflect"
	"strings"
	"unsafe"
)

// The file of a snapshot, all numbers little endian:
//
//	"uklemu snapshot 3\n"    the version of all that follows
//	parts: name, layout, value, each behind its length in a uint32
//	an empty name, and the checksum of all that came before
//	bundles of pages: how many, how many bytes compressed, their numbers, the
//	    pages compressed (RFC 1951); and the checksum of all that came before
//	a bundle of none, and the checksum of all that came before
//
// A part's layout names the fields of its value, see [layout], or is "text" or
// "bytes". Checksums are SHA-256. So whatever is looked at or expanded has been
// compared with its checksum, and a bundle has at most so many pages:
const bundlePages = 256

// snapshotVersion changes with the format; the magic before it never does.
const (
	snapshotVersion = 3
	snapshotMagic   = "uklemu snapshot "
)

// ErrSnapshotFile is what every refusal of a snapshot's file wraps.
var ErrSnapshotFile = errors.New("not a usable snapshot file")

// Layouts of what is not plain data.
const (
	layoutText  = "text"
	layoutBytes = "bytes"
)

// part is a piece of what a file says before the pages.
type part struct {
	layout string
	value  []byte
}

// Names of parts. A device's state is in one named devicePart and its name.
const (
	partImage    = "image"    // SHA-256 of the kernel image
	partFeatures = "features" // of the CPU, as +nx,+smap
	partMachine  = "machine"
	partCPU      = "cpu"
	partCore     = "core"
	partFPU      = "fpu"
	partProgress = "progress"
	partStop     = "stop" // why the guest ended, if it did
	partError    = "error"
	partInput    = "input" // typed, and not read yet
	devicePart   = "device "
)

// savedMachine is what machine it is; its features are in a part of their own.
type savedMachine struct {
	Memory uint64
	TSCHz  uint64
	Vendor uint8
	APICID uint8
	NoACPI bool
}

// savedProgress is how far it has come.
type savedProgress struct {
	Instructions uint64
	Code         uint32 // of the debug exit
	Pages        uint32 // in the file
}

// sink writes a file, and keeps its first error.
type sink struct {
	w   *bufio.Writer
	sum hash.Hash
	err error
}

func newSink(w io.Writer) *sink { return &sink{w: bufio.NewWriterSize(w, 1<<20), sum: sha256.New()} }

func (s *sink) put(p []byte) {
	if s.err == nil {
		s.sum.Write(p)
		_, s.err = s.w.Write(p)
	}
}

func (s *sink) number(n int) { s.put(binary.LittleEndian.AppendUint32(nil, uint32(n))) }

func (s *sink) part(name, layout string, value []byte) {
	for _, p := range [][]byte{[]byte(name), []byte(layout), value} {
		s.number(len(p))
		s.put(p)
	}
}

// plain writes what v points at.
func (s *sink) plain(name string, v any) {
	r := reflect.ValueOf(v)
	t := r.Type().Elem()
	s.part(name, layout(t), appendPlain(nil, t, r.UnsafePointer()))
}

func (s *sink) checksum() { s.put(s.sum.Sum(nil)) }

// source reads a file.
type source struct {
	r   *bufio.Reader
	sum hash.Hash
}

func newSource(r io.Reader) *source { return &source{bufio.NewReaderSize(r, 1<<16), sha256.New()} }

// take reads n bytes. Its memory grows with what is really there, not with
// what a file claims.
func (s *source) take(n uint32) ([]byte, error) {
	var b bytes.Buffer
	if n < 1<<16 {
		b.Grow(int(n))
	}
	if found, err := io.CopyN(&b, s.r, int64(n)); err != nil {
		return nil, fmt.Errorf("%w: it is torn: %d bytes are missing at least: %w", ErrSnapshotFile, int64(n)-found, err)
	}
	s.sum.Write(b.Bytes())
	return b.Bytes(), nil
}

func (s *source) number() (uint32, error) {
	b, err := s.take(4)
	if err != nil {
		return 0, err
	}
	return binary.LittleEndian.Uint32(b), nil
}

func (s *source) checksum() error {
	want := s.sum.Sum(nil)
	found, err := s.take(sha256.Size)
	if err == nil && !bytes.Equal(found, want) {
		err = fmt.Errorf("%w: it was changed: a checksum does not fit", ErrSnapshotFile)
	}
	return err
}

// version reads the first line.
func (s *source) version() error {
	start, err := s.r.Peek(len(snapshotMagic))
	if err != nil && err != io.EOF {
		return fmt.Errorf("%w: %w", ErrSnapshotFile, err)
	}
	if string(start) != snapshotMagic {
		return fmt.Errorf("%w: it does not start with %q", ErrSnapshotFile, snapshotMagic)
	}
	line, _ := s.r.Peek(len(snapshotMagic) + 10)
	text, _, whole := strings.Cut(string(line[len(snapshotMagic):]), "\n")
	if want := fmt.Sprint(snapshotVersion); !whole || text != want {
		return fmt.Errorf("%w: its format is version %.10q, this build reads and writes version %s: save it anew from the image, with this build",
			ErrSnapshotFile, text, want)
	}
	_, err = s.take(uint32(len(snapshotMagic) + len(text) + 1))
	return err
}

// parts reads them all.
func (s *source) parts() (map[string]part, error) {
	parts := map[string]part{}
	for {
		var fields [3][]byte
		for i := range fields {
			n, err := s.number()
			if err != nil {
				return nil, err
			}
			if fields[i], err = s.take(n); err != nil {
				return nil, err
			}
			if i == 0 && n == 0 {
				return parts, s.checksum()
			}
		}
		if _, ok := parts[string(fields[0])]; ok {
			return nil, fmt.Errorf("%w: there are two parts %q", ErrSnapshotFile, fields[0])
		}
		parts[string(fields[0])] = part{string(fields[1]), fields[2]}
	}
}

// value checks and takes out a part.
func value(parts map[string]part, name, layout string) ([]byte, error) {
	p, ok := parts[name]
	if !ok {
		return nil, fmt.Errorf("%w: it has no part %q", ErrSnapshotFile, name)
	}
	if p.layout != layout {
		return nil, fmt.Errorf("%w: %s was saved by another build: its layout there is %s, here it is %s", ErrSnapshotFile, name, p.layout, layout)
	}
	delete(parts, name)
	return p.value, nil
}

// plainValue reads a part into what v points at.
func plainValue(parts map[string]part, name string, v any) error {
	r := reflect.ValueOf(v)
	return plainBytes(parts, name, r.Type().Elem(), r.UnsafePointer())
}

func plainBytes(parts map[string]part, name string, t reflect.Type, to unsafe.Pointer) error {
	b, err := value(parts, name, layout(t))
	if err != nil {
		return err
	}
	if want := plainSize(t); len(b) != want {
		return fmt.Errorf("%w: %s has %d bytes, its layout %d", ErrSnapshotFile, name, len(b), want)
	}
	if !parsePlain(b, t, to) {
		return fmt.Errorf("%w: %s has a boolean that is neither 0 nor 1", ErrSnapshotFile, name)
	}
	return nil
}
