// SPDX-License-Identifier: GPL-2.0-or-later

package emu

import (
	"slices"
	"sync"

	"github.com/uklemu/uklemu/emu/unicorn"
)

// Size is how many bytes of pages the snapshot holds beyond the one it was
// taken after.
func (s *Snapshot) Size() int64 { return int64(s.pages.Len()) * unicorn.PageSize }

// Merge takes over the pages of the snapshots that s was taken after, up to one
// that keep wants to stay: so the memory of one that is dropped from the
// middle of a chain is given back, less what s needs of it. What s stands for
// does not change. Nothing else may use s meanwhile.
func (s *Snapshot) Merge(keep func(*Snapshot) bool) error {
	layers := []*unicorn.Pages{s.pages}
	parent := s.parent
	for ; parent != nil && !keep(parent); parent = parent.parent {
		layers = append(layers, parent.pages)
	}
	if len(layers) == 1 {
		return nil
	}
	slices.Reverse(layers)
	b := unicorn.NewPages()
	err := unicorn.NewTable(s.config.Memory, layers).Each(func(number uint32, page []byte) error {
		b.Add(number, page)
		return nil
	})
	if err != nil {
		return err
	}
	pages, err := b.Pages()
	if err != nil {
		return err
	}
	s.pages, s.parent = pages, parent
	s.once, s.table = sync.Once{}, nil // the table keeps the layers that it was made from
	return nil
}
