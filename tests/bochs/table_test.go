// SPDX-License-Identifier: GPL-2.0-or-later

package bochs

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write docs/differences.md")

const tableFile = "../../docs/differences.md"

// checkTable holds docs/differences.md against the list and the run.
func checkTable(t *testing.T, total int, shown seen) {
	t.Helper()
	text := table(total, shown)
	if *update {
		require.NoError(t, os.WriteFile(tableFile, []byte(text), 0o644))
	}
	old, err := os.ReadFile(tableFile)
	require.NoError(t, err)
	require.Equal(t, string(old), text, "run go test ./tests/bochs -update")
}

func table(total int, shown seen) string {
	var b strings.Builder
	fmt.Fprintf(&b, `# Where the machine and Bochs differ

tests/bochs runs %d cases on the machine and compares exceptions, registers and memory with what Bochs's CPU
(bochscpu-python 0.4.0) does, or with the manual's tables where that Bochs lacks the feature. This is all that differs.
The test that runs the cases checks this page as well; `+"`go test ./tests/bochs -update`"+` writes it.

Sections are those of the Intel SDM's editions since mid-2024.
`, total)
	for _, v := range []struct {
		verdict Verdict
		about   string
	}{
		{BochsWrong, "The manual says otherwise than Bochs"},
		{Open, "The manual leaves it open"},
		{EngineGap, "The machine is wrong: libunicorn's doing, and not worked round"},
	} {
		if !slices.ContainsFunc(Differences, func(k Known) bool { return k.Verdict == v.verdict }) {
			fmt.Fprintf(&b, "\n## %s\n\nNothing that the cases show.\n", v.about)
			continue
		}
		fmt.Fprintf(&b, "\n## %s\n\n| difference | Bochs | here | the manual | cases |\n| --- | --- | --- | --- | --- |\n", v.about)
		for _, k := range Differences {
			if k.Verdict == v.verdict {
				fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %d |\n", k.ID, k.Bochs, k.Here, k.Manual, shown[k.ID])
			}
		}
	}
	return b.String()
}
