// SPDX-License-Identifier: GPL-2.0-or-later

package gdb

import (
	"bytes"
	"errors"
)

var breakpointCommands = []command{
	{"Z", (*session).setBreakpoint},
	{"z", (*session).clearBreakpoint},
}

// maxBreakpoints bounds what a client can make the server remember.
const maxBreakpoints = 4096

// watchNames are the words of a stop reply.
var watchNames = map[Kind]string{
	WriteWatchpoint: "watch", ReadWatchpoint: "rwatch", AccessWatchpoint: "awatch",
}

// parseBreakpoint reads "type,addr,kind". Conditions and commands, which may
// follow, are not announced and so not sent.
func parseBreakpoint(args []byte) (b Breakpoint, ok bool) {
	kind, where, _ := bytes.Cut(args, []byte{','})
	if len(kind) != 1 || kind[0] < '0' || kind[0] > '4' {
		return b, false
	}
	where, _, _ = bytes.Cut(where, []byte{';'})
	b.Kind = Kind(kind[0] - '0')
	b.Address, b.Length, ok = parseRange(where)
	return b, ok
}

// setBreakpoint can be asked twice for the same one (GDB manual, packet Z).
func (s *session) setBreakpoint(q request) string {
	target, ok := s.target.(Breakpointer)
	if !ok {
		return ""
	}
	b, ok := parseBreakpoint(q.args)
	if !ok {
		return errorMalformed
	}
	if _, there := s.breakpoints[b]; there {
		return "OK"
	}
	if len(s.breakpoints) >= maxBreakpoints {
		return failure(errors.New("too many breakpoints"))
	}
	if err := target.SetBreakpoint(b); err != nil {
		return failure(err)
	}
	s.breakpoints[b] = struct{}{}
	return "OK"
}

func (s *session) clearBreakpoint(q request) string {
	target, ok := s.target.(Breakpointer)
	if !ok {
		return ""
	}
	b, ok := parseBreakpoint(q.args)
	if !ok {
		return errorMalformed
	}
	if _, there := s.breakpoints[b]; !there {
		return "OK"
	}
	if err := target.ClearBreakpoint(b); err != nil {
		return failure(err)
	}
	delete(s.breakpoints, b)
	return "OK"
}

// clearBreakpoints leaves the machine as it was before gdb came. A machine
// that cannot forget one has said so to no one: the session is over.
func (s *session) clearBreakpoints() {
	target, ok := s.target.(Breakpointer)
	if !ok {
		return
	}
	for b := range s.breakpoints {
		_ = target.ClearBreakpoint(b)
		delete(s.breakpoints, b)
	}
}

func (s *session) breakpointAt(rip uint64) (Breakpoint, bool) {
	for b := range s.breakpoints {
		if b.Address == rip && b.Kind <= HardwareBreakpoint {
			return b, true
		}
	}
	return Breakpoint{}, false
}
