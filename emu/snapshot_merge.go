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
	table, n := unicorn.NewTable(s.config.Memory, layers), 0
	_ = table.Each(func(uint32, []byte) error { n++; return nil })
	b, err := unicorn.NewPages(n)
	if err != nil {
		return err
	}
	_ = table.Each(func(number uint32, page []byte) error { copy(b.Add(number), page); return nil })
	s.pages, s.parent = b.Pages(), parent
	s.once, s.table = sync.Once{}, nil // the table keeps the layers that it was made from
	return nil
}
