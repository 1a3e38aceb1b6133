// SPDX-License-Identifier: GPL-2.0-or-later

package linux_test

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash/fnv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/emu"
)

// digest is all that can be told about a machine and its run: two of them are
// equal only if the runs were.
type digest struct {
	// Machine is over RAM, CPU, x87 and SSE, devices and the instruction
	// count: over the bytes that a snapshot of it is saved as.
	Machine string
	// Console and Events are over every byte and every event since boot.
	Console, Events uint64
	Count           uint64 // of instructions
}

// observed is a machine that is listened to from its boot on.
type observed struct {
	*emu.Machine
	guest
	record
}

// record is what was heard, as hashes that can be carried along.
type record struct{ console, events uint64 }

// mix hashes more into a hash.
func mix(h uint64, p []byte) uint64 {
	f := fnv.New64a()
	_, _ = f.Write(binary.LittleEndian.AppendUint64(nil, h))
	_, _ = f.Write(p)
	return f.Sum64()
}

// Write takes the console's bytes one by one.
func (o *observed) Write(p []byte) (int, error) {
	for i := range p {
		o.console = mix(o.console, p[i:i+1])
	}
	return len(p), nil
}

func (o *observed) event(e emu.Event) {
	b, err := binary.Append(nil, binary.LittleEndian, struct {
		Kind                      emu.EventKind
		Vector                    uint8
		Write                     bool
		Error, Number             uint32
		Count, RIP, Address, V, N uint64
	}{e.Kind, uint8(e.Vector), e.Write, e.ErrorCode, e.Number, e.Count, e.RIP, e.Address, e.Value, uint64(e.Size)})
	if err != nil {
		panic(err)
	}
	o.events = mix(o.events, b)
}

// observe boots a guest and listens.
func observe(t testing.TB, g guest) *observed {
	t.Helper()
	o := &observed{guest: g}
	o.Machine = g.machine(t, emu.Config{Console: o})
	o.Observe(o.event)
	return o
}

func (o *observed) to(t testing.TB, count uint64) *observed {
	t.Helper()
	stop := o.Run(emu.Until{Instructions: count - o.Instructions()})
	require.Equal(t, emu.StopLimit, stop.Why, "%s", stop)
	return o
}

func (o *observed) digest(t testing.TB) digest {
	t.Helper()
	s, err := o.Snapshot()
	require.NoError(t, err)
	image, _, _ := o.files(t)
	sum := sha256.New()
	require.NoError(t, s.Save(sum, image))
	return digest{hex.EncodeToString(sum.Sum(nil)[:12]), o.console, o.events, o.Instructions()}
}
