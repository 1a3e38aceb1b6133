// SPDX-License-Identifier: GPL-2.0-or-later

package invariant_test

import (
	"os"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/model/invariant"
)

// The manual's page is what the code says.
func TestManual(t *testing.T) {
	page, err := os.ReadFile("../../docs/invariants.md")
	require.NoError(t, err)
	require.Equal(t, invariant.Markdown(), string(page), "go run ./model/invariant/manual makes it anew")
}

// Every invariant says all that there is to say, once.
func TestRules(t *testing.T) {
	seen := map[string]bool{}
	for _, i := range invariant.All() {
		r := i.Rule()
		require.Regexp(t, regexp.MustCompile(`^[A-Z]{2}-\d+$`), r.ID)
		require.False(t, seen[r.ID], "%s is there twice", r.ID)
		seen[r.ID] = true
		for what, s := range map[string]string{"promise": r.Promise, "source": r.Source, "when": r.When, "observes": r.Observes, "shows": r.Shows} {
			require.NotEmpty(t, s, "%s has no %s", r.ID, what)
		}
		require.NotRegexp(t, `\.$`, r.Promise, r.ID)
	}
}

// The catalogue is found by its ids, however they are written.
func TestByID(t *testing.T) {
	found, err := invariant.ByID("en-5", "MT-2")
	require.NoError(t, err)
	require.Equal(t, "EN-5", found[0].Rule().ID)
	require.Equal(t, "MT-2", found[1].Rule().ID)

	_, err = invariant.ByID("EN-99")
	require.ErrorContains(t, err, `no invariant "EN-99"`)
	require.ErrorContains(t, err, "EN-5")
}
