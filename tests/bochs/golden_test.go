// SPDX-License-Identifier: GPL-2.0-or-later

package bochs

import (
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"
)

// The files of testdata are what Bochs does. golden.sh fetches it where it is
// not in the cache yet. TestCases needs none of that.
func TestGoldenDataIsWhatBochsDoes(t *testing.T) {
	out, err := exec.Command("./golden.sh", "--check").CombinedOutput()
	require.NoError(t, err, "%s", out)
}
