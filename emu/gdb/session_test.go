// SPDX-License-Identifier: GPL-2.0-or-later

package gdb

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// ask sends one packet to a new session.
func ask(t *testing.T, target Target, packet string) string {
	t.Helper()
	s := newSession(&bytes.Buffer{}, target)
	return s.dispatch(request{args: []byte(packet), ctx: t.Context()})
}

func TestPacketsAreAnsweredAsTheManualSays(t *testing.T) {
	at := "06:0000000000000000;07:0000000000000000;10:0010000000000000;"
	for _, c := range []struct {
		name, packet, want string
		stop               Stop
	}{
		{name: "an unknown v packet gets the empty reply", packet: "vMustReplyEmpty", want: ""},
		{name: "an unknown query gets the empty reply", packet: "qOffsets", want: ""},
		{name: "a CRC is no thread", packet: "qCRC:0,4", want: ""},
		{name: "the thread is 1", packet: "qC", want: "QC1"},
		{name: "there is one thread", packet: "qfThreadInfo", want: "m1"},
		{name: "and no other", packet: "qsThreadInfo", want: "l"},
		{name: "gdb has attached", packet: "qAttached", want: "1"},
		{name: "any thread may be selected", packet: "Hg0", want: "OK"},
		{name: "all threads may be selected", packet: "Hc-1", want: "OK"},
		{name: "another thread may not", packet: "Hg2", want: "E16"},
		{name: "thread 1 is alive", packet: "T1", want: "OK"},
		{name: "thread 7 is not", packet: "T7", want: "E16"},
		{name: "memory is read", packet: "m2000,2", want: "abcd"},
		{name: "a partial read returns the part", packet: "m2002,8", want: "ef"},
		{name: "an unmapped read is an error", packet: "m3000,1", want: "E0e"},
		{name: "a read of nothing is nothing", packet: "m2000,0", want: ""},
		{name: "a read needs a length", packet: "m2000", want: "E16"},
		{name: "memory is written in hexadecimal", packet: "M2000,2:0102", want: "OK"},
		{name: "a write of another length is refused", packet: "M2000,3:0102", want: "E16"},
		{name: "a write to nowhere is an error", packet: "M3000,1:01", want: "E0e"},
		{name: "memory is written in binary, escaped", packet: "X2000,1:}\x03", want: "OK"},
		{name: "gdb probes for X with no data", packet: "X0,0:", want: "OK"},
		{name: "one register", packet: "p10", want: "0010000000000000"},
		{name: "a register that is not there", packet: "pff", want: "E16"},
		{name: "a register is written", packet: "P0=0100000000000000", want: "OK"},
		{name: "a register of another size", packet: "P0=01", want: "E.rax has 8 bytes, not 1"},
		{name: "the first stop is a trap", packet: "?", want: "T05thread:1;" + at},
		{name: "a step", packet: "s", want: "T05thread:1;" + at},
		{name: "a step from elsewhere", packet: "s1000", want: "T05thread:1;" + at},
		{name: "a software breakpoint", packet: "c", stop: Stop{Reason: StopBreakpoint},
			want: "T05thread:1;swbreak:;" + at},
		{name: "a hardware breakpoint", packet: "vCont;c", stop: Stop{Reason: StopBreakpoint, Kind: HardwareBreakpoint},
			want: "T05thread:1;hwbreak:;" + at},
		{name: "a watchpoint says what was watched", packet: "c",
			stop: Stop{Reason: StopWatchpoint, Kind: AccessWatchpoint, Address: 0xffff888000001000},
			want: "T05thread:1;awatch:ffff888000001000;" + at},
		{name: "an interrupt is SIGINT", packet: "c", stop: Stop{Reason: StopInterrupt}, want: "T02thread:1;" + at},
		{name: "a page fault is SIGSEGV", packet: "C05", stop: Stop{Reason: StopException, Vector: 14},
			want: "T0bthread:1;" + at},
		{name: "a divide error is SIGFPE", packet: "S05;1000", stop: Stop{Reason: StopException, Vector: 0},
			want: "T08thread:1;" + at},
		{name: "a vector of the program's own is SIGTRAP", packet: "c", stop: Stop{Reason: StopException, Vector: 0x80},
			want: "T05thread:1;" + at},
		{name: "a triple fault is SIGABRT and can be looked at", packet: "c", stop: Stop{Reason: StopShutdown},
			want: "T06thread:1;" + at},
		{name: "the machine's end", packet: "c", stop: Stop{Reason: StopExited, Code: 3}, want: "W03"},
		{name: "the beginning of history", packet: "bc", stop: Stop{Reason: StopHistory},
			want: "T05thread:1;replaylog:begin;" + at},
		{name: "its end", packet: "c", stop: Stop{Reason: StopHistory, AtEnd: true},
			want: "T05thread:1;replaylog:end;" + at},
		{name: "one step back", packet: "bs", want: "T05thread:1;" + at},
		{name: "actions", packet: "vCont?", want: "vCont;c;C;s;S;r"},
		{name: "an action that is not one", packet: "vCont;x", want: "E16"},
		{name: "no action", packet: "vCont;", want: "E16"},
		{name: "a thread's action", packet: "vCont;s:1;c", want: "T05thread:1;" + at},
		{name: "a breakpoint of an unknown type", packet: "Z5,1000,1", want: "E16"},
		{name: "a breakpoint without a length", packet: "Z0,1000", want: "E16"},
		{name: "an unknown annex", packet: "qXfer:features:read:other.xml:0,10", want: "E00"},
		{name: "nothing after the end", packet: "qXfer:features:read:target.xml:fffff,10", want: "l"},
		{name: "the window's start", packet: "qXfer:features:read:target.xml:0,5", want: "m<?xml"},
		{name: "no hexadecimal", packet: "Gxy", want: "E16"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := &fake{memory: memoryOf(0x2000, 0xab, 0xcd, 0xef), stops: []Stop{c.stop}}
			f.registers.RIP = 0x1000
			require.Equal(t, c.want, ask(t, f, c.packet))
		})
	}
}

func TestWhatATargetCannotDoIsNotAnnounced(t *testing.T) {
	all := ask(t, &fake{}, "qSupported:swbreak+")
	require.Equal(t, "PacketSize=4000;QStartNoAckMode+;qXfer:features:read+;vContSupported+;"+
		"swbreak+;hwbreak+;ReverseStep+;ReverseContinue+", all)

	least := plain{&fake{}}
	require.Equal(t, "PacketSize=4000;QStartNoAckMode+;qXfer:features:read+;vContSupported+",
		ask(t, least, "qSupported:swbreak+"))
	for _, packet := range []string{"bs", "bc", "Z0,1000,1", "z0,1000,1", "qRcmd,68"} {
		require.Empty(t, ask(t, least, packet), packet)
	}
}

func TestRegistersGoThereAndBackInOnePacket(t *testing.T) {
	var r Registers
	for i := range r.GPR {
		r.GPR[i] = uint64(i+1) * 0x0101010101010101
	}
	for i := range r.Segment {
		r.Segment[i] = uint16(8 * i)
	}
	for i := range r.ST {
		r.ST[i][9] = byte(i + 1)
	}
	for i := range r.XMM {
		r.XMM[i][15] = byte(i + 1)
	}
	r.RIP, r.RFLAGS, r.MXCSR = 0xffffffff81000000, 0x246, 0x1f80
	r.FSBase, r.GSBase, r.KernelGSBase = 1, 2, 3
	r.CR0, r.CR2, r.CR3, r.CR4, r.CR8, r.EFER = 4, 5, 6, 7, 8, 9
	r.DR = [8]uint64{10, 11, 12, 13, 0, 0, 14, 15}
	r.X87 = X87{1, 2, 3, 4, 5, 6, 7, 8}

	packet := ask(t, &fake{registers: r}, "g")
	to := &fake{}
	require.Equal(t, "OK", ask(t, to, "G"+packet))
	require.Equal(t, r, to.registers)
}

func TestAShortRegisterFileChangesNoMore(t *testing.T) {
	to := &fake{}
	to.registers.RIP = 7
	require.Equal(t, "OK", ask(t, to, "G0100000000000000"+"02"))
	require.Equal(t, uint64(1), to.registers.GPR[0])
	require.Equal(t, uint64(0), to.registers.GPR[3])
	require.Equal(t, uint64(7), to.registers.RIP)
}

func TestARefusedRegisterSaysWhy(t *testing.T) {
	f := &fake{refuse: errors.New("CR0.PG without CR0.PE\nis #GP")}
	require.Equal(t, "E.CR0.PG without CR0.PE is #GP", ask(t, f, "P0=0100000000000000"))
	require.Equal(t, "E.CR0.PG without CR0.PE is #GP", ask(t, f, "c1234"))
}

func TestRangeStepsEndOutsideAtABreakpointOrAtAnInterrupt(t *testing.T) {
	f := &fake{stride: 1}
	s := newSession(&bytes.Buffer{}, f)
	step := func(ctx context.Context) string {
		f.registers.RIP, f.calls = 0x1000, nil
		return s.dispatch(request{args: []byte("vCont;r1000,1008:1"), ctx: ctx})
	}
	require.Contains(t, step(t.Context()), "T05thread:1;06:")
	require.Equal(t, uint64(0x1008), f.registers.RIP)

	require.Equal(t, "OK", s.dispatch(request{args: []byte("Z0,1004,1")}))
	require.Contains(t, step(t.Context()), "swbreak")
	require.Equal(t, uint64(0x1004), f.registers.RIP)

	done, cancel := context.WithCancel(t.Context())
	cancel()
	require.Contains(t, step(done), "T02")
	require.Equal(t, uint64(0x1001), f.registers.RIP)
}

func TestBreakpointsAreSetOnceAndGoWithTheSession(t *testing.T) {
	f := &fake{}
	s := newSession(&bytes.Buffer{}, f)
	for _, packet := range []string{"Z0,1000,1", "Z0,1000,1", "Z2,2000,8", "z1,1000,1", "z0,1000,1"} {
		require.Equal(t, "OK", s.dispatch(request{args: []byte(packet)}), packet)
	}
	require.Equal(t, []string{"set 0 0x1000 1", "set 2 0x2000 8", "clear 0 0x1000 1"}, f.calls)
	require.Equal(t, "OK", s.dispatch(request{args: []byte("D")}))
	require.Equal(t, "clear 2 0x2000 8", f.calls[3])
	require.True(t, s.ended)
	require.Equal(t, EndDetached, s.end)
}

func TestBreakpointsAreBounded(t *testing.T) {
	s := newSession(&bytes.Buffer{}, &fake{})
	for i := range maxBreakpoints {
		s.breakpoints[Breakpoint{Address: uint64(i)}] = struct{}{}
	}
	require.Equal(t, "E.too many breakpoints", s.dispatch(request{args: []byte("Z0,ffffffff,1")}))
}

func TestMonitorOutputIsPrinted(t *testing.T) {
	var out bytes.Buffer
	s := newSession(&out, &fake{})
	say := func(text string) string {
		out.Reset()
		return s.dispatch(request{args: []byte("qRcmd," + hex.EncodeToString([]byte(text)))})
	}
	require.Equal(t, "OK", say("info tlb"))
	require.Contains(t, out.String(), "$O"+hex.EncodeToString([]byte("you said info tlb\n"))+"#")
	require.Equal(t, "OK", say("fail"))
	require.Contains(t, out.String(), hex.EncodeToString([]byte("there is no command fail\n")))
	require.Equal(t, "OK", say(strings.Repeat("x", maxPacket)))
	require.Equal(t, 3, strings.Count(out.String(), "$O"))
	require.Equal(t, "E16", s.dispatch(request{args: []byte("qRcmd,6")}))
}

func TestThePrefixesOfPacketsHideNoOther(t *testing.T) {
	for i, c := range commands {
		for _, before := range commands[:i] {
			require.False(t, strings.HasPrefix(c.prefix, before.prefix), "%s hides %s", before.prefix, c.prefix)
		}
	}
}
