// SPDX-License-Identifier: GPL-2.0-or-later

package cost

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
)

// TestInstructionsAreThoseOfQEMU: a call that neither waits nor clears memory
// takes as many instructions in the emulator as under QEMU, in both ways.
func TestInstructionsAreThoseOfQEMU(t *testing.T) {
	guests, err := Guests()
	require.NoError(t, err)
	for _, g := range guests {
		ours, err := where(emulator).instructions(g)
		require.NoError(t, err)
		theirs, err := qemu("-icount", "shift=0").instructions(g)
		require.NoError(t, err)
		for _, name := range []string{"getpid", "getppid", "read", "write"} {
			for _, how := range []string{"call", "SYSCALL"} {
				require.Contains(t, ours, Call{name, how})
				// To the next: what is behind the point is the loop that counts.
				require.InDelta(t, theirs[Call{name, how}], ours[Call{name, how}], 0.1, "%s by %s, %v", name, how, g.Options)
			}
		}
	}
}

// TestEveryCallIsTimed, by the guest's clock and by the host's.
func TestEveryCallIsTimed(t *testing.T) {
	guests, err := Guests()
	require.NoError(t, err)
	byWatch, err := where(emulator).byWatch(1)(guests[0])
	require.NoError(t, err)
	byGuest, err := qemu().byGuest(guests[0])
	require.NoError(t, err)
	for _, name := range order {
		for _, how := range []string{"call", "SYSCALL"} {
			require.Positive(t, byWatch[Call{name, how}], "%s by %s", name, how)
			require.Positive(t, byGuest[Call{name, how}], "%s by %s", name, how)
		}
	}
	require.Empty(t, cmp.Diff(len(byWatch), len(byGuest)))
}
