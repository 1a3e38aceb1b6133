// SPDX-License-Identifier: GPL-2.0-or-later

package debug

import (
	"context"
	"encoding/binary"
	"net"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/emu/gdb"
	"github.com/uklemu/uklemu/internal/testguest"
)

func TestLinuxGoesBackToExactlyWhereItWas(t *testing.T) {
	r, table := linux(t, Options{Interval: 1_000_000}, "")
	getpid, ok := table.Address("__x64_sys_getpid")
	require.True(t, ok)
	r.breakAt(getpid)
	type place struct {
		registers gdb.Registers
		at        Position
		console   int
	}
	var hits []place
	for range 4 {
		require.Equal(t, gdb.StopBreakpoint, r.run().Reason, "%s", r.console.String())
		hits = append(hits, place{r.registers(), r.Position(), r.console.Len()})
		r.step()
	}
	printed := r.console.String()

	// Steps across system call, interrupts and page faults.
	var steps []place
	for range 3000 {
		steps = append(steps, place{registers: r.registers(), at: r.Position()})
		r.step()
	}
	for i := len(steps) - 1; i >= len(steps)-5; i-- {
		require.Equal(t, gdb.StopStep, r.stepBack().Reason)
		require.Equal(t, steps[i].at, r.Position())
		require.Empty(t, cmp.Diff(steps[i].registers, r.registers()))
	}
	require.NoError(t, r.goTo(t.Context(), steps[0].at))
	for i := range steps {
		require.Equal(t, steps[i].at, r.Position())
		require.Empty(t, cmp.Diff(steps[i].registers, r.registers()))
		r.step()
	}

	require.NoError(t, r.goTo(t.Context(), steps[0].at))
	for i := len(hits) - 1; i >= 0; i-- {
		require.Equal(t, gdb.StopBreakpoint, r.runBack().Reason)
		require.Equal(t, hits[i].at, r.Position())
		require.Empty(t, cmp.Diff(hits[i].registers, r.registers()))
	}
	for i := 1; i < len(hits); i++ {
		r.step()
		require.Equal(t, gdb.StopBreakpoint, r.run().Reason)
		require.Equal(t, hits[i].at, r.Position())
		require.Empty(t, cmp.Diff(hits[i].registers, r.registers()))
	}
	require.Equal(t, printed, r.console.String(), "nothing is printed twice")
}

func TestLinuxIsWatched(t *testing.T) {
	r, table := linux(t, Options{}, "")
	start, _ := table.Address("start_kernel")
	r.breakAt(start)
	r.run()
	jiffies, ok := table.Address("jiffies_64")
	require.True(t, ok)
	value := func() uint64 {
		var b [8]byte
		_, err := r.ReadMemory(jiffies, b[:])
		require.NoError(t, err)
		return binary.LittleEndian.Uint64(b[:])
	}
	before := value()
	r.step()
	r.watch(gdb.WriteWatchpoint, jiffies, 8)
	for n := uint64(1); n <= 5; n++ {
		require.Equal(t, gdb.Stop{Reason: gdb.StopWatchpoint, Kind: gdb.WriteWatchpoint, Address: jiffies}, r.run())
		require.Equal(t, before+n, value())
	}
	for n := uint64(5); n > 0; n-- {
		require.Equal(t, gdb.StopWatchpoint, r.runBack().Reason)
		require.Equal(t, before+n-1, value(), "back before the write")
	}
	require.Equal(t, gdb.StopBreakpoint, r.runBack().Reason)
	require.EqualValues(t, start, r.registers().RIP)
}

func TestWhatWasTypedIsTypedAgainInAReplay(t *testing.T) {
	r, table := linux(t, Options{Interval: 2_000_000, Input: true}, "rdinit=/bin/echo")
	ctx, cancel := context.WithCancel(t.Context())
	r.m.Observe(r.after("echo: ready", func() { r.Type([]byte("forwards\n")) }))
	r.m.Observe(r.after("echo: forwards", func() { r.Type([]byte("and on\n")) }))
	r.m.Observe(r.after("echo: and on", cancel))
	require.Equal(t, gdb.StopInterrupt, r.must(r.Continue(ctx)).Reason)
	printed := r.console.String()
	end, there := r.Position(), r.registers()
	require.Len(t, r.history.typed, 2)

	read, _ := table.Address("ksys_read")
	r.breakAt(read)
	require.Equal(t, gdb.StopBreakpoint, r.runBack().Reason)
	require.Equal(t, gdb.StopBreakpoint, r.runBack().Reason)
	require.NoError(t, r.goTo(t.Context(), r.history.checkpoints[0].Position))
	require.NoError(t, r.goTo(t.Context(), end))
	require.Equal(t, there, r.registers())
	require.Equal(t, printed, r.console.String())

	r.Type([]byte("exit 7\n"))
	for range 10 { // the breakpoint is on the way
		r.step()
		if stop := r.run(); stop.Reason == gdb.StopExited {
			require.Equal(t, gdb.Stop{Reason: gdb.StopExited, Code: 7}, stop)
			return
		}
	}
	t.Fatal(r.console.String())
}

func TestMemoryForGoingBackStaysWithinItsBudget(t *testing.T) {
	const budget = 8 << 20
	r, table := linux(t, Options{Interval: 200_000, Budget: budget}, "")
	init, _ := table.Address("kernel_init")
	r.breakAt(init)
	r.run()
	h := &r.history
	require.Greater(t, len(h.checkpoints), 3)
	require.LessOrEqual(t, h.size(), int64(budget))
	there := r.registers()
	gap := func(i int) uint64 { return h.checkpoints[i+1].Instructions - h.checkpoints[i].Instructions }
	require.Greater(t, gap(0), gap(len(h.checkpoints)-2), "the older, the farther apart")
	r.step()
	r.runBack()
	require.Equal(t, there, r.registers())
	require.NoError(t, r.goTo(t.Context(), Position{Instructions: r.Position().Instructions / 2}))
	require.Equal(t, gdb.StopBreakpoint, r.run().Reason)
	require.Equal(t, there, r.registers())
}

// gdbBatch runs Debian's gdb against the machine.
func gdbBatch(t *testing.T, r *rig, commands ...string) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- gdb.Serve(ctx, listener, r) }()
	args := []string{"-nx", "-batch", "-ex", "set width 0", "-ex", "set confirm off", "-ex", "target remote " + listener.Addr().String()}
	for _, c := range commands {
		args = append(args, "-ex", c)
	}
	out, err := exec.Command("gdb", append(args, testguest.Path(t, "stock", "vmlinux"))...).CombinedOutput()
	cancel()
	require.NoError(t, <-served)
	require.NoError(t, err, "%s", out)
	return string(out)
}

func TestGDBDebugsLinux(t *testing.T) {
	r, _ := linux(t, Options{}, "")
	out := gdbBatch(t, r,
		"hbreak start_kernel", "continue", "bt", "p $cs", "p $cr3", "p $cr0", "p/x $gs_base == $k_gs_base", "p/x $xmm0", "x/s linux_banner",
		"delete", "break do_exit", "continue", "bt", "p/x $gs_base", "p $efer",
		"stepi", "x/i $rip", "p/x $rsp", "reverse-stepi", "p $rip", "info registers rip",
		"finish")
	for _, line := range []string{
		"Breakpoint 1, start_kernel () at init/main.c:", "in x86_64_start_kernel (", "in secondary_startup_64 () at arch/x86/kernel/head_64.S:",
		"$1 = 16\n", "$2 = [ PCID=0 PDBR=", "$3 = [ PE MP ET NE WP AM PG ]\n", "$4 = 0x0\n", "$5 = {v4_float = {", "Linux version 6.1",
		"Breakpoint 2, do_exit (code=", "__x64_sys_exit_group (", "do_syscall_64 (", "in entry_SYSCALL_64 () at arch/x86/entry/entry_64.S:",
		"$7 = [ SCE LME LMA NXE ]\n", "=> 0xffffffff", "$9 = (void (*)()) 0xffffffff", "<do_exit>\n",
	} {
		require.Contains(t, out, line)
	}
}

func TestGDBGoesBackInLinux(t *testing.T) {
	r, _ := linux(t, Options{}, "")
	out := gdbBatch(t, r,
		"break kernel_init", "continue", "p/x $rsp", "p $rip",
		"watch jiffies_64", "p jiffies_64", "continue", "continue", "p jiffies_64", "bt 3",
		"reverse-continue", "p jiffies_64", "reverse-continue", "p jiffies_64",
		"reverse-continue", "p/x $rsp", "p $rip",
		"delete", "reverse-continue", "p $rip", "monitor position", "monitor help")
	for _, line := range []string{
		"$1 = 0xffff", "Old value = 4294892296\nNew value = 4294892297\n", "Old value = 4294892297\nNew value = 4294892298\n", "$4 = 4294892298\n",
		"Old value = 4294892298\nNew value = 4294892297\n", "$5 = 4294892297\n", "$6 = 4294892296\n",
		"No more reverse-execution history.\n0x0000000001000000 in ?? ()\n", "here:  0 instructions, 0 exceptions and interrupts, 0.000000 ms",
		"postmortem   registers, backtrace and last instructions\n",
	} {
		require.Contains(t, out, line)
	}
	require.Equal(t, 2, strings.Count(out, "Breakpoint 1, kernel_init ("), "forwards and backwards")
	require.Equal(t, between(out, "$1 = ", "\n"), between(out, "$7 = ", "\n"), "RSP as it was")
}

func between(text, start, end string) string {
	_, text, _ = strings.Cut(text, start)
	text, _, _ = strings.Cut(text, end)
	return text
}
