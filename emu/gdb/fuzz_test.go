// SPDX-License-Identifier: GPL-2.0-or-later

package gdb

import (
	"bytes"
	"context"
	"io"
	"testing"
)

// quiet is a line on which anything is said and nobody listens.
type quiet struct{ io.Reader }

func (quiet) Write(p []byte) (int, error) { return len(p), nil }
func (quiet) Close() error                { return nil }

func FuzzServeConn(f *testing.F) {
	for _, seed := range []string{
		"qSupported:xmlRegisters=i386", "QStartNoAckMode", "?", "g", "G00", "p10", "P10=0000000000000000",
		"m1000,10", "M1000,1:90", "X1000,1:}\x03", "vCont;c", "vCont;r1000,1010:1", "Z0,1000,1", "z2,1000,8",
		"bs", "bc", "qRcmd,68656c70", "qXfer:features:read:target.xml:0,fff", "H-1", "D", "k", "vKill;1",
	} {
		f.Add(appendPacket(nil, seed))
	}
	f.Add([]byte("$m0,ffffffffffffffff#"))
	f.Add([]byte("\x03-$#00+++"))
	f.Fuzz(func(t *testing.T, said []byte) {
		target := &fake{stride: 1, memory: memoryOf(0x1000, make([]byte, 64)...),
			stops: []Stop{{Reason: StopBreakpoint}, {Reason: StopWatchpoint, Kind: 99}, {Reason: StopExited}}}
		ServeConn(t.Context(), quiet{bytes.NewReader(said)}, target)
	})
}

// FuzzDispatch reaches the handlers without having to guess a checksum.
func FuzzDispatch(f *testing.F) {
	for _, c := range commands {
		f.Add([]byte(c.prefix))
		f.Add([]byte(c.prefix + "1000,1:00"))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		interrupted, cancel := context.WithCancel(t.Context())
		cancel() // or a step over a range takes as long as the range is
		target := &fake{stride: 1, memory: memoryOf(0x1000, make([]byte, 64)...)}
		s := newSession(io.Discard, target)
		reply := s.dispatch(request{args: body, ctx: interrupted})
		if len(reply) > maxPacket {
			t.Fatalf("%d bytes in reply to %q", len(reply), body)
		}
	})
}
