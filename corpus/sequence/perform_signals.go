// SPDX-License-Identifier: GPL-2.0-or-later

package sequence

import (
	"encoding/binary"

	"github.com/uklemu/uklemu/emu/x86"
	"github.com/uklemu/uklemu/model/scenario"
	"github.com/uklemu/uklemu/model/space"
)

const saSiginfo, saRestorer = 4, 0x04000000

// handle installs a handler.
func (r *Runner) handle(o *Op, v [MaxArgs]uint64) (uint64, error) {
	b := r.driver.Board
	address := v[1] // SIG_DFL and SIG_IGN are 0 and 1
	switch v[1] {
	case handlerReturns:
		address = b.At(scenario.Handler)
	case handlerNested:
		address = b.At(scenario.Nested)
	case handlerStops:
		address = b.At(scenario.Signal)
	}
	if v[3] != 0 {
		r.run.nested = v[3]
	}
	at := r.places[Heap] + actionAt
	if err := r.write(at, address, v[2]|saSiginfo|saRestorer, b.At(scenario.Restore), 0); err != nil {
		return ^uint64(13), nil // the sequence has taken the page away
	}
	return r.call(o, sysSigaction, [MaxArgs]uint64{v[0], at, 0, 8})
}

// change changes a field of the innermost frame, if a handler has stopped.
func (r *Runner) change(field, value uint64) error {
	if r.run.depth == 0 {
		return nil
	}
	var p [8]byte
	binary.LittleEndian.PutUint64(p[:], value)
	size := 8
	if field >= 0xc0 && field < 0xc8 { // selectors have 16 bits
		size = 2
	}
	_, _ = r.driver.Machine.WriteMemory(r.run.frames[r.run.depth-1].at+field, p[:size]) // where it is no more, nothing is changed
	return nil
}

// leave returns from the innermost handler that has stopped.
func (r *Runner) leave(o *Op) (uint64, error) {
	if r.run.depth == 0 {
		return 0, nil
	}
	r.run.depth--
	frame := r.run.frames[r.run.depth]
	s := r.state()
	s.GPR[x86.RSP] = frame.at
	r.run.rsp = frame.rsp
	return r.finish(o, scenario.Handler, &s)
}

// thread starts one, as pthread_create does, but that it sends SIGCHLD when it ends.
func (r *Runner) thread(o *Op, yields uint64) (uint64, error) {
	const vm, fs, files, sighand, sigchld = 0x100, 0x200, 0x400, 0x800, 17
	r.driver.OnClone(r.yields[yields%uint64(len(r.yields))])
	r.run.threads++
	top := r.threadStacks + (r.run.threads-1)%threadStacks*threadStackPages*pageSize + threadStackPages*pageSize
	return r.call(o, sysClone, [MaxArgs]uint64{vm | fs | files | sighand | sigchld, top - 64})
}

// evict takes a page away. Where the kernel has a call for it, it is asked;
// else the page's entry is cleared and forgotten.
func (r *Runner) evict(o *Op, at uint64) (uint64, error) {
	page := at &^ (pageSize - 1)
	if r.madvise {
		const dontNeed = 4
		return r.call(o, sysMadvise, [MaxArgs]uint64{page, pageSize, dontNeed})
	}
	s := r.driver.Machine.State()
	entry, ok := r.entry(&s, page)
	if !ok || s.CPL() != 0 {
		return 0, nil
	}
	var none [8]byte
	if err := r.driver.Machine.WritePhysical(entry, none[:]); err != nil {
		return 0, err
	}
	return r.at(o, scenario.Forget, page, 0)
}

// entry is where the page tables have a page of 4 KiB.
func (r *Runner) entry(s *x86.State, page uint64) (uint64, bool) {
	const present, large, address = 1, 1 << 7, 0x000f_ffff_ffff_f000
	at := s.CR3 & address
	for level := space.TablesOf(r.driver.Machine, s).Levels; level > 0; level-- {
		at += page >> (3 + 9*level) & 511 * 8
		var p [8]byte
		if err := r.driver.Machine.ReadPhysical(at, p[:]); err != nil {
			return 0, false
		}
		e := binary.LittleEndian.Uint64(p[:])
		if e&present == 0 || level > 1 && e&large != 0 {
			return 0, false
		}
		if level > 1 {
			at = e & address
		}
	}
	return at, true
}
