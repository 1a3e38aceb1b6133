// SPDX-License-Identifier: GPL-2.0-or-later

package ukl

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/corpus"
)

// variants are the kernels that there have to be. More may be there, and are
// tested as well.
var variants = []string{
	"guest:ukl-hello",
	"guest:ukl-syscalls",
	"guest:ukl-syscalls,use_ret",
	"guest:ukl-syscalls,ist_pf",
	"guest:ukl-syscalls,use_ret,ist_pf",
	"guest:ukl-syscalls,debug",
	"guest:ukl-redis",
}

// guests are all UKL kernels in the cache.
func guests(t *testing.T) []corpus.Guest {
	t.Helper()
	for _, name := range variants {
		_, err := corpus.Find(name)
		require.NoError(t, err)
	}
	all, err := corpus.Guests()
	require.NoError(t, err)
	var out []corpus.Guest
	for _, g := range all {
		if strings.HasPrefix(g.Name, "ukl-") {
			out = append(out, g)
		}
	}
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
	b, err := os.ReadFile(filepath.Join("..", "..", "corpus", "linux", "apps", app, "expected"))
	require.NoError(t, err)
	var out []string
	for line := range strings.Lines(string(b)) {
		if line = strings.TrimRight(line, "\n"); !strings.HasPrefix(line, "#") {
			out = append(out, line)
		}
	}
	return out
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
