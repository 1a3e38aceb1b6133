// SPDX-License-Identifier: GPL-2.0-or-later

package linux_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/corpus"
)

// patience is for a guest that hangs in QEMU, not a measure of anything.
const patience = 5 * time.Minute

// qemuCommand is QEMU with the guest, its console on standard input and output.
func (g guest) qemuCommand(ctx context.Context, t testing.TB, cpu string) *exec.Cmd {
	t.Helper()
	binary, err := exec.LookPath("qemu-system-x86_64")
	require.NoError(t, err, "this test compares with QEMU: Debian's package qemu-system-x86 has it")
	name := g.name
	if name == "" {
		name = "stock"
	}
	found, err := corpus.Find("guest:" + name)
	require.NoError(t, err)
	kernel := found.Guest.Vmlinux // by its PVH entry
	if g.bzImage {
		kernel = found.Guest.BzImage
	}
	_, _, commandLine := g.files(t)
	return exec.CommandContext(ctx, binary, "-accel", "tcg", "-cpu", cpu, "-m", "256", "-display", "none", "-serial", "stdio",
		"-no-reboot", "-device", "isa-debug-exit,iobase=0xf4,iosize=4",
		"-kernel", kernel, "-initrd", found.Guest.Initrd, "-append", commandLine)
}

// runQEMU boots the guest in QEMU until it ends.
func (g guest) runQEMU(t testing.TB, cpu string) outcome {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	command := g.qemuCommand(ctx, t, cpu)
	command.Stdin = bytes.NewReader(g.input)
	var console, complaints bytes.Buffer
	command.Stdout, command.Stderr = &console, &complaints
	err := command.Run()
	require.NoError(t, ctx.Err(), "QEMU did not end; its console:\n%s", console.String())
	return outcome{qemuEnd(t, err, complaints.String()), console.String()}
}

// qemuEnd is QEMU's status in our words: isa-debug-exit makes 2v+1 of a
// guest's v, a power off and a reboot (-no-reboot) are both 0.
func qemuEnd(t testing.TB, err error, complaints string) string {
	t.Helper()
	if err == nil {
		return "off"
	}
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode()&1 == 0 {
		require.NoError(t, err, "QEMU says: %s", complaints)
	}
	return fmt.Sprintf("debug-exit %d", exit.ExitCode()>>1)
}
