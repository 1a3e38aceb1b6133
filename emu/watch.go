// SPDX-License-Identifier: GPL-2.0-or-later

package emu

import (
	"fmt"
	"slices"

	"github.com/uklemu/uklemu/emu/unicorn"
	"github.com/uklemu/uklemu/emu/x86"
)

// watches are ranges of memory, accesses to which are looked at one by one.
type watches struct {
	debug []uint64 // linear addresses, from the debug registers
	user  []watch
	set   bool // linear pages are watched in the engine
}

type watch struct {
	Watch
	id int
}

// Watch is a range of memory to look at.
type Watch struct {
	Address  uint64
	Size     uint64 // in bytes
	Physical bool   // Address is physical, not linear
	Read     bool
	Write    bool
	// Do is called after each such access, with the machine at the boundary
	// behind it; the run stops with [StopWatch] if it is nil or returns true.
	Do func(*Machine, unicorn.Record) bool
}

// MaxWatchedPages is how many pages can be watched by linear address at a time,
// all ranges together: as many as the engine has, less one for each of the
// guest's debug registers.
const MaxWatchedPages = unicorn.MaxVirtualWatches - debugPages

const debugPages = 4

// Watch starts looking at a range and returns what ends it. By linear address
// [MaxWatchedPages] can be watched at a time; by physical address there is no
// such bound. A page that is watched costs a few microseconds an access, other
// memory nothing.
func (m *Machine) Watch(w Watch) (remove func(), err error) {
	if m.body == nil {
		return nil, ErrClosed
	}
	if err := m.watchable(&w); err != nil {
		return nil, err
	}
	id := 0
	for _, other := range m.watches.user {
		id = max(id, other.id+1)
	}
	m.watches.user = append(m.watches.user, watch{w, id})
	m.userWatchesChanged(w.Physical)
	return func() {
		if m.body == nil {
			return
		}
		m.watches.user = slices.DeleteFunc(m.watches.user, func(w watch) bool { return w.id == id })
		m.userWatchesChanged(w.Physical)
	}, nil
}

// watchable says why a range can't be watched beside those that are.
func (m *Machine) watchable(w *Watch) error {
	switch {
	case !w.Read && !w.Write:
		return fmt.Errorf("a watch on %#x: neither for reads nor for writes", w.Address)
	case w.Size == 0:
		return fmt.Errorf("a watch on %#x: its size is 0", w.Address)
	case w.Address+w.Size-1 < w.Address:
		return fmt.Errorf("a watch on %#x and %#x bytes more: that is beyond the end of the address space", w.Address, w.Size)
	case w.Physical:
		return nil
	}
	before := m.userPages()
	if pages := addPages(before, w.Address, w.Size); len(pages) > MaxWatchedPages {
		first, last := w.Address/unicorn.PageSize, (w.Address+w.Size-1)/unicorn.PageSize
		return fmt.Errorf("a watch on %#x to %#x, %d pages by linear address: there are %d of other watches, and there can be %d in all",
			w.Address, w.Address+w.Size-1, last-first+1, len(before), MaxWatchedPages)
	}
	return nil
}

// userPages are those that the user watches by linear address.
func (m *Machine) userPages() []uint64 {
	var pages []uint64
	for _, w := range m.watches.user {
		if !w.Physical {
			pages = addPages(pages, w.Address, w.Size)
		}
	}
	return pages
}

func (m *Machine) watchesChanged() {
	if len(m.watches.debug) == 0 && len(m.watches.user) == 0 && !m.watches.set {
		return
	}
	pages := m.userPages()
	for _, address := range m.watches.debug {
		// The low bits that LEN covers are ignored (SDM vol. 3B, "Debug
		// Address Registers"), so that a breakpoint is on one page.
		pages = addPages(pages, address&^7, 8)
	}
	m.watches.set = len(pages) > 0
	m.cpu.WatchLinear(pages)
}

// userWatchesChanged looks at every page of RAM if physical memory is watched:
// the debug registers, which change often, never ask for that.
func (m *Machine) userWatchesChanged(physical bool) {
	m.watchesChanged()
	if !physical {
		return
	}
	for page := uint64(0); page < uint64(len(m.ram.Bytes())); page += unicorn.PageSize {
		m.cpu.WatchPhysical(page, m.watchesPage(page))
	}
}

// addPages adds the pages that a range touches, up to one more than can be
// watched.
func addPages(pages []uint64, address, size uint64) []uint64 {
	first, last := address&^(unicorn.PageSize-1), (address+size-1)&^(unicorn.PageSize-1)
	for page := first; len(pages) <= unicorn.MaxVirtualWatches; page += unicorn.PageSize {
		if !slices.Contains(pages, page) {
			pages = append(pages, page)
		}
		if page == last {
			break
		}
	}
	return pages
}

func (m *Machine) watchesPage(page uint64) bool {
	for _, w := range m.watches.user {
		if w.Physical && w.Address < page+unicorn.PageSize && page < w.Address+w.Size {
			return true
		}
	}
	return false
}

// watched is an access to a watched page: it is carried out, and compared
// with what is watched.
func (m *Machine) watched() {
	exit, records := m.assist()
	m.finishAssist(exit, records)
}

// reportWatches tells those who watch of the accesses of an instruction.
func (m *Machine) reportWatches(records []unicorn.Record) {
	for _, r := range records {
		for _, w := range slices.Clone(m.watches.user) {
			address, ok := w.hits(r)
			if !ok {
				continue
			}
			m.tell()
			if w.Do == nil || w.Do(m, r) {
				m.halt(Stop{Why: StopWatch, Address: address, Access: r})
			}
		}
	}
}

func (w *Watch) hits(r unicorn.Record) (uint64, bool) {
	if r.Kind == unicorn.Write && !w.Write || r.Kind == unicorn.Read && !w.Read {
		return 0, false
	}
	address := r.Linear
	if w.Physical {
		address = r.Physical
	}
	return address, address-w.Address < w.Size || w.Address-address < uint64(r.Size)
}

// matchData gives the DR6 bits of the data breakpoints that an instruction met.
func (m *Machine) matchData(records []unicorn.Record) uint64 {
	if len(m.watches.debug) == 0 {
		return 0
	}
	var bits uint64
	for _, r := range records {
		bits |= x86.MatchData(&m.state, r.Linear, uint64(r.Size), r.Kind == unicorn.Write)
	}
	return bits
}
