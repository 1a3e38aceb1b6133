// SPDX-License-Identifier: GPL-2.0-or-later

package gdb

import (
	"bytes"
	"context"
	"io"
	"strings"
)

// command is a packet by its first bytes. The handler returns the reply; an
// empty one tells gdb that the packet is not known.
type command struct {
	prefix string
	handle func(*session, request) string
}

// commands is tried from the top: a longer prefix stands before a shorter one
// that it begins with.
var commands = concat(
	descriptionCommands,
	queryCommands,
	monitorCommands,
	reverseCommands,
	breakpointCommands,
	memoryCommands,
	runCommands,
	registerCommands,
)

func concat(lists ...[]command) (all []command) {
	for _, l := range lists {
		all = append(all, l...)
	}
	return all
}

// request is a packet on its way to its handler. Its context ends when a ^C
// follows it on the line.
type request struct {
	kind frameKind
	args []byte
	ctx  context.Context
}

// End is how a session ended.
type End int

const (
	EndClosed   End = iota // the line went away
	EndDetached            // gdb detached: the machine may go on by itself
	EndKilled              // gdb asked for the machine's end
	EndExited              // the machine ended
)

type session struct {
	target Target
	out    io.Writer

	noAck       bool
	lastReply   []byte
	stop        Stop
	breakpoints map[Breakpoint]struct{}
	ended       bool
	end         End
}

func newSession(out io.Writer, target Target) *session {
	return &session{target: target, out: out, breakpoints: map[Breakpoint]struct{}{}}
}

// serve answers requests until the session ends or the channel does.
func (s *session) serve(requests <-chan request) (End, error) {
	defer s.clearBreakpoints()
	for q := range requests {
		if err := s.answer(q); err != nil {
			return EndClosed, err
		}
		if s.ended {
			return s.end, nil
		}
	}
	return EndClosed, nil
}

func (s *session) answer(q request) error {
	switch q.kind {
	case frameRetry:
		return s.write(s.lastReply)
	case frameGarbled:
		if s.noAck {
			// Nobody will send it again: say that it made no sense.
			return s.reply(errorMalformed)
		}
		return s.write([]byte{'-'})
	}
	if !s.noAck {
		if err := s.write([]byte{'+'}); err != nil {
			return err
		}
	}
	return s.reply(s.dispatch(q))
}

func (s *session) dispatch(q request) string {
	for _, c := range commands {
		if rest, ok := bytes.CutPrefix(q.args, []byte(c.prefix)); ok {
			q.args = rest
			return c.handle(s, q)
		}
	}
	return ""
}

// finish ends the session after the reply that is being made.
func (s *session) finish(how End) {
	s.ended, s.end = true, how
}

// noReply is what the handler of a packet without a reply returns.
const noReply = "\x00"

func (s *session) reply(body string) error {
	if body == noReply {
		return nil
	}
	s.lastReply = appendPacket(s.lastReply[:0], body)
	return s.write(s.lastReply)
}

func (s *session) write(p []byte) error {
	_, err := s.out.Write(p)
	return err
}

// errorMalformed answers what cannot be read. Where gdb takes only a number,
// errorMemory says EFAULT.
const (
	errorMalformed = "E16"
	errorMemory    = "E0e"
)

// failure is an error reply with a text that gdb shows to its user.
func failure(err error) string {
	text := strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return ' '
		}
		return r
	}, err.Error())
	if len(text) > 512 {
		text = text[:512]
	}
	return "E." + text
}
