// SPDX-License-Identifier: GPL-2.0-or-later

package emu

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"

	"github.com/uklemu/uklemu/emu/boot"
	"github.com/uklemu/uklemu/emu/unicorn"
	"github.com/uklemu/uklemu/emu/x86"
)

// magic starts the file of a snapshot; its number changes with the format.
const magic = "uklemu snapshot 2\n"

// ErrSnapshotFile is what every refusal of a snapshot's file wraps.
var ErrSnapshotFile = errors.New("not a usable snapshot file")

// header is what a snapshot's file says before devices and pages: plain data,
// written as encoding/binary does, little endian.
type header struct {
	Image  [32]byte // digest of the kernel image it belongs to
	Memory uint64
	CPU    x86.CPU
	NoACPI bool
	State  x86.State
	Core   core
	Count  uint64
	FPU    unicorn.FPU
	Stop   Why
	Code   uint32
	Typed  uint32 // bytes of input that follow
	Device uint32 // devices that follow
}

// Save writes the snapshot, whole, so that another process can load it with
// the same image. The bytes depend on nothing but what is in the snapshot.
func (s *Snapshot) Save(w io.Writer, image *boot.Image) error {
	digest, err := image.Digest()
	if err != nil {
		return err
	}
	sum := sha256.New()
	out := bufio.NewWriterSize(io.MultiWriter(w, sum), 1<<20)
	h := header{Image: digest, Memory: s.config.Memory, CPU: s.config.CPU, NoACPI: s.config.NoACPI,
		State: s.state, Core: s.core, Count: s.count, FPU: s.fpu, Typed: uint32(len(s.typed)), Device: uint32(len(s.devices))}
	if s.stop != nil {
		h.Stop, h.Code = s.stop.Why, s.stop.Code
	}
	io.WriteString(out, magic) // a bufio.Writer keeps its error for Flush
	write := func(v any) { _ = binary.Write(out, binary.LittleEndian, v) }
	write(h)
	out.Write(s.typed)
	for _, d := range s.devices {
		write(uint32(len(d)))
		out.Write(d)
	}
	if err := s.savePages(out); err != nil {
		return fmt.Errorf("saving a snapshot: %w", err)
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("saving a snapshot: %w", err)
	}
	if _, err := w.Write(sum.Sum(nil)); err != nil {
		return fmt.Errorf("saving a snapshot: %w", err)
	}
	return nil
}

// savePages writes the pages that are not zero, each behind its number plus
// one; a zero ends them.
func (s *Snapshot) savePages(w io.Writer) error {
	z, err := gzip.NewWriterLevel(w, gzip.BestSpeed)
	if err != nil {
		return err
	}
	zeros := make([]byte, unicorn.PageSize)
	err = s.memory().Each(func(number uint32, page []byte) error {
		if bytes.Equal(page, zeros) {
			return nil
		}
		if err := binary.Write(z, binary.LittleEndian, number+1); err != nil {
			return err
		}
		_, err := z.Write(page)
		return err
	})
	if err == nil {
		err = binary.Write(z, binary.LittleEndian, uint32(0))
	}
	if err == nil {
		err = z.Close()
	}
	return err
}

// LoadSnapshot reads what [Snapshot.Save] wrote. The image must be the one
// that the saved machine was started with; config gives what a file does not
// hold (console, input, devices of the user's), and the machine's memory and
// CPU are those of the file.
func LoadSnapshot(r io.Reader, image *boot.Image, config Config) (*Snapshot, error) {
	in := &checked{r: bufio.NewReaderSize(r, 1<<20), sum: sha256.New()}
	start := make([]byte, len(magic))
	if _, err := io.ReadFull(in, start); err != nil || string(start) != magic {
		return nil, fmt.Errorf("%w: it does not start with %q", ErrSnapshotFile, magic)
	}
	var h header
	if err := binary.Read(in, binary.LittleEndian, &h); err != nil {
		return nil, torn(err)
	}
	digest, err := image.Digest()
	if err != nil {
		return nil, err
	}
	if digest != h.Image {
		return nil, fmt.Errorf("%w: it was saved with another image (SHA-256 %x, this one is %x)", ErrSnapshotFile, h.Image[:8], digest[:8])
	}
	config.Memory, config.CPU, config.NoACPI = h.Memory, h.CPU, h.NoACPI
	if err := config.complete(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSnapshotFile, err)
	}
	s := &Snapshot{config: config, state: h.State, core: h.Core, count: h.Count, fpu: h.FPU}
	if h.Stop != 0 {
		s.stop = &Stop{Why: h.Stop, Code: h.Code}
	}
	if s.typed, err = in.bytes(h.Typed, 1<<20); err != nil {
		return nil, err
	}
	if h.Device > 256 {
		return nil, fmt.Errorf("%w: %d devices", ErrSnapshotFile, h.Device)
	}
	for range h.Device {
		var size uint32
		if err := binary.Read(in, binary.LittleEndian, &size); err != nil {
			return nil, torn(err)
		}
		d, err := in.bytes(size, 1<<20)
		if err != nil {
			return nil, err
		}
		s.devices = append(s.devices, d)
	}
	if s.pages, err = loadPages(in, h.Memory); err != nil {
		return nil, err
	}
	want := in.sum.Sum(nil)
	found := make([]byte, len(want))
	if _, err := io.ReadFull(in.r, found); err != nil || !bytes.Equal(found, want) {
		return nil, fmt.Errorf("%w: it is torn or was changed: the checksum at its end does not fit", ErrSnapshotFile)
	}
	return s, nil
}

func loadPages(r io.Reader, ram uint64) (*unicorn.Pages, error) {
	z, err := gzip.NewReader(r)
	if err != nil {
		return nil, torn(err)
	}
	z.Multistream(false)
	b := unicorn.NewPages()
	last, page := uint32(0), make([]byte, unicorn.PageSize)
	for {
		var number uint32
		if err := binary.Read(z, binary.LittleEndian, &number); err != nil {
			return nil, torn(err)
		}
		if number == 0 {
			break
		}
		if number <= last || uint64(number) > ram/unicorn.PageSize {
			return nil, fmt.Errorf("%w: page %d after page %d, of %d", ErrSnapshotFile, number-1, last, ram/unicorn.PageSize)
		}
		last = number
		if _, err := io.ReadFull(z, page); err != nil {
			return nil, torn(err)
		}
		b.Add(number-1, page)
	}
	if _, err := z.Read(page); err != io.EOF { // reads the gzip checksum
		return nil, torn(err)
	}
	return b.Pages()
}

func torn(err error) error {
	return fmt.Errorf("%w: it is torn or was changed: %w", ErrSnapshotFile, err)
}

// checked hashes what is read. It reads byte by byte where gzip asks so, and
// therefore never beyond the compressed part.
type checked struct {
	r   *bufio.Reader
	sum hash.Hash
	one [1]byte
}

func (c *checked) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.sum.Write(p[:n])
	return n, err
}

func (c *checked) ReadByte() (byte, error) {
	b, err := c.r.ReadByte()
	if err == nil {
		c.one[0] = b
		c.sum.Write(c.one[:])
	}
	return b, err
}

// bytes reads as many as a file claims to have, up to what is sensible.
func (c *checked) bytes(n, limit uint32) ([]byte, error) {
	if n > limit {
		return nil, fmt.Errorf("%w: a part of %d bytes where at most %d make sense", ErrSnapshotFile, n, limit)
	}
	p := make([]byte, n)
	if _, err := io.ReadFull(c, p); err != nil {
		return nil, torn(err)
	}
	return p, nil
}
