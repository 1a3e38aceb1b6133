// SPDX-License-Identifier: GPL-2.0-or-later

package emu

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unsafe"

	"github.com/uklemu/uklemu/emu/boot"
	"github.com/uklemu/uklemu/emu/device"
	"github.com/uklemu/uklemu/emu/unicorn"
	"github.com/uklemu/uklemu/emu/x86"
)

// LoadSnapshot reads what [Snapshot.Save] wrote. The image must be the one
// that the saved machine was started with, and the config have the saved
// machine's Devices. Its Memory and CPU may be left out; if they are there, a
// file of another machine is refused. What a single machine has for itself
// (console, input, Idle, seed) is for [Snapshot.StartWith].
//
// Whatever is wrong with the file, it is refused with an [ErrSnapshotFile].
func LoadSnapshot(r io.Reader, image *boot.Image, config Config) (*Snapshot, error) {
	if config.Console != nil || config.Input != nil || config.Idle != nil || config.Seed != 0 {
		return nil, errors.New("loading a snapshot: Console, Input, Idle and Seed are a machine's own: StartWith takes them")
	}
	digest, err := image.Digest()
	if err != nil {
		return nil, err
	}
	in := newSource(r)
	if err := in.version(); err != nil {
		return nil, err
	}
	parts, err := in.parts()
	if err != nil {
		return nil, err
	}
	saved, err := value(parts, partImage, layoutBytes)
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(saved, digest[:]) {
		return nil, fmt.Errorf("%w: it was saved with another image (SHA-256 %.8x, this one is %.8x)", ErrSnapshotFile, saved, digest)
	}
	s := new(Snapshot)
	if s.config, err = savedConfig(parts, config); err != nil {
		return nil, err
	}
	var progress savedProgress
	for name, to := range map[string]any{partCPU: &s.state, partCore: &s.core, partFPU: &s.fpu, partProgress: &progress} {
		if err := plainValue(parts, name, to); err != nil {
			return nil, err
		}
	}
	s.count = progress.Instructions
	if s.typed, err = value(parts, partInput, layoutBytes); err != nil {
		return nil, err
	}
	if s.stop, err = savedStop(parts, progress.Code); err != nil {
		return nil, err
	}
	if s.pages, err = in.pages(s.config.Memory, progress.Pages); err != nil {
		return nil, err
	}
	return s, s.accept(parts)
}

// savedConfig is the configuration of the saved machine, which is what was
// asked for.
func savedConfig(parts map[string]part, config Config) (Config, error) {
	var m savedMachine
	if err := plainValue(parts, partMachine, &m); err != nil {
		return config, err
	}
	text, err := value(parts, partFeatures, layoutText)
	if err != nil {
		return config, err
	}
	features, err := x86.ParseFeatures(string(text))
	if err != nil {
		return config, fmt.Errorf("%w: %w", ErrSnapshotFile, err)
	}
	cpu := x86.CPU{Vendor: x86.Vendor(m.Vendor), Features: features, TSCHz: m.TSCHz, APICID: m.APICID}
	switch {
	case cpu.Vendor != x86.Intel && cpu.Vendor != x86.AMD:
		return config, fmt.Errorf("%w: its CPU is of vendor %d; known are %d (Intel) and %d (AMD)", ErrSnapshotFile, m.Vendor, x86.Intel, x86.AMD)
	case config.Memory != 0 && config.Memory != m.Memory:
		return config, fmt.Errorf("%w: its machine has %d KiB of RAM, asked for are %d", ErrSnapshotFile, m.Memory>>10, config.Memory>>10)
	case config.CPU != x86.CPU{} && config.CPU != cpu:
		return config, fmt.Errorf("%w: its machine's CPU %s what is asked for", ErrSnapshotFile, cpuDifference(cpu, config.CPU))
	case config.NoACPI && !m.NoACPI:
		return config, fmt.Errorf("%w: its machine has ACPI, asked for is one without", ErrSnapshotFile)
	}
	config.Memory, config.CPU, config.NoACPI = m.Memory, cpu, m.NoACPI
	if err := config.complete(); err != nil {
		return config, fmt.Errorf("%w: %w", ErrSnapshotFile, err)
	}
	return config, nil
}

// cpuDifference says what a CPU has that another has not, and the other way.
func cpuDifference(a, b x86.CPU) string {
	var all []string
	if more := a.Features &^ b.Features; more != 0 {
		all = append(all, fmt.Sprintf("has %s besides", more))
	}
	if less := b.Features &^ a.Features; less != 0 {
		all = append(all, fmt.Sprintf("lacks %s of", less))
	}
	if a.Features = b.Features; a != b {
		all = append(all, fmt.Sprintf("(vendor %d, TSC of %d Hz, APIC ID %d) is not (vendor %d, TSC of %d Hz, APIC ID %d) of",
			a.Vendor, a.TSCHz, a.APICID, b.Vendor, b.TSCHz, b.APICID))
	}
	return strings.Join(all, ", ")
}

// savedStop is why the saved machine had ended, or nil.
func savedStop(parts map[string]part, code uint32) (*Stop, error) {
	why, err := value(parts, partStop, layoutText)
	if err != nil {
		return nil, err
	}
	text, err := value(parts, partError, layoutText)
	if err != nil || len(why) == 0 {
		return nil, err
	}
	s := &Stop{Why: Why(slices.Index(whyNames[:], string(why))), Code: code}
	if s.Why > StopError || !s.Ended() {
		return nil, fmt.Errorf("%w: its machine ended by %q, which is no way to end", ErrSnapshotFile, why)
	}
	if s.Why == StopError {
		s.Err = errors.New(string(text))
	}
	return s, nil
}

// pages reads the bundles and the file's end.
func (s *source) pages(ram uint64, count uint32) (*unicorn.Pages, error) {
	if uint64(count) > ram/unicorn.PageSize {
		return nil, fmt.Errorf("%w: %d pages of a RAM of %d", ErrSnapshotFile, count, ram/unicorn.PageSize)
	}
	b, err := unicorn.NewPages(int(count))
	if err != nil {
		return nil, err
	}
	next := uint64(0) // the lowest number that the next page may have
	for {
		n, err := s.number()
		if err != nil {
			return nil, err
		}
		if n == 0 {
			break
		}
		if n > min(count, bundlePages) {
			return nil, fmt.Errorf("%w: a bundle of %d pages, where %d are left, and %d are the most", ErrSnapshotFile, n, count, bundlePages)
		}
		count -= n
		if next, err = s.bundle(b, int(n), next, ram/unicorn.PageSize); err != nil {
			return nil, err
		}
	}
	if err := s.checksum(); err != nil {
		return nil, err
	}
	if count != 0 {
		return nil, fmt.Errorf("%w: %d pages are missing", ErrSnapshotFile, count)
	}
	if _, err := s.r.ReadByte(); err != io.EOF {
		return nil, fmt.Errorf("%w: something comes after its end", ErrSnapshotFile)
	}
	return b.Pages(), nil
}

// bundle reads n pages, whose numbers go up from next on.
func (s *source) bundle(b *unicorn.PageBuilder, n int, next, end uint64) (uint64, error) {
	size, err := s.number()
	if err != nil {
		return 0, err
	}
	if most := uint32(n*unicorn.PageSize + 1024); size > most { // what does not compress grows by a few bytes
		return 0, fmt.Errorf("%w: %d pages in %d bytes, where %d are the most", ErrSnapshotFile, n, size, most)
	}
	numbers, err := s.take(uint32(4 * n))
	if err != nil {
		return 0, err
	}
	compressed, err := s.take(size)
	if err != nil {
		return 0, err
	}
	if err := s.checksum(); err != nil {
		return 0, err
	}
	in := bytes.NewReader(compressed)
	z := flate.NewReader(in)
	for i := range n {
		number := binary.LittleEndian.Uint32(numbers[4*i:])
		if uint64(number) < next || uint64(number) >= end {
			return 0, fmt.Errorf("%w: page %d where %d to %d can be", ErrSnapshotFile, number, next, end-1)
		}
		next = uint64(number) + 1
		if _, err := io.ReadFull(z, b.Add(number)); err != nil {
			return 0, fmt.Errorf("%w: page %d: %w", ErrSnapshotFile, number, err)
		}
	}
	if _, err := io.ReadFull(z, make([]byte, 1)); err != io.EOF || in.Len() != 0 {
		return 0, fmt.Errorf("%w: page %d is not the last of its bundle", ErrSnapshotFile, next-1)
	}
	return next, nil
}

// accept makes a machine of the snapshot's kind, has its devices look at their
// states, and keeps it for the first Start.
func (s *Snapshot) accept(parts map[string]part) error {
	if err := s.state.Check(&s.config.CPU); err != nil {
		return fmt.Errorf("%w: %w", ErrSnapshotFile, err)
	}
	b, err := newBody(s.config)
	if err != nil {
		return err
	}
	if err := s.acceptDevices(b.pc, parts); err != nil {
		b.destroy()
		return err
	}
	b.from = s
	s.keep(b)
	return nil
}

func (s *Snapshot) acceptDevices(p *platform, parts map[string]part) error {
	for i, k := range p.kinds {
		if err := plainBytes(parts, devicePart+k.name, k.state, unsafe.Pointer(unsafe.SliceData(p.states[i]))); err != nil {
			return err
		}
		s.devices = append(s.devices, slices.Clone(p.states[i]))
	}
	s.kinds, s.marks = p.kinds, p.marks
	for name := range parts {
		if device, ok := strings.CutPrefix(name, devicePart); ok {
			return fmt.Errorf("%w: its machine has a device %s, which is not among those of Config.Devices", ErrSnapshotFile, device)
		}
		return fmt.Errorf("%w: it has a part %q, which this build does not know", ErrSnapshotFile, name)
	}
	now := device.Time(s.count + s.core.Skew)
	if now < device.Time(s.count) || now > latest {
		return fmt.Errorf("%w: its machine has run for %d instructions and slept for %d ns, which is more than a machine can", ErrSnapshotFile, s.count, s.core.Skew)
	}
	for _, d := range p.devices {
		if c, ok := d.(device.Checker); ok {
			if err := c.Check(now); err != nil {
				return fmt.Errorf("%w: device %s: %w", ErrSnapshotFile, d.Name(), err)
			}
		}
	}
	for _, d := range p.timed {
		if next := d.Next(); next != device.Never && (next > latest || next+behind < now) {
			return fmt.Errorf("%w: device %s has something to do at %d ns, and it is %d ns", ErrSnapshotFile, d.Name(), next, now)
		}
	}
	return nil
}

// A machine does what is due before it goes on, but for the instruction under
// way, of which a repeated one can be long; and no machine gets to see the year
// 2100.
const (
	behind device.Time = 1e9
	latest device.Time = 1 << 61
)
