// SPDX-License-Identifier: GPL-2.0-or-later

package task

import (
	"cmp"
	"slices"
	"strings"

	"github.com/uklemu/uklemu/model/image"
	"github.com/uklemu/uklemu/model/space"
)

// Source is what is asked of an image. [image.Image] knows it; see [NewReader].
type Source interface {
	space.Source
	Class(rip uint64) image.Class
	Noinstr(rip uint64) bool
	// Marks says whether the kernel keeps task_struct.ukl_thread.
	Marks() bool
	// SameStack says whether the kernel stays on the application's stack, in
	// system calls (UKL_SAME_STACK) or in exceptions (KML).
	SameStack() bool
	Entries() []image.Entry
}

// fromImage is an image as a Source.
type fromImage struct {
	space.Source
	image *image.Image
}

func (f fromImage) Class(rip uint64) image.Class { return f.image.Class(rip) }

func (f fromImage) Noinstr(rip uint64) bool { return f.image.Noinstr(rip) }

func (f fromImage) Marks() bool { return f.image.UKL.Present }

func (f fromImage) SameStack() bool { return f.image.UKL.SameStack || f.image.UKL.Flavor == image.KML }

func (f fromImage) Entries() []image.Entry { return f.image.Entries() }

// Reader reads what the CPU is at, for machines that run one image. It may be
// used by several goroutines.
type Reader struct {
	image   Source
	space   *space.Reader
	entries []image.Entry // that something enters by, by address
}

// NewReader is a reader for an image.
func NewReader(i *image.Image) *Reader { return ReaderOf(fromImage{space.SourceOf(i), i}) }

// ReaderOf is a reader for a kernel that is described in another way than by
// an image.
func ReaderOf(s Source) *Reader {
	r := &Reader{image: s, space: space.ReaderOf(s)}
	for _, e := range s.Entries() {
		if e.Kind != image.Return {
			r.entries = append(r.entries, e)
		}
	}
	slices.SortStableFunc(r.entries, func(a, b image.Entry) int { return cmp.Compare(a.Address, b.Address) })
	return r
}

// entryAt is the entry whose code an address is in. Where the image doesn't
// know one, it is what Linux would name so (arch/x86/include/asm/idtentry.h).
func (r *Reader) entryAt(address uint64) Entry {
	i, _ := slices.BinarySearchFunc(r.entries, address, func(e image.Entry, at uint64) int {
		if e.Address <= at {
			return -1
		}
		return 1
	})
	for i--; i >= 0; i-- {
		e := r.entries[i]
		if address-e.Address < max(e.Size, 1) {
			return Entry{Name: e.Name, Kind: e.Kind, Vector: e.Vector}
		}
		if e.Size > 0 {
			break
		}
	}
	name, _, _ := strings.Cut(r.symbol(address), "+")
	return Entry{Name: name, Kind: kindByName(name), Vector: image.NoVector}
}

// kindByName is by what the CPU comes to an entry of a name. A label that is
// none of them is on the way out.
func kindByName(name string) image.EntryKind {
	for _, p := range []struct {
		prefix string
		kind   image.EntryKind
	}{
		{"asm_exc_nmi", image.NMI}, {"asm_exc_", image.Exception}, {"asm_", image.Interrupt}, {"irq_entries_start", image.Interrupt},
		{"ukl_", image.UKLCall}, {"entry_", image.Syscall},
	} {
		if strings.HasPrefix(name, p.prefix) {
			return p.kind
		}
	}
	return image.Return
}
