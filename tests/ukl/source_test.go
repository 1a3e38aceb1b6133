// SPDX-License-Identifier: GPL-2.0-or-later

package ukl

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const needed = "needed: a tarball of Linux 6.1.x"

// TestBuildRefusesOtherSources: UKLEMU_LINUX_SOURCE may name any source of 6.1.
// What is none is refused before anything is built, with what would do.
func TestBuildRefusesOtherSources(t *testing.T) {
	t.Parallel()
	const wrong = "VERSION = 6\nPATCHLEVEL = 6\nSUBLEVEL = 87\n"
	for _, test := range []struct {
		name string
		make func(t *testing.T, dir string) string // the path
		says string
	}{
		{"nothing there", func(_ *testing.T, dir string) string { return filepath.Join(dir, "none.tar.xz") }, "none.tar.xz: there is no such file."},
		{"a folder", func(_ *testing.T, dir string) string { return dir }, ": that is no file."},
		{"no tarball", func(t *testing.T, dir string) string { return written(t, dir, "text.tar.xz", "a page that says 404\n") },
			"text.tar.xz: it is no tarball, or its end is missing."},
		{"an empty file", func(t *testing.T, dir string) string { return written(t, dir, "empty.tar.xz", "") },
			"empty.tar.xz: it is no tarball, or its end is missing."},
		{"a tarball without an end", func(t *testing.T, dir string) string { return half(t, tarball(t, dir, "linux.tar.xz", good61)) },
			"linux.tar.xz: its end is missing: it was cut off on its way here."},
		{"a gzip without an end", func(t *testing.T, dir string) string { return half(t, tarball(t, dir, "linux.tar.gz", good61)) },
			"linux.tar.gz: it is no tarball, or its end is missing."},
		{"another program", func(t *testing.T, dir string) string { return tarball(t, dir, "hello.tar.xz", "all: hello\n") },
			"hello.tar.xz: it is no source of Linux: there is no Makefile with a version in its folder."},
		{"another version", func(t *testing.T, dir string) string { return tarball(t, dir, "linux-6.6.87.tar.xz", wrong) },
			"linux-6.6.87.tar.xz: it is Linux 6.6.87."},
		{"a version that begins alike", func(t *testing.T, dir string) string {
			return tarball(t, dir, "linux-6.12.1.tar.xz", "VERSION = 6\nPATCHLEVEL = 12\nSUBLEVEL = 1\n")
		}, "linux-6.12.1.tar.xz: it is Linux 6.12.1."},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			dir, cache := t.TempDir(), t.TempDir()
			source := test.make(t, dir)
			command := exec.Command(filepath.Join("..", "..", "corpus", "linux", "build.sh"), "ukl-hello")
			command.Env = append(os.Environ(), "UKLEMU_CACHE="+cache, "UKLEMU_LINUX_SOURCE="+source)
			out, err := command.CombinedOutput()
			require.Error(t, err)
			require.Contains(t, string(out), "guests: UKLEMU_LINUX_SOURCE: ")
			require.Contains(t, string(out), test.says)
			require.Contains(t, string(out), needed)
			require.NotContains(t, string(out), "building")
			require.Equal(t, 2, strings.Count(string(out), "\n"), "%s", out)
		})
	}
}

// TestBuildTakesSourcesOf61, of any release, however they are packed.
func TestBuildTakesSourcesOf61(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"linux-source-6.1.tar.xz", "linux-6.1.5.tar.gz", "linux-6.1.tar", "named-otherwise"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			require.NoError(t, os.Mkdir(filepath.Join(dir, "kernels"), 0o755))
			source := tarball(t, dir, name, good61)
			// The same piece as build.sh, alone.
			command := exec.Command("bash", "-euo", "pipefail", "-c", `say() { echo "$*" >&2; }; die() { say "$@"; exit 1; }; cache=$1
				. ../../corpus/linux/lib/source.sh
				find_source
				find_source # the second time by the note beside it
				echo "$source_tar" $source_hash`, "find", dir)
			command.Env = append(os.Environ(), "UKLEMU_LINUX_SOURCE="+source)
			out, err := command.CombinedOutput()
			require.NoError(t, err, "%s", out)
			require.Regexp(t, "^"+source+" [0-9a-f]{64}\n$", string(out))
		})
	}
}

const good61 = "# SPDX-License-Identifier: GPL-2.0\nVERSION = 6\nPATCHLEVEL = 1\nSUBLEVEL = 5\nEXTRAVERSION =\n"

func written(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
	return path
}

// tarball has one folder with this Makefile, and others deeper in it.
func tarball(t *testing.T, dir, name, makefile string) string {
	t.Helper()
	folder := filepath.Join(dir, "linux")
	require.NoError(t, os.MkdirAll(filepath.Join(folder, "arch"), 0o755))
	written(t, filepath.Join(folder, "arch"), "Makefile", "VERSION = 6\nPATCHLEVEL = 1\nSUBLEVEL = 99\n")
	written(t, folder, "Makefile", makefile)
	path, compression := filepath.Join(dir, name), "-J"
	switch filepath.Ext(name) {
	case ".gz":
		compression = "-z"
	case ".tar":
		compression = "--no-auto-compress"
	}
	run(t, "tar", "-c", compression, "-C", dir, "-f", path, "linux")
	return path
}

// half is what came before the connection broke.
func half(t *testing.T, path string) string {
	t.Helper()
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.NoError(t, os.Truncate(path, info.Size()/2))
	return path
}
