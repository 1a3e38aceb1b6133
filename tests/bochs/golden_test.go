// SPDX-License-Identifier: GPL-2.0-or-later

package bochs

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/internal/cache"
)

// The files of testdata are what Bochs does. Asking it takes Python, a package
// from the network and a minute: it is asked where install.sh has put it
// already, and in any case under CI. TestCases needs none of that.
func TestGoldenDataIsWhatBochsDoes(t *testing.T) {
	installed, err := filepath.Glob(filepath.Join(cache.Dir(), "bochs", "*", "shim.so"))
	require.NoError(t, err)
	if len(installed) == 0 && os.Getenv("CI") == "" {
		t.Skip("Bochs is not in the cache; tests/bochs/install.sh puts it there")
	}
	out, err := exec.Command("./golden.sh", "--check").CombinedOutput()
	require.NoError(t, err, "%s", out)
}
