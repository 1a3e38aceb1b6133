// SPDX-License-Identifier: GPL-2.0-or-later

package ukl

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/corpus"
)

// guests are the UKL kernels that corpus/linux/ukl.guests names.
func guests(t *testing.T) []corpus.Guest {
	t.Helper()
	var out []corpus.Guest
	for _, line := range linesFrom(t, "ukl.guests", "") {
		if strings.HasPrefix(line, "#") {
			continue
		}
		found, err := corpus.Find("guest:ukl-" + strings.Join(strings.Fields(line), ","))
		require.NoError(t, err)
		out = append(out, *found.Guest)
	}
	require.NotEmpty(t, out)
	return out
}

// application is what is linked into the guest's kernel.
func application(t *testing.T, g corpus.Guest) string {
	t.Helper()
	require.Len(t, g.Applications, 1)
	return g.Applications[0]
}

// nameOf is what corpus.Find takes for the guest.
func nameOf(g corpus.Guest) string {
	return strings.Join(append([]string{g.Name}, g.Options...), ",")
}

// expected are the lines of an application, from apps/NAME/expected.
func expected(t *testing.T, app string) []string {
	t.Helper()
	return slices.DeleteFunc(linesFrom(t, filepath.Join("apps", app, "expected"), ""), func(line string) bool {
		return strings.HasPrefix(line, "#")
	})
}

// spoken are a console's lines of the application and of the guest's init:
// all that aren't the kernel's.
func spoken(console, app string) []string {
	ours := regexp.MustCompile(`^(init|` + regexp.QuoteMeta(app) + `): `)
	var out []string
	for line := range strings.Lines(strings.ReplaceAll(console, "\r", "")) {
		if line = strings.TrimRight(line, "\n"); ours.MatchString(line) {
			out = append(out, line)
		}
	}
	return out
}

// splats are what a kernel says when it is not well.
var splats = regexp.MustCompile(`(?m)^(WARNING: |BUG: |=+$|kernel BUG at|Oops: |general protection fault|INFO: (task|rcu)|Kernel panic|possible (circular|recursive)|------------\[ cut here)`)
