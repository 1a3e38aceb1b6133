// SPDX-License-Identifier: GPL-2.0-or-later

package event

import (
	"encoding/binary"

	"github.com/uklemu/uklemu/emu"
	"github.com/uklemu/uklemu/emu/x86"
	"github.com/uklemu/uklemu/model/image"
)

// Stream makes the events of one machine. It belongs to the goroutine that
// runs it.
type Stream struct {
	machine *emu.Machine
	img     *image.Image
	tell    func(*Event)
	plan    plan
	stop    func()

	variables
	ukl bool

	tasks  map[uint64]*taskState
	asked  map[uint64]Event // of access_ok, by task
	free   []*Excursion
	pages  map[uint64]uint64 // physical pages by linear ones, see read
	fixups map[uint64]bool
	stacks []stack
	event  Event   // the one that is being told
	change Event   // of mode or stack, that goes before it
	word   [8]byte // see read
	frame  Frame
}

// Attach begins to make the events of a machine that runs the image: tell
// gets each, in order. The machine must have been booted far enough for the kernel's
// per-CPU variables to be there. tell may look at the machine (it stands at the
// event for those that the machine itself made, and later for the others) and
// must not run it.
//
// It takes the machine's points: there is one stream at a time.
func Attach(m *emu.Machine, img *image.Image, tell func(*Event)) (*Stream, error) {
	s := &Stream{machine: m, img: img, tell: tell, ukl: img.UKL.Present || img.UKL.Flavor == image.KML,
		tasks: map[uint64]*taskState{}, asked: map[uint64]Event{}, fixups: fixups(img), pages: map[uint64]uint64{}}
	state := m.State()
	gs := state.Seg[x86.GS].Base
	if int64(gs) >= 0 && int64(state.KernelGSBase) < 0 { // it is an ordinary program that runs
		gs = state.KernelGSBase
	}
	s.gs = gs
	s.tail, _ = img.Address("return_to_ukl_ret")
	if err := s.find(img, gs); err != nil {
		return nil, err
	}
	s.stacks = s.cpuStacks(&state, gs)
	s.plan = makePlan(img, &s.variables)
	if err := m.SetPoints(s.plan.points, s.hits); err != nil {
		return nil, err
	}
	s.stop = m.Observe(s.observe)
	return s, nil
}

// Close ends it.
func (s *Stream) Close() {
	s.stop()
	_ = s.machine.SetPoints(nil, nil)
}

// Missing names the functions that the image does not have, and whose events
// there will not be.
func (s *Stream) Missing() []string { return s.plan.missing }

// Points is how many instructions are looked at.
func (s *Stream) Points() int { return len(s.plan.points) }

// Machine is the one that the stream is of.
func (s *Stream) Machine() *emu.Machine { return s.machine }

// Image is what it runs.
func (s *Stream) Image() *image.Image { return s.img }

// Reset forgets what the stream knows of tasks: after a Restore of its machine.
func (s *Stream) Reset() {
	for _, t := range s.tasks {
		s.cut(t, 0)
		*t = taskState{open: t.open, tracking: NoTracking - 1}
	}
	clear(s.asked)
}

// Open is the stays in the kernel that a task has not come back from, the
// outermost first.
func (s *Stream) Open(task uint64) []*Excursion {
	if t := s.tasks[task]; t != nil {
		return t.open
	}
	return nil
}

func (s *Stream) task(at uint64) *taskState {
	t := s.tasks[at]
	if t == nil {
		t = &taskState{tracking: NoTracking - 1}
		s.tasks[at] = t
	}
	return t
}

// emit tells the event, and before it that the task's tracking field is
// another one.
func (s *Stream) emit(e *Event) {
	e.PerCPU = s.gs
	e.On = s.on(e)
	t := s.task(e.Task)
	e.Excursion = t.top()
	if e.Tracking != NoTracking && t.tracking != e.Tracking {
		if t.tracking >= 0 && !t.ended {
			s.change = *e
			s.change.Kind, s.change.Was = Mode, t.tracking
			if len(t.open) > 0 && t.open[0].Exec { // the new program's bss is cleared by page faults
				s.change.Excursion = t.open[0]
			}
			s.tell(&s.change)
		}
		t.tracking = e.Tracking
	}
	if t.on != e.On {
		if t.on != "" {
			s.change = *e
			s.change.Kind = Stack
			s.tell(&s.change)
		}
		t.on = e.On
	}
	s.tell(e)
}

// isApplication says whether registers are the application's, or those of an
// ordinary program, rather than the kernel's.
func (s *Stream) isApplication(r *Registers) bool {
	if r.CPL() == 3 {
		return true
	}
	if !s.ukl {
		return false
	}
	switch s.img.Class(r.RIP) {
	case image.Application:
		return true
	case image.Outside: // code that the application has made in the lower half
		return int64(r.RIP) >= 0
	}
	return false
}

// read reads a word of memory, 0 if it is not there. What it is asked for, the
// kernel's variables and task_structs, lies in its image and its direct map,
// where an address stays what it is once the kernel has started: the page tables
// are asked once for each page.
func (s *Stream) read(at uint64) uint64 {
	const page = 4096
	physical, ok := s.pages[at/page]
	if !ok {
		t, err := s.machine.Translate(at)
		if err != nil {
			return 0
		}
		physical = t.Physical &^ (page - 1)
		s.pages[at/page] = physical
	}
	b := s.word[:]
	if at%page > page-8 {
		if _, err := s.machine.ReadMemory(at, b); err != nil {
			return 0
		}
	} else if err := s.machine.ReadPhysical(physical+at%page, b); err != nil {
		return 0
	}
	return binary.LittleEndian.Uint64(b)
}

// globals says whether an address is in the part of the application that is
// in the kernel's image.
func (s *Stream) globals(address uint64) bool {
	app := s.img.Application()
	return app != nil && app.Contains(address)
}

// Current is the task that the kernel says is running now.
func (s *Stream) Current() uint64 { return s.read(s.current) }
