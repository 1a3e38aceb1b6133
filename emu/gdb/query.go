// SPDX-License-Identifier: GPL-2.0-or-later

package gdb

import (
	"encoding/hex"
	"fmt"
	"strings"
)

// The one processor is thread 1.
var queryCommands = []command{
	{"qSupported", (*session).supported},
	{"QStartNoAckMode", (*session).startNoAck},
	{"qAttached", answer("1")}, // gdb detaches, and does not kill, when it quits
	{"qfThreadInfo", answer("m1")},
	{"qsThreadInfo", answer("l")},
	{"qThreadExtraInfo,", answer(hex.EncodeToString([]byte("CPU 0")))},
	{"qC", (*session).currentThread},
	{"H", (*session).selectThread},
	{"T", (*session).threadAlive},
	{"D", (*session).detach},
	{"vKill;", (*session).vKill},
	{"k", (*session).kill},
}

func answer(reply string) func(*session, request) string {
	return func(*session, request) string { return reply }
}

func (s *session) supported(request) string {
	features := []string{
		fmt.Sprintf("PacketSize=%x", maxPacket),
		"QStartNoAckMode+", "qXfer:features:read+", "vContSupported+",
	}
	if _, ok := s.target.(Breakpointer); ok {
		features = append(features, "swbreak+", "hwbreak+")
	}
	if _, ok := s.target.(Reverser); ok {
		features = append(features, "ReverseStep+", "ReverseContinue+")
	}
	return strings.Join(features, ";")
}

// startNoAck takes effect with the reply, which gdb still acknowledges; acks
// are skipped by the reader anyway.
func (s *session) startNoAck(request) string {
	s.noAck = true
	return "OK"
}

// currentThread must not take the packets that begin with qC, qCRC among
// them.
func (s *session) currentThread(q request) string {
	if len(q.args) > 0 {
		return ""
	}
	return "QC1"
}

// selectThread takes any thread (0), all (-1) and the one there is.
func (s *session) selectThread(q request) string {
	if len(q.args) < 2 || !isThread(string(q.args[1:])) {
		return errorMalformed
	}
	return "OK"
}

func (s *session) threadAlive(q request) string {
	if !isThread(string(q.args)) {
		return errorMalformed
	}
	return "OK"
}

func isThread(id string) bool {
	return id == "0" || id == "-1" || id == "1" || id == "01"
}

func (s *session) detach(request) string {
	s.clearBreakpoints()
	s.finish(EndDetached)
	return "OK"
}

func (s *session) vKill(request) string {
	s.finish(EndKilled)
	return "OK"
}

func (s *session) kill(request) string {
	s.finish(EndKilled)
	return noReply
}
