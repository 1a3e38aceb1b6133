// SPDX-License-Identifier: GPL-2.0-or-later

package boot

import (
	"fmt"
	"strings"
)

// loader puts one image into one memory.
type loader struct {
	*Image
	memory Memory
	opts   Options
	*plan
	chunk []byte // for copying from the file
}

// lowStart is where boot structures go if nothing is in the way: above the
// real-mode interrupt vectors, so that a null pointer finds nothing of ours.
const lowStart = 0x1000

// Load puts the image, the initrd, the command line and the structures of the
// boot protocol into memory. The error is an [*Error]: ErrProtocol for a
// protocol that the image does not offer, ErrOutside, ErrOverlap, ErrInitrd,
// ErrCommandLine or ErrMemory for something that has no place, ErrTruncated or
// ErrUnreadable if the file changed since it was parsed. After an error the
// memory holds anything.
func (img *Image) Load(memory Memory, opts Options) (Entry, error) {
	p, refusal := img.choose(opts.Protocol)
	if refusal != nil {
		return Entry{}, refusal
	}
	if i := strings.IndexByte(opts.CommandLine, 0); i >= 0 {
		return Entry{}, img.error(Error{Err: ErrCommandLine, Found: fmt.Sprintf("a zero byte at %d", i), Want: "text; a zero byte ends it"})
	}
	l := &loader{Image: img, memory: memory, opts: opts, plan: newPlan(memory.Size(), opts.Reserved)}
	state, err := p.load(l)
	if err != nil {
		if e, ok := err.(*Error); ok && e.File == "" {
			e.File = img.name
		}
		return Entry{}, err
	}
	return Entry{State: state, Protocol: p.name()}, nil
}

// loadSegments claims the place of every segment, then fills them.
func (l *loader) loadSegments() error {
	for _, s := range l.elf.segments {
		owner := fmt.Sprintf("segment %d of the image", s.index)
		if err := l.claim(Range{s.Physical, s.Physical + s.Size}, owner); err != nil {
			return err
		}
	}
	for _, s := range l.elf.segments {
		if err := l.copyFile(s.Offset, s.FileSize, s.Physical); err != nil {
			return err
		}
	}
	return nil
}

// imageEnd is the end of the highest segment.
func (l *loader) imageEnd() uint64 {
	end := uint64(0)
	for _, s := range l.elf.segments {
		end = max(end, s.Physical+s.Size)
	}
	return end
}

// copyFile copies size bytes of the file to a claimed place.
func (l *loader) copyFile(offset, size, physical uint64) error {
	const most = 1 << 20
	if need := int(min(size, most)); len(l.chunk) < need {
		l.chunk = make([]byte, need)
	}
	for size > 0 {
		part := l.chunk[:min(size, uint64(len(l.chunk)))]
		if err := l.read(part, offset, "the image"); err != nil {
			return err
		}
		if err := l.write(part, physical); err != nil {
			return err
		}
		n := uint64(len(part))
		offset, physical, size = offset+n, physical+n, size-n
	}
	return nil
}

func (l *loader) write(p []byte, physical uint64) error {
	if _, err := l.memory.WriteAt(p, int64(physical)); err != nil {
		return &Error{Err: ErrOutside, Where: "guest memory at " + hex(physical), Cause: err}
	}
	return nil
}

// low finds a place for a boot structure: below 1 MiB if there is room, as
// most kernels expect, else anywhere.
func (l *loader) low(size, align uint64, owner string) (uint64, error) {
	r, ok := l.lowest(size, align, lowStart)
	if !ok {
		return 0, &Error{Err: ErrMemory, Where: owner, Found: fmt.Sprintf("%d bytes long", size), Want: "a machine with more memory"}
	}
	if err := l.claim(r, owner); err != nil {
		return 0, err
	}
	return r.Start, nil
}

// put places a boot structure.
func (l *loader) put(p []byte, align uint64, owner string) (uint64, error) {
	where, err := l.low(uint64(len(p)), align, owner)
	if err != nil {
		return 0, err
	}
	return where, l.write(p, where)
}

// putCommandLine places the command line, zero-terminated. most is what the
// protocol allows, the zero not counted.
func (l *loader) putCommandLine(most int) (uint64, error) {
	if n := len(l.opts.CommandLine); n > most {
		return 0, &Error{Err: ErrCommandLine, Found: fmt.Sprintf("%d bytes", n), Want: fmt.Sprintf("at most %d", most)}
	}
	return l.put(append([]byte(l.opts.CommandLine), 0), 16, "the command line")
}

// putInitrdHigh places the initrd as high as limit allows, out of the way of
// whatever the kernel puts behind itself.
func (l *loader) putInitrdHigh(limit uint64) (Range, error) {
	r, ok := l.highest(uint64(len(l.opts.Initrd)), page, limit)
	return l.putInitrd(r, ok && r.Start >= lowStart, min(limit, l.end))
}

// putInitrdAbove places the initrd on the first free page above the image.
func (l *loader) putInitrdAbove(from uint64) (Range, error) {
	r, ok := l.lowest(uint64(len(l.opts.Initrd)), page, from)
	return l.putInitrd(r, ok, l.end)
}

func (l *loader) putInitrd(r Range, ok bool, limit uint64) (Range, error) {
	n := len(l.opts.Initrd)
	if n == 0 {
		return Range{}, nil
	}
	if !ok {
		return Range{}, &Error{Err: ErrInitrd, Found: fmt.Sprintf("%d bytes, and no free range below %#x is as long", n, limit),
			Want: "a smaller initrd or a machine with more memory"}
	}
	if err := l.claim(r, "the initrd"); err != nil {
		return Range{}, err
	}
	return r, l.write(l.opts.Initrd, r.Start)
}
