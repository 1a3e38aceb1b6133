// SPDX-License-Identifier: GPL-2.0-or-later

package lockstep

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// What CI compares; "go run ./tests/lockstep/cmd --full" compares more.
func TestTheEmulatorDoesAsQEMU(t *testing.T) {
	result, err := CI.Run(t.Output())
	require.NoError(t, err)
	total := result.Total()
	t.Log(result.Summary())
	require.Empty(t, total.Unexplained())
	require.GreaterOrEqual(t, total.Instructions, 50_000)
	require.GreaterOrEqual(t, total.Events, 10_000)
}
