// SPDX-License-Identifier: GPL-2.0-or-later

package emu

import (
	"sync"

	"github.com/uklemu/uklemu/emu/unicorn"
)

// Size is how many bytes of pages the snapshot holds beyond the one it was
// taken after.
func (s *Snapshot) Size() int64 { return int64(s.pages.Len()) * unicorn.PageSize }

// Merge makes the snapshot independent of the one that it was taken after, by
// taking over the pages that it has from there: a long chain of snapshots,
// of which some have been dropped, is shortened so. What the snapshot stands
// for does not change. Nothing else may use it meanwhile.
func (s *Snapshot) Merge() error {
	if s.parent == nil {
		return nil
	}
	b := unicorn.NewPages()
	layers := unicorn.NewTable(s.config.Memory, []*unicorn.Pages{s.parent.pages, s.pages})
	err := layers.Each(func(number uint32, page []byte) error {
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
	s.pages, s.parent = pages, s.parent.parent
	s.once, s.table = sync.Once{}, nil // the table keeps the layers that it was made from
	return nil
}
