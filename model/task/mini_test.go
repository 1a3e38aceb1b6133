// SPDX-License-Identifier: GPL-2.0-or-later

package task_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/corpus/mini"
	"github.com/uklemu/uklemu/emu"
	"github.com/uklemu/uklemu/emu/boot"
	"github.com/uklemu/uklemu/model/image"
	"github.com/uklemu/uklemu/model/task"
)

// miniature is a variant of builtin:mini, at its application's main.
func miniature(t *testing.T, o mini.Options) (*image.Image, *emu.Machine) {
	t.Helper()
	b, err := mini.Build(o)
	require.NoError(t, err)
	kernel, err := boot.Parse("builtin:mini", bytes.NewReader(b), int64(len(b)))
	require.NoError(t, err)
	img, err := image.Read(bytes.NewReader(b), int64(len(b)), "builtin:mini")
	require.NoError(t, err)
	m, err := emu.New(emu.Config{})
	require.NoError(t, err)
	t.Cleanup(m.Close)
	require.NoError(t, m.Boot(kernel, boot.Options{}))
	start, ok := img.Address("ukl_main")
	require.True(t, ok)
	m.Probe(start, nil)
	require.Equal(t, emu.StopProbe, m.Run(emu.Until{Instructions: 50_000_000}).Why)
	m.RemoveProbe(start)
	return img, m
}

// TestHealthyVariantsAgreeAtEveryBoundary steps through each variant: mark,
// code and stack say the same, and whenever the kernel is at work for a
// program, it is known how it got there.
func TestHealthyVariantsAgreeAtEveryBoundary(t *testing.T) {
	for _, o := range mini.Variants() {
		t.Run("mini "+o.String(), func(t *testing.T) {
			img, m := miniature(t, o)
			reader := task.NewReader(img)
			seen := map[task.Mode]int{}
			for range 2_000 {
				if m.Step().Why != emu.StopLimit {
					break
				}
				x := reader.Read(m)
				require.True(t, x.Position.Agree(), "%s", x.Text())
				seen[x.Position.Mode]++
				if x.Position.Mode != task.Kernel {
					require.Empty(t, x.Entries, "%s", x.Text())
					continue
				}
				require.NotEmpty(t, x.Entries, "%s", x.Text())
			}
			own := task.Application
			if o.Stock {
				own = task.User
			}
			require.NotZero(t, seen[own])
			require.NotZero(t, seen[task.Kernel])
		})
	}
}

// Each of these defects makes mark, code and stack contradict each other.
func TestDefectsMakeThemDisagree(t *testing.T) {
	for _, name := range []string{"entry-mode-kept", "return-mode-kept"} {
		o, err := mini.Parse("defect=" + name)
		require.NoError(t, err, name)
		img, m := miniature(t, o)
		reader := task.NewReader(img)
		found := false
		for i := 0; i < 20_000 && !found && m.Step().Why == emu.StopLimit; i++ {
			p := reader.Position(m)
			found = !p.Agree()
		}
		require.True(t, found, name)
	}
}
