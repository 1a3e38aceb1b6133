// SPDX-License-Identifier: GPL-2.0-or-later

package event

import (
	"github.com/uklemu/uklemu/emu/x86"
)

// asking is a function that decides about a range for itself, and has not
// said how yet.
type asking struct {
	event Event
	depth int // of open excursions
	is    bool
}

// ask begins one: get_user, put_user and strncpy_from_user compare with the
// limit of the task on their own.
func (s *Stream) ask(e *Event, t *taskState, r role, size uint64, name string) {
	a := *e
	a.Kind, a.What, a.Size = AccessOK, name, size
	switch {
	case r == roleStrncpy: // lib/strncpy_from_user.c
		if int64(e.GPR[x86.RDX]) <= 0 {
			return // nothing to decide about
		}
		a.Address, a.Size = e.GPR[x86.RSI], 1
	case name[2] == 'g': // __get_user_8, arch/x86/lib/getuser.S
		a.Address = e.GPR[x86.RAX]
	default: // arch/x86/lib/putuser.S
		a.Address, a.Write = e.GPR[x86.RCX], true
	}
	t.asking = asking{event: a, depth: len(t.open), is: true}
}

// decided tells what has been asked when the answer is known: at the access
// itself it is yes, anywhere else that the task comes to, and that is not an interruption
// of it, no.
func (s *Stream) decided(e *Event, t *taskState, r role) {
	a := &t.asking
	if !a.is || a.depth != len(t.open) || r == roleStrncpyEnd || a.event.What == "strncpy_from_user" && r != roleAsked {
		return
	}
	a.is = false
	if a.event.What == "strncpy_from_user" {
		return
	}
	told := *e
	*e = a.event
	e.Verdict = r == roleGetUser || r == rolePutUser
	s.emit(e)
	*e = told
}

// copied is a string that has been copied, or not. What was not may have been
// refused or have faulted: nothing is told of it.
func (s *Stream) copied(e *Event, t *taskState) {
	a := &t.asking
	if !a.is || a.event.What != "strncpy_from_user" {
		return
	}
	a.is = false
	length := e.GPR[x86.RAX]
	if int64(length) < 0 {
		return
	}
	e.Kind, e.What, e.Address, e.Size, e.Verdict = AccessOK, a.event.What, a.event.Address, max(length, 1), true
	s.emit(e)
	e.Kind, e.Verdict = UserCopy, false
	s.emit(e)
}

// copy is a copy from or to the application.
func (s *Stream) copy(e *Event, r role, size uint64) {
	e.Kind, e.Size = UserCopy, size
	switch r {
	case roleGetUser: // arch/x86/lib/getuser.S: the address in RAX
		e.Address = e.GPR[x86.RAX]
	case rolePutUser: // arch/x86/lib/putuser.S: in RCX
		e.Address, e.Write = e.GPR[x86.RCX], true
	case roleCopyUser: // arch/x86/lib/copy_user_64.S serves both directions
		e.Size = e.GPR[x86.RDX]
		to, from := e.GPR[x86.RDI], e.GPR[x86.RSI]
		e.Address, e.Write = from, s.writes(e, to, from)
		if e.Write {
			e.Address = to
		}
	}
}

// writes says which of two addresses is the application's. If neither is, the
// other one is a buffer of the kernel's, often on the stack.
func (s *Stream) writes(e *Event, to, from uint64) bool {
	own := func(at uint64) bool { return int64(at) >= 0 || s.globals(at) }
	if own(to) != own(from) {
		return own(to)
	}
	onStack := func(at uint64) bool { return at-e.Stack <= e.TopOfStack-e.Stack }
	return onStack(from) && !onStack(to)
}
