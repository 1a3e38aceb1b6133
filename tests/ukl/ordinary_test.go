// SPDX-License-Identifier: GPL-2.0-or-later

package ukl

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/corpus"
)

// TestOrdinaryProgramsSeeAnOrdinaryKernel gives UKL kernels the initrd of
// another guest, which knows nothing of an application: the tour of what a
// kernel does for its programs, and the kernel's own x86 selftests, say what
// they say on the stock kernel.
func TestOrdinaryProgramsSeeAnOrdinaryKernel(t *testing.T) {
	for _, name := range []string{"guest:ukl-hello", "guest:ukl-syscalls,use_ret,ist_pf", "guest:ukl-syscalls,debug"} {
		for _, other := range []struct{ guest, expected, prefix, end string }{
			{"stock", "tour.expected", "tour: ", "debug-exit 0"},
			// Some fail on a kernel without 32-bit programs, and so the whole.
			{"selftests", "selftests.qemu.txt", "selftest", "debug-exit 1"},
		} {
			t.Run(name+"/"+other.guest, func(t *testing.T) {
				t.Parallel()
				g, err := corpus.Find(name)
				require.NoError(t, err)
				programs, err := corpus.Find("guest:" + other.guest)
				require.NoError(t, err)
				guest := *g.Guest
				guest.Initrd = programs.Guest.Initrd
				o := qemu(t, guest, "")
				require.Equal(t, other.end, o.end, "the console:\n%s", o.console)
				require.Empty(t, cmp.Diff(linesFrom(t, other.expected, other.prefix), linesOf(o.console, other.prefix)))
				require.Empty(t, splats.FindString(o.console))
			})
		}
	}
}

func linesFrom(t *testing.T, file, prefix string) []string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "..", "corpus", "linux", file))
	require.NoError(t, err)
	return linesOf(string(b), prefix)
}

func linesOf(text, prefix string) []string {
	var out []string
	for line := range strings.Lines(strings.ReplaceAll(text, "\r", "")) {
		if strings.HasPrefix(line, prefix) {
			out = append(out, strings.TrimRight(line, "\n"))
		}
	}
	return out
}
