// SPDX-License-Identifier: GPL-2.0-or-later

package sequence

import (
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the tables of docs/sequences.md")

const manual = "../../docs/sequences.md"

// The tables of the manual are those of the code.
func TestTheManualHasTheTables(t *testing.T) {
	b, err := os.ReadFile(manual)
	require.NoError(t, err)
	text := string(b)
	for name, table := range map[string]string{"operations": OperationTable(), "calls": CallTable(), "places": PlaceTable(), "domains": DomainTable()} {
		start, end := "<!-- "+name+" -->\n", "<!-- end -->\n"
		before, rest, ok := strings.Cut(text, start)
		require.True(t, ok, "%s has no %q", manual, start)
		_, after, ok := strings.Cut(rest, end)
		require.True(t, ok)
		text = before + start + table + end + after
	}
	if *update {
		require.NoError(t, os.WriteFile(manual, []byte(text), 0o644))
		return
	}
	require.True(t, text == string(b), "its tables are of another time; go test ./corpus/sequence -run TestTheManual -update writes them")
}

// What the manual shows as a sequence, is one.
func TestTheManualsSequencesAreSequences(t *testing.T) {
	b, err := os.ReadFile(manual)
	require.NoError(t, err)
	examples := 0
	for _, block := range strings.Split(string(b), "```")[1:] {
		if text, ok := strings.CutPrefix(block, "text\n"+Header); ok {
			_, err := Parse(Header + text)
			require.NoError(t, err)
			examples++
		}
	}
	require.Positive(t, examples)
}

// No two operations, and no two places, have one name; what has a name that a result
// could have, takes no results.
func TestNamesAreNamesOfOneThing(t *testing.T) {
	names := map[string]bool{}
	for i := range operations {
		op := &operations[i]
		require.False(t, names[op.Name], op.Name)
		names[op.Name] = true
		require.LessOrEqual(t, len(op.Args), MaxArgs)
		for _, p := range op.Args {
			require.NotNil(t, p.Domain, op.Name)
			for _, n := range p.Domain.Names {
				require.False(t, p.Domain.Results && isResult(n.Name), "%s of %s", n.Name, op.Name)
			}
		}
	}
	require.Less(t, len(events), firstCall)
	require.Less(t, firstCall+len(systemCalls), withProperties)
	for p := range placeTable {
		require.NotEmpty(t, placeTable[p].does, "%d", p)
		found, ok := findPlace(placeTable[p].name)
		require.True(t, ok)
		require.Equal(t, Place(p), found)
	}
}
