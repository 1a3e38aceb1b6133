// SPDX-License-Identifier: GPL-2.0-or-later

package mini_test

import (
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	guest "github.com/uklemu/uklemu/corpus/mini"
	"github.com/uklemu/uklemu/model/invariant"
	"github.com/uklemu/uklemu/tests/mini"
)

// Every defect is found, by what says where it is, and the manual's table has it.
func TestEveryDefectIsFound(t *testing.T) {
	b, err := os.ReadFile("../../docs/defects.md")
	require.NoError(t, err)
	page := string(b)
	for _, d := range guest.Defects() {
		require.True(t, mini.Unseen[d.Name] != "" || causes[d.Name] != "", "%s: which invariant names the cause?", d.Name)
	}
	var lock sync.Mutex
	broken := map[string]bool{}
	t.Run("defect", func(t *testing.T) {
		for _, d := range guest.Defects() {
			t.Run(d.Name, func(t *testing.T) {
				t.Parallel()
				look, err := mini.Check(mini.Variant(d))
				require.NoError(t, err)
				require.NoError(t, look.Unstarted)
				row := mini.Row(d, look)
				if !strings.Contains(page, row) {
					t.Errorf("the table is of another time: go run ./tests/mini/cmd makes it anew; now it is\n%s", row)
				}
				if mini.Unseen[d.Name] != "" {
					require.Empty(t, look.Violated())
					return
				}
				for _, id := range strings.Fields(causes[d.Name]) {
					require.Contains(t, look.Violated(), id, "%s (%s)", d.ID, d.Text)
				}
				lock.Lock()
				defer lock.Unlock()
				for _, id := range look.Violated() {
					broken[id] = true
				}
			})
		}
	})
	for _, i := range invariant.All() {
		id := i.Rule().ID
		require.True(t, broken[id] || unbroken[id] != "" || t.Failed(), "%s: no defect breaks it", id)
		require.False(t, broken[id] && unbroken[id] != "", "%s: a defect breaks it, and there is a reason here why none does", id)
	}
}

// The manual's table is about these defects and no others.
func TestTheTableHasNoMore(t *testing.T) {
	b, err := os.ReadFile("../../docs/defects.md")
	require.NoError(t, err)
	for _, line := range strings.Split(string(b), "\n") {
		cells := strings.Split(line, "|")
		if len(cells) < 4 || !strings.Contains(cells[2], "`") {
			continue
		}
		name := strings.Trim(cells[2], " `")
		require.True(t, slices.Contains(guest.DefectNames(), name), name)
	}
}
