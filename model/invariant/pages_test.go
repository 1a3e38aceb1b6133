// SPDX-License-Identifier: GPL-2.0-or-later

package invariant_test

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/corpus/mini"
	"github.com/uklemu/uklemu/emu"
	"github.com/uklemu/uklemu/emu/boot"
	"github.com/uklemu/uklemu/emu/x86"
	"github.com/uklemu/uklemu/model/event"
	"github.com/uklemu/uklemu/model/image"
	"github.com/uklemu/uklemu/model/invariant"
	"github.com/uklemu/uklemu/model/space"
)

// booted is builtin:mini at its application's main.
func booted(t *testing.T) (*image.Image, *emu.Machine) {
	t.Helper()
	b, err := mini.Build(mini.Options{})
	require.NoError(t, err)
	kernel, err := boot.Parse("builtin:mini", bytes.NewReader(b), int64(len(b)))
	require.NoError(t, err)
	img := of(t, "").img
	m, err := emu.New(emu.Config{})
	require.NoError(t, err)
	t.Cleanup(m.Close)
	require.NoError(t, m.Boot(kernel, boot.Options{}))
	m.Probe(img.Application().Main, nil)
	require.Equal(t, emu.StopProbe, m.Run(emu.Until{Instructions: 50_000_000}).Why)
	return img, m
}

// The page tables are as they should be; with one entry changed they are not.
func TestPageTables(t *testing.T) {
	img, m := booted(t)
	state := m.State()
	tables := space.TablesOf(m, &state)
	current, ok := img.PerCPUAddress("current_task", state.Seg[x86.GS].Base)
	require.True(t, ok)
	var word [8]byte
	_, err := m.ReadMemory(current, word[:])
	require.NoError(t, err)

	e := event.Event{Kind: event.Resumed, Machine: true, Task: binary.LittleEndian.Uint64(word[:]), Value: state.CR3,
		Registers: event.Registers{RIP: state.RIP, CS: 0x10, CR3: state.CR3}}
	load := e
	load.Kind = event.LoadCR3
	load.RIP, _ = img.Address("do_syscall_64")

	// entry is where the page table of the lowest level has an address.
	leaf := func(address uint64) uint64 {
		at := tables.CR3 & 0x000ffffffffff000
		for shift := 39; ; shift -= 9 {
			slot := at + address>>shift&511*8
			require.NoError(t, m.ReadPhysical(slot, word[:]))
			entry := binary.LittleEndian.Uint64(word[:])
			require.NotZero(t, entry&1)
			if shift == 12 || entry&0x80 != 0 {
				return slot
			}
			at = entry & 0x000ffffffffff000
		}
	}
	set := func(slot, bits uint64) func() {
		require.NoError(t, m.ReadPhysical(slot, word[:]))
		was := word
		entry := binary.LittleEndian.Uint64(word[:]) | bits
		require.NoError(t, m.WritePhysical(slot, binary.LittleEndian.AppendUint64(nil, entry)))
		return func() { require.NoError(t, m.WritePhysical(slot, was[:])) }
	}
	look := func(id string, e event.Event) invariant.Status {
		found, err := invariant.ByID(id)
		require.NoError(t, err)
		suite := invariant.NewSuite(img, invariant.Points, found...)
		suite.On(m)
		suite.See(&e)
		return suite.Results()[0].Status
	}
	for _, c := range []struct {
		id         string
		e          event.Event
		slot, bits uint64
	}{
		{"AS-5", load, state.CR3&0x000ffffffffff000 + 300*8, 1 | 2},
		{"AS-6", e, leaf(img.Application().Text[0].Start), 2},
	} {
		require.Equal(t, invariant.Held, look(c.id, c.e), c.id)
		undo := set(c.slot, c.bits)
		require.Equal(t, invariant.Violated, look(c.id, c.e), c.id)
		undo()
	}

	require.Equal(t, invariant.Held, look("AS-7", e))
	e.CR3 += 0x1000
	require.Equal(t, invariant.Violated, look("AS-7", e))
}
