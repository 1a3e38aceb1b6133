// SPDX-License-Identifier: GPL-2.0-or-later

package gdb

import (
	"encoding/hex"
	"strings"
)

var monitorCommands = []command{
	{"qRcmd,", (*session).monitor},
}

// monitor hands gdb's "monitor TEXT" to the machine. What it prints goes out
// in O packets, because a reply has no continuation.
func (s *session) monitor(q request) string {
	target, ok := s.target.(Monitor)
	if !ok {
		return ""
	}
	text, ok := decodeHex(q.args)
	if !ok {
		return errorMalformed
	}
	output, err := target.Monitor(q.ctx, strings.TrimSpace(string(text)))
	if err != nil {
		// gdb prints an error reply without its text.
		output += err.Error() + "\n"
	}
	for len(output) > 0 {
		n := min(len(output), maxPacket/2-1)
		if err := s.reply("O" + hex.EncodeToString([]byte(output[:n]))); err != nil {
			s.finish(EndClosed)
			return noReply
		}
		output = output[n:]
	}
	return "OK"
}
