// SPDX-License-Identifier: GPL-2.0-or-later

package ukl

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/corpus"
	"github.com/uklemu/uklemu/emu"
	"github.com/uklemu/uklemu/emu/boot"
	"github.com/uklemu/uklemu/emu/x86"
)

// TestApplicationsSayTheSameEverywhere runs each guest in the emulator and
// under QEMU: its application passes, with the lines that it has as an ordinary
// program of an ordinary kernel.
func TestApplicationsSayTheSameEverywhere(t *testing.T) {
	for _, g := range guests(t) {
		t.Run(nameOf(g), func(t *testing.T) {
			t.Parallel()
			app := application(t, g)
			for _, where := range []struct {
				name string
				run  func(testing.TB, corpus.Guest, string) outcome
			}{{"the emulator", emulate}, {"QEMU", qemu}} {
				o := where.run(t, g, "")
				require.Equal(t, "debug-exit 0", o.end, "%s; the console:\n%s", where.name, o.console)
				if diff := cmp.Diff(expected(t, app), spoken(o.console, app)); diff != "" {
					t.Errorf("in %s the application says (+), expected (-):\n%s", where.name, diff)
				}
				require.Empty(t, splats.FindString(o.console), "%s; the console:\n%s", where.name, o.console)
			}
		})
	}
}

// TestOrdinaryProgramsRunBesideTheApplication runs the same program in CPL 3 of
// a UKL kernel.
func TestOrdinaryProgramsRunBesideTheApplication(t *testing.T) {
	for _, g := range guests(t) {
		t.Run(nameOf(g), func(t *testing.T) {
			t.Parallel()
			app := application(t, g)
			o := emulate(t, g, "app=/bin/"+app)
			require.Equal(t, "debug-exit 0", o.end, "the console:\n%s", o.console)
			// The tour tries to execute the application. The application
			// itself is refused a second one of its kind; here it starts.
			said := slices.DeleteFunc(spoken(o.console, app), func(line string) bool { return line == app+": passed 0 of 0" })
			require.Empty(t, cmp.Diff(expected(t, app), said))
			require.Empty(t, splats.FindString(o.console))
		})
	}
}

// outcome is how a guest ended, and what it said.
type outcome struct {
	end     string // as emu.Stop prints it
	console string
}

// bound is far more than any guest needs: a guest that hangs ends there.
const bound = 40_000_000_000

// emulate boots the guest's vmlinux in the emulator.
func emulate(t testing.TB, g corpus.Guest, more string) outcome {
	t.Helper()
	image, err := boot.Open(g.Vmlinux)
	require.NoError(t, err)
	initrd, err := os.ReadFile(g.Initrd)
	require.NoError(t, err)
	cpu, err := x86.ParseCPU("")
	require.NoError(t, err)
	var console bytes.Buffer
	m, err := emu.New(emu.Config{CPU: cpu, Console: &console})
	require.NoError(t, err)
	defer m.Close()
	require.NoError(t, m.Boot(image, boot.Options{Initrd: initrd, CommandLine: g.Append + " " + more}))
	stop := m.Run(emu.Until{Instructions: bound})
	return outcome{stop.String(), console.String()}
}

// patience is for a guest that hangs in QEMU, not a measure of anything.
const patience = 10 * time.Minute

// qemu boots the guest's bzImage, through the decompressor. Without
// no_timer_check the kernel panics where QEMU gets too little time of the host
// to deliver a few interrupts in time.
func qemu(t testing.TB, g corpus.Guest, more string) outcome {
	t.Helper()
	binary, err := exec.LookPath("qemu-system-x86_64")
	require.NoError(t, err, "this test compares with QEMU: Debian's package qemu-system-x86 has it")
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	command := exec.CommandContext(ctx, binary, "-accel", "tcg", "-cpu", "max", "-m", "256", "-display", "none", "-serial", "stdio",
		"-no-reboot", "-device", "isa-debug-exit,iobase=0xf4,iosize=4",
		"-kernel", g.BzImage, "-initrd", g.Initrd, "-append", g.Append+" no_timer_check "+more)
	var console, complaints bytes.Buffer
	command.Stdout, command.Stderr = &console, &complaints
	err = command.Run()
	require.NoError(t, ctx.Err(), "QEMU did not end; its console:\n%s", console.String())
	var exit *exec.ExitError
	if err == nil {
		return outcome{"off", console.String()}
	}
	require.True(t, errors.As(err, &exit) && exit.ExitCode()&1 == 1, "QEMU says: %v: %s", err, complaints.String())
	return outcome{fmt.Sprintf("debug-exit %d", exit.ExitCode()>>1), console.String()}
}
