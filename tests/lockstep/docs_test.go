// SPDX-License-Identifier: GPL-2.0-or-later

package lockstep

import (
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the table of known differences into docs/lockstep.md")

func TestTheManualHasTheTableOfKnownDifferences(t *testing.T) {
	const path = "../../docs/lockstep.md"
	p, err := os.ReadFile(path)
	require.NoError(t, err)
	head, rest, found := strings.Cut(string(p), "<!-- known -->\n")
	require.True(t, found)
	table, foot, found := strings.Cut(rest, "<!-- end -->")
	require.True(t, found)
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(head+"<!-- known -->\n"+KnownTable()+"<!-- end -->"+foot), 0o644))
		return
	}
	require.Equal(t, KnownTable(), table, "go test ./tests/lockstep -run Known -update")
}
