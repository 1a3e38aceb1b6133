// SPDX-License-Identifier: GPL-2.0-or-later

package gdb

import (
	"bytes"
	"context"
	"net"
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"
)

// debug runs gdb's commands against a toy and returns what gdb says. After
// the machine runs without end, it sends gdb a ^C.
func debug(t *testing.T, target *toy, commands ...string) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- Serve(ctx, listener, target) }()

	args := []string{"-nx", "-batch", "-ex", "set confirm off", "-ex", "set width 0",
		"-ex", "target remote " + listener.Addr().String()}
	for _, c := range commands {
		args = append(args, "-ex", c)
	}
	var out bytes.Buffer
	command := exec.Command("gdb", args...)
	command.Stdout, command.Stderr = &out, &out
	require.NoError(t, command.Start(), "these tests need gdb")
	over := make(chan error, 1)
	go func() { over <- command.Wait() }()
	for running := true; running; {
		select {
		case <-target.running:
			require.NoError(t, command.Process.Signal(os.Interrupt))
		case <-over: // gdb's status is that of its last command
			running = false
		}
	}
	cancel()
	require.NoError(t, <-served)
	return out.String()
}

func TestGDBKnowsEveryRegisterByName(t *testing.T) {
	out := debug(t, newToy(),
		"p/x $rip", "p $eflags", "p/x $cs", "p/x $fs_base", "p/x $gs_base", "p/x $k_gs_base",
		"p $cr0", "p/x $cr2", "p $cr3", "p $cr4", "p $efer", "p/x $cr8", "p/x $dr7", "p/x $mxcsr",
		"p $xmm3.v4_int32", "p $st0", "p/x $fctrl", "info registers", "info registers system", "info all-registers")
	for _, line := range []string{
		"$1 = 0x100000", "$2 = [ IF IOPL=0 ]", "$3 = 0x10", "$4 = 0x7f0000001000",
		"$5 = 0xffff888000002000", "$6 = 0x3000", "$7 = [ PE MP ET NE WP AM PG ]", "$8 = 0xdead000",
		"$9 = [ PCID=0 PDBR=1 ]", "$10 = [ PSE PAE PGE OSFXSR OSXMMEXCPT ]",
		"$11 = [ SCE LME LMA NXE ]", "$12 = 0x1", "$13 = 0x400", "$14 = 0x1f80",
		"$15 = {1, 2, 3, 4}", "$16 = 1", "$17 = 0x37f",
	} {
		require.Contains(t, out, line+"\n")
	}
	for _, r := range registerList {
		require.Regexp(t, `(?m)^`+r.name+` `, out)
	}
}

func TestGDBWritesRegistersAndMemory(t *testing.T) {
	machine := newToy()
	out := debug(t, machine,
		"set $rbx = 0x1234", "set $cr2 = 0x5678", "set $xmm0.v2_int64[1] = 7",
		"set *(long*)0x100900 = 0x1122334455667788", "x/2xg 0x100900",
		"x/xb 0x100fff", "x/xb 0x101000", "set $cr0 = 0L", "stepi", "x/i $rip")
	require.Contains(t, out, "0x100900:\t0x1122334455667788\t0x0000000000000000\n")
	require.Contains(t, out, "0x100fff:\t0x00\n")
	require.Contains(t, out, "Cannot access memory at address 0x101000\n")
	require.Contains(t, out, "this machine has no real mode")
	require.Contains(t, out, "=> 0x100001:\tnop\n")
	require.Equal(t, uint64(0x1234), machine.now.registers.GPR[3])
	require.Equal(t, uint64(0x5678), machine.now.registers.CR2)
	require.Equal(t, byte(7), machine.now.registers.XMM[0][8])
}

func TestGDBRunsForwards(t *testing.T) {
	out := debug(t, newToy(),
		"stepi", "p/x $rip", "break *0x100010", "hbreak *0x100020", "continue", "p/x $rip", "continue",
		"p/x $rip", "delete", "watch *(long*)0x100800", "continue", "delete", "p $rax",
		"stepi 5", "p $rax")
	for _, line := range []string{
		"$1 = 0x100001", "Breakpoint 1, 0x0000000000100010 in ?? ()", "$2 = 0x100010",
		"Breakpoint 2, 0x0000000000100020 in ?? ()", "$3 = 0x100020",
		"Old value = 32", "New value = 33", "$4 = 33", "$5 = 38",
	} {
		require.Contains(t, out, line+"\n")
	}
}

func TestGDBRunsBackwards(t *testing.T) {
	out := debug(t, newToy(),
		"stepi 10", "break *0x100004", "p/x $rip", "reverse-stepi", "p/x $rip", "p $rax",
		"reverse-continue", "p/x $rip", "reverse-stepi", "p/x $rip",
		"delete", "reverse-continue", "p/x $rip", "p $rax")
	for _, line := range []string{
		"$1 = 0x10000a", "$2 = 0x100009", "$3 = 9", "Breakpoint 1, 0x0000000000100004 in ?? ()",
		"$4 = 0x100004", "$5 = 0x100003", "No more reverse-execution history.", "$6 = 0x100000", "$7 = 0",
	} {
		require.Contains(t, out, line+"\n")
	}
}

func TestGDBInterrupts(t *testing.T) {
	out := debug(t, newToy(), "continue", "p $rax", "continue", "p $rax")
	require.Contains(t, out, "Program received signal SIGINT, Interrupt.")
	require.Contains(t, out, "$1 = 512\n")
	require.Contains(t, out, "$2 = 1024\n")
}

func TestGDBHasTheMachinesOwnCommands(t *testing.T) {
	out := debug(t, newToy(), "monitor info toy", "monitor dance", "info threads")
	require.Contains(t, out, "a sled of NOPs\n")
	require.Contains(t, out, "only info toy is known\n")
	require.Contains(t, out, "* 1    Thread 1 (CPU 0)")
}
