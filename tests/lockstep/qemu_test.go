// SPDX-License-Identifier: GPL-2.0-or-later

package lockstep

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestQEMURegistersAndMemoryCanBeSet(t *testing.T) {
	p := build(t, 5, 10)
	q := start(t, p)
	r, err := q.Registers()
	require.NoError(t, err)
	require.Equal(t, p.Symbols["run_cases"], r.RIP)
	require.Equal(t, uint64(0xd00), r.EFER&0xd00, "long mode with NX")
	require.Equal(t, uint16(8), r.Segment[1])

	r.GPR[15], r.GSBase, r.CR2, r.RFLAGS, r.XMM[2][3] = 0xfeed, 0x123000, 0x456, 0x893, 9
	require.NoError(t, q.SetRegisters(r))
	back, err := q.Registers()
	require.NoError(t, err)
	require.Equal(t, r, back)

	want := []byte("written to physical memory")
	require.NoError(t, q.WritePhysical(0x2000ff0, want))
	got := make([]byte, len(want))
	require.NoError(t, q.ReadPhysical(0x2000ff0, got))
	require.Equal(t, want, got)

	text, err := q.Monitor("info version")
	require.NoError(t, err)
	require.Contains(t, text, "7.2")
}

func TestAKernelThatQEMURefusesIsAnErrorWithItsWords(t *testing.T) {
	bad := filepath.Join(t.TempDir(), "bad")
	require.NoError(t, os.WriteFile(bad, []byte("no kernel"), 0o600))
	_, err := StartQEMU(QEMUOptions{Kernel: bad})
	require.ErrorContains(t, err, "QEMU ended at once")
	_, err = StartQEMU(QEMUOptions{Binary: "qemu-that-is-not-there"})
	require.ErrorContains(t, err, "starting QEMU")
}
