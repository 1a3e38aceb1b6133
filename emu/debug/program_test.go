// SPDX-License-Identifier: GPL-2.0-or-later

package debug

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/emu/gdb"
	"github.com/uklemu/uklemu/emu/x86"
)

// counting counts in RAX and in memory, and writes a letter a round.
const counting = `
ba f8 03 00 00           mov edx, 0x3f8
31 db                    xor ebx, ebx
48 ff c3                 inc rbx            ; 0x200007
48 89 1c 25 00 00 30 00  mov [0x300000], rbx
48 8b 0c 25 08 00 30 00  mov rcx, [0x300008]
88 d8                    mov al, bl
24 0f                    and al, 0xf
04 61                    add al, 'a'
ee                       out dx, al
66 0f 6e c3              movd xmm0, ebx
eb e0                    jmp 0x200007`

const (
	loopAt  = programAt + 7
	storeAt = programAt + 10
	loadAt  = programAt + 18
)

func TestStepBackGivesExactlyTheStateBefore(t *testing.T) {
	for _, interval := range []uint64{1, 7, 1000} {
		r := program(t, Options{Interval: interval}, counting)
		type state struct {
			registers gdb.Registers
			memory    string
			position  Position
		}
		var past []state
		for range 60 {
			regs, page := r.state()
			past = append(past, state{regs, page, r.Position()})
			require.Equal(t, gdb.StopStep, r.step().Reason)
		}
		printed := r.console.String()
		for i := len(past) - 1; i >= 0; i-- {
			require.Equal(t, gdb.StopStep, r.stepBack().Reason)
			regs, page := r.state()
			require.Empty(t, cmp.Diff(past[i].registers, regs), "step %d", i)
			require.Equal(t, past[i].memory, page)
			require.Equal(t, past[i].position, r.Position())
		}
		require.Equal(t, gdb.StopHistory, r.stepBack().Reason)
		for i := range past {
			regs, _ := r.state()
			require.Empty(t, cmp.Diff(past[i].registers, regs), "again, step %d", i)
			r.step()
		}
		require.Equal(t, printed, r.console.String(), "nothing is printed twice")
		r.step()
		for range 30 {
			r.step()
		}
		require.Equal(t, "bcdefghijk", r.console.String()[:10], "and then it goes on")
	}
}

func TestBreakpointsStopForwardsAndBackwards(t *testing.T) {
	r := program(t, Options{Interval: 20}, counting)
	r.breakAt(loopAt)
	var hits []Position
	for range 20 {
		require.Equal(t, gdb.Stop{Reason: gdb.StopBreakpoint, Address: loopAt}, r.run())
		require.EqualValues(t, loopAt, r.registers().RIP)
		require.Equal(t, r.run(), r.run(), "before a breakpoint nothing is executed")
		hits = append(hits, r.Position())
		r.step()
	}
	for i := len(hits) - 1; i >= 0; i-- {
		require.Equal(t, gdb.Stop{Reason: gdb.StopBreakpoint, Address: loopAt}, r.runBack())
		require.Equal(t, hits[i], r.Position())
		require.EqualValues(t, i, r.registers().GPR[x86.RBX])
	}
	require.Equal(t, gdb.StopHistory, r.runBack().Reason)
	require.EqualValues(t, programAt, r.registers().RIP)
	require.Equal(t, gdb.StopHistory, r.runBack().Reason)
	require.Equal(t, gdb.StopBreakpoint, r.run().Reason)
	require.Equal(t, hits[0], r.Position(), "and forwards again through what is known")
}

func TestAWatchpointStopsAfterTheAccessForwardsAndBeforeItBackwards(t *testing.T) {
	for _, test := range []struct {
		name          string
		kind          gdb.Kind
		address       uint64
		after, before uint64 // RIP
	}{
		{"write", gdb.WriteWatchpoint, dataAt, loadAt, storeAt},
		{"a byte within what is written", gdb.WriteWatchpoint, dataAt + 3, loadAt, storeAt},
		{"read", gdb.ReadWatchpoint, dataAt + 8, loadAt + 8, loadAt},
		{"access", gdb.AccessWatchpoint, dataAt + 8, loadAt + 8, loadAt},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := program(t, Options{Interval: 20}, counting)
			r.watch(test.kind, test.address, 1)
			stop := gdb.Stop{Reason: gdb.StopWatchpoint, Kind: test.kind, Address: test.address}
			for n := range uint64(5) {
				require.Equal(t, stop, r.run())
				require.Equal(t, test.after, r.registers().RIP)
				require.Equal(t, n+1, r.registers().GPR[x86.RBX])
			}
			for n := uint64(5); n > 0; n-- {
				require.Equal(t, stop, r.runBack())
				require.Equal(t, test.before, r.registers().RIP)
				require.Equal(t, n, r.registers().GPR[x86.RBX])
			}
			require.Equal(t, stop, r.run())
			require.EqualValues(t, 1, r.registers().GPR[x86.RBX])
		})
	}
}

func TestAStepOverAWatchedAccessSaysSo(t *testing.T) {
	r := program(t, Options{}, counting)
	r.breakAt(storeAt)
	r.run()
	b := r.watch(gdb.WriteWatchpoint, dataAt, 8)
	require.Equal(t, gdb.StopWatchpoint, r.step().Reason)
	require.NoError(t, r.ClearBreakpoint(b))
	require.Equal(t, gdb.StopStep, r.step().Reason)
}

func TestWatchpointsThatCannotBe(t *testing.T) {
	r := program(t, Options{}, counting)
	require.ErrorContains(t, r.SetBreakpoint(gdb.Breakpoint{Kind: gdb.WriteWatchpoint, Address: 8}), "length")
	require.ErrorContains(t, r.SetBreakpoint(gdb.Breakpoint{Kind: gdb.WriteWatchpoint, Address: ^uint64(0), Length: 2}), "end of memory")
	require.ErrorContains(t, r.SetBreakpoint(gdb.Breakpoint{Kind: gdb.WriteWatchpoint, Address: 0, Length: 1 << 20}), "there can be 12 in all")
}

func TestAClearedBreakpointIsGone(t *testing.T) {
	r := program(t, Options{Interval: 10}, counting)
	soft := r.breakAt(loopAt)
	hard := gdb.Breakpoint{Kind: gdb.HardwareBreakpoint, Address: loopAt, Length: 1}
	require.NoError(t, r.SetBreakpoint(hard))
	other := r.breakAt(storeAt)
	require.NoError(t, r.ClearBreakpoint(soft))
	require.EqualValues(t, loopAt, r.must(r.Continue(t.Context())).Address)
	r.step()
	require.EqualValues(t, storeAt, r.run().Address)
	require.NoError(t, r.ClearBreakpoint(hard))
	r.step()
	require.EqualValues(t, storeAt, r.run().Address)
	require.NoError(t, r.ClearBreakpoint(other))
	require.NoError(t, r.ClearBreakpoint(other))
	require.Equal(t, gdb.StopHistory, r.runBack().Reason)
}

func TestTheContextEndsARunEitherWay(t *testing.T) {
	r := program(t, Options{Interval: 1000}, counting)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.Equal(t, gdb.StopInterrupt, r.must(r.Continue(ctx)).Reason)
	for range 3 {
		r.step()
	}
	require.Equal(t, gdb.StopInterrupt, r.must(r.ContinueBack(ctx)).Reason)
}

func TestWritingRegistersAndMemoryMakesANewFuture(t *testing.T) {
	r := program(t, Options{Interval: 10}, counting)
	r.breakAt(loopAt)
	for range 10 {
		r.run()
		r.step()
	}
	for range 5 {
		r.runBack()
	}
	require.EqualValues(t, 5, r.registers().GPR[x86.RBX])
	regs := r.registers()
	regs.GPR[x86.RBX] = 100
	regs.XMM[3] = [16]byte{1, 2, 3}
	regs.ST[0], regs.X87.Tag = [10]byte{7: 0x80, 8: 0xff, 9: 0x3f}, 0x5554 // 1.0, valid
	require.NoError(t, r.SetRegisters(regs))
	_, err := r.WriteMemory(dataAt+8, []byte{0x77})
	require.NoError(t, err)
	edited := r.registers()
	require.Equal(t, regs, edited)

	r.step()
	r.run()
	require.EqualValues(t, 101, r.registers().GPR[x86.RBX])
	require.EqualValues(t, 0x77, r.registers().GPR[x86.RCX])
	require.Equal(t, regs.XMM[3], r.registers().XMM[3])
	there := r.registers()

	r.runBack()
	require.Equal(t, edited, r.registers(), "the past has the change where it was made")
	r.runBack()
	require.EqualValues(t, 4, r.registers().GPR[x86.RBX], "and not before")
	r.step()
	r.run()
	require.Equal(t, edited, r.registers())
	r.step()
	r.run()
	require.Equal(t, there, r.registers(), "a replay makes it again")
}

func TestRegistersThatTheCPUCouldNotHold(t *testing.T) {
	r := program(t, Options{}, counting)
	for name, edit := range map[string]func(*gdb.Registers){
		"rip: 0x800000000000 is not canonical":     func(r *gdb.Registers) { r.RIP = 1 << 47 },
		"gs_base: 0x800000000000 is not canonical": func(r *gdb.Registers) { r.GSBase = 1 << 47 },
		"segment registers cannot be written":      func(r *gdb.Registers) { r.Segment[1] = 0x33 },
		"cr0: the CPU refuses 0x80000000":          func(r *gdb.Registers) { r.CR0 = 1 << 31 },
		"cr4: the CPU refuses 0x0":                 func(r *gdb.Registers) { r.CR4 = 0 },
		"dr7: the CPU refuses":                     func(r *gdb.Registers) { r.DR[7] = 1 << 40 },
		"efer cannot be written":                   func(r *gdb.Registers) { r.EFER = 0 },
		"cr8 cannot be written":                    func(r *gdb.Registers) { r.CR8 = 3 },
	} {
		before := r.registers()
		regs := before
		edit(&regs)
		require.ErrorContains(t, r.SetRegisters(regs), name)
		require.Equal(t, before, r.registers())
	}
	regs := r.registers()
	regs.CR0 |= x86.CR0WP
	regs.FSBase, regs.DR[0] = 0x1234, 0x5678
	require.NoError(t, r.SetRegisters(regs))
	require.Equal(t, regs, r.registers())
}
