// SPDX-License-Identifier: GPL-2.0-or-later

package linux_test

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/emu"
)

// moment is a machine at one boundary, with all of its RAM.
type moment struct {
	digest
	*emu.Snapshot
	record
	text []byte // the kernel's code
}

// The stock kernel's code (its System.map: _text is 16 MiB up in physical
// memory) and how much of it is looked at.
const (
	textAt   = 16 << 20
	textSize = 6 << 20
)

func (o *observed) moment(t *testing.T) moment {
	t.Helper()
	m := moment{record: o.record, text: make([]byte, textSize)}
	require.NoError(t, o.ReadPhysical(textAt, m.text))
	m.digest = o.digest(t)
	var err error
	m.Snapshot, err = o.Snapshot()
	require.NoError(t, err)
	t.Cleanup(m.Close)
	return m
}

// TestWalkOverTheKernelsLife goes back and forth between moments of the boot
// and of the tour: meanwhile the kernel patches alternatives, jump labels and
// static calls into its own code, changes its page tables from the first ones
// to those of many processes, and programs rewrite themselves.
func TestWalkOverTheKernelsLife(t *testing.T) {
	const step, count = 6_000_000, 20
	o := observe(t, guest{})
	var moments []moment
	for i := range uint64(count) {
		o.to(t, step*(i+1))
		moments = append(moments, o.moment(t))
	}
	rewritten := 0
	for i := range moments[1:] {
		if !bytes.Equal(moments[i].text, moments[i+1].text) {
			rewritten++
		}
	}
	require.GreaterOrEqual(t, rewritten, 3, "the kernel was expected to patch itself between these moments")

	random := rand.New(rand.NewPCG(5, 6))
	for range 25 {
		i := random.IntN(count)
		require.NoError(t, o.Restore(moments[i].Snapshot))
		o.record = moments[i].record
		require.Equal(t, moments[i].digest, o.digest(t), "restored to moment %d", i)
		if i+1 < count && random.IntN(3) > 0 {
			o.to(t, moments[i+1].Count)
			require.Equal(t, moments[i+1].digest, o.digest(t), "from moment %d to the next", i)
		} else {
			o.Run(emu.Until{Instructions: random.Uint64N(step)})
		}
	}
}
