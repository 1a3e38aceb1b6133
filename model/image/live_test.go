// SPDX-License-Identifier: GPL-2.0-or-later

package image_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/emu"
	"github.com/uklemu/uklemu/emu/boot"
	"github.com/uklemu/uklemu/emu/x86"
	"github.com/uklemu/uklemu/internal/testguest"
	"github.com/uklemu/uklemu/model/image"
)

// bound is far more instructions than a guest takes to where it is wanted.
const bound = 5_000_000_000

// running boots a guest up to a symbol.
func running(t *testing.T, guest, symbol string) (*image.Image, *emu.Machine) {
	t.Helper()
	img := open(t, guest)
	kernel, err := boot.Open(testguest.Path(t, guest, "vmlinux"))
	require.NoError(t, err)
	defer kernel.Close()
	var description struct{ Initrd, Append string }
	require.NoError(t, json.Unmarshal(testguest.Read(t, guest, "guest.json"), &description))
	m, err := emu.New(emu.Config{})
	require.NoError(t, err)
	t.Cleanup(m.Close)
	require.NoError(t, m.Boot(kernel, boot.Options{Initrd: testguest.Read(t, guest, description.Initrd), CommandLine: description.Append}))
	at, ok := img.Address(symbol)
	require.True(t, ok, symbol)
	m.Probe(at, nil)
	stop := m.Run(emu.Until{Instructions: bound})
	require.Equal(t, emu.StopProbe, stop.Why, "%v", stop)
	return img, m
}

func word(t *testing.T, m *emu.Machine, at uint64) uint64 {
	t.Helper()
	var b [8]byte
	_, err := m.ReadMemory(at, b[:])
	require.NoError(t, err)
	return binary.LittleEndian.Uint64(b[:])
}

// What the image says is what a kernel that has booted has.
func TestImageIsWhatRuns(t *testing.T) {
	for _, test := range []struct{ guest, until string }{
		{"stock", "run_init_process"}, {"ukl-hello", "ukl_main"}, {"ukl-syscalls-use_ret-ist_pf", "ukl_main"},
	} {
		t.Run(test.guest, func(t *testing.T) {
			img, m := running(t, test.guest, test.until)
			t.Run("gates", func(t *testing.T) { gatesAreInTheIDT(t, img, m) })
			t.Run("per-CPU variables", func(t *testing.T) { perCPUVariablesAreThere(t, img, m) })
			t.Run("alternatives", func(t *testing.T) { alternativesAreKnown(t, img, m) })
		})
	}
}

func gatesAreInTheIDT(t *testing.T, img *image.Image, m *emu.Machine) {
	idt := m.State().IDTR
	early, _ := img.Address("early_idt_handler_array")
	present := 0
	for v := range 256 {
		var b [16]byte
		_, err := m.ReadMemory(idt.Base+uint64(16*v), b[:])
		require.NoError(t, err)
		g := x86.DecodeGate(b[:])
		e, ok := img.Entry(v)
		if g.Offset == 0 || g.Offset-early < 0x1000 {
			require.False(t, ok, "vector %#x is not used", v)
			continue
		}
		present++
		require.True(t, ok, "vector %#x leads to %s", v, img.Symbols.Name(g.Offset))
		require.Equal(t, img.Symbols.Name(g.Offset), e.Name, "vector %#x", v)
		require.Equal(t, g.Offset, e.Address, "vector %#x", v)
		require.Equal(t, g.IST, e.IST, "the IST of vector %#x", v)
	}
	require.Greater(t, present, 200)
	// SYSCALL leads to where LSTAR says.
	for _, e := range img.Entries() {
		if e.Name == "entry_SYSCALL_64" {
			require.Equal(t, m.State().LSTAR, e.Address)
		}
	}
}

func perCPUVariablesAreThere(t *testing.T, img *image.Image, m *emu.Machine) {
	base, ok := img.KernelGSBase()
	require.True(t, ok)
	require.Equal(t, m.State().Seg[x86.GS].Base, base)
	offset, ok := img.PerCPU("current_task")
	require.True(t, ok)
	current := word(t, m, base+offset)
	comm, ok := img.Offset("task_struct", "comm")
	require.True(t, ok)
	name := make([]byte, 16)
	_, err := m.ReadMemory(current+uint64(comm), name)
	require.NoError(t, err)
	require.NotZero(t, bytes.IndexByte(name, 0), "the current task has a name")
	stack, ok := img.Offset("task_struct", "stack")
	require.True(t, ok)
	top, ok := img.PerCPUAddress("cpu_current_top_of_stack", 0)
	require.True(t, ok)
	require.Equal(t, word(t, m, top), word(t, m, current+uint64(stack))+0x4000)
}

func alternativesAreKnown(t *testing.T, img *image.Image, m *emu.Machine) {
	places, err := img.Alternatives(m)
	require.NoError(t, err)
	require.Greater(t, len(places), 500)
	patched, chosen := 0, map[string]int{}
	for _, p := range places {
		if p.Init {
			continue // freed by now
		}
		require.True(t, p.Known, "%s: the file has % x, memory % x", img.Symbols.Name(p.Address), p.File, p.Memory)
		if p.Chosen == nil {
			continue
		}
		patched++
		chosen[p.Chosen.Name]++
		require.False(t, p.Same())
	}
	require.Greater(t, patched, 50)
	require.NotZero(t, chosen["erms"], "the CPU has ERMS")
	// The series clears SMAP before anything is patched by it.
	require.Equal(t, !img.UKL.Present, chosen["smap"] != 0)
}
