// SPDX-License-Identifier: GPL-2.0-or-later

package lockstep

import (
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/uklemu/uklemu/emu/boot"
)

type flatMemory []byte

func (m flatMemory) Size() uint64 { return uint64(len(m)) }
func (m flatMemory) WriteAt(p []byte, at int64) (int, error) {
	return copy(m[at:], p), nil
}

// What QEMU's -kernel loads, package boot loads too.
func TestThePayloadIsAMultibootKernel(t *testing.T) {
	p := build(t, 4, 50)
	image, err := boot.Open(p.Path)
	require.NoError(t, err)
	memory := make(flatMemory, 64<<20)
	entry, err := image.Load(memory, boot.Options{})
	require.NoError(t, err)
	require.Equal(t, "multiboot", entry.Protocol)
	require.Equal(t, p.Symbols["start"], entry.State.RIP)
	require.Equal(t, p.Symbols["case_0"], binary.LittleEndian.Uint64(memory[p.Symbols["case_table"]:])&^userAlias)
}

// The Go side repeats some of layout.inc's numbers.
func TestTheLayoutIsTheSameOnBothSides(t *testing.T) {
	p := build(t, 4, 1)
	require.EqualValues(t, userAlias, p.Symbols["user_alias"])
	require.EqualValues(t, logStart, p.Symbols["log_start"])
	require.EqualValues(t, logEnd, p.Symbols["log_end"])
	require.EqualValues(t, EventDone, p.Symbols["vec_done"])
	require.EqualValues(t, EventSyscall, p.Symbols["vec_syscall"])
	require.EqualValues(t, EventState, p.Symbols["vec_state"])
}
