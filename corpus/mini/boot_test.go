// SPDX-License-Identifier: GPL-2.0-or-later

package mini

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/emu"
	"github.com/uklemu/uklemu/emu/boot"
)

// enough is many times what the tour takes.
const enough = 50_000_000

// booted is what a variant says until it ends.
func booted(t *testing.T, o Options, protocol string) (emu.Stop, string) {
	t.Helper()
	b, err := Build(o)
	require.NoError(t, err)
	image, err := boot.Parse("builtin:mini", bytes.NewReader(b), int64(len(b)))
	require.NoError(t, err)
	var console bytes.Buffer
	m, err := emu.New(emu.Config{Console: &console})
	require.NoError(t, err)
	defer m.Close()
	require.NoError(t, m.Boot(image, boot.Options{Protocol: protocol}))
	stop := m.Run(emu.Until{Instructions: enough})
	return stop, console.String()
}

// A healthy guest goes through its tour and says that all is well, with all
// options and by both ways to boot it.
func TestEveryVariantRuns(t *testing.T) {
	for _, o := range Variants() {
		for _, protocol := range []string{boot.ProtocolLinux, boot.ProtocolPVH} {
			stop, console := booted(t, o, protocol)
			require.Equal(t, emu.StopDebugExit, stop.Why, "%q: %s", o, console)
			require.Zero(t, stop.Code, "%q: %s", o, console)
			require.NotContains(t, console, "FAIL")
		}
	}
}

// The same image is the same run.
func TestARunIsTheSameEachTime(t *testing.T) {
	first, said := booted(t, Options{}, "")
	again, repeated := booted(t, Options{}, "")
	require.Equal(t, first, again)
	require.Equal(t, said, repeated)
}

// patience is for a guest that hangs in QEMU, not a measure of anything.
const patience = 5 * time.Minute

// QEMU, which knows nothing of us, runs it too. What its tasks say comes in
// another order: its clock is another.
func TestQEMURunsIt(t *testing.T) {
	for _, o := range []Options{{}, {UseRet: true, ISTPF: true}, {Stock: true}} {
		b, err := Build(o)
		require.NoError(t, err)
		path := filepath.Join(t.TempDir(), "vmlinux")
		require.NoError(t, os.WriteFile(path, b, 0o644))
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		command := exec.CommandContext(ctx, "qemu-system-x86_64", "-accel", "tcg", "-cpu", "max", "-m", "128", "-display", "none", "-serial", "stdio",
			"-no-reboot", "-device", "isa-debug-exit,iobase=0xf4,iosize=4", "-kernel", path)
		console, err := command.Output()
		var exit *exec.ExitError
		require.True(t, errors.As(err, &exit), "%q: %v: %s", o, err, console)
		require.Equal(t, 1, exit.ExitCode(), "isa-debug-exit makes 1 of 0: %q: %s", o, console)
		_, ours := booted(t, o, "")
		require.Equal(t, sortedLines(ours), sortedLines(string(console)))
	}
}

func sortedLines(s string) []string {
	return slices.Sorted(strings.Lines(strings.ReplaceAll(s, "\r", "")))
}
