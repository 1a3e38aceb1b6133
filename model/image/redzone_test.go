// SPDX-License-Identifier: GPL-2.0-or-later

package image_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/model/image"
)

// codeScript is scripts/ukl/code.awk of the series, by which the kernel's
// build looks for red zones, without its limit of one complaint for an object.
func codeScript(t *testing.T) string {
	t.Helper()
	patch, err := os.ReadFile("../../corpus/linux/patches/0011-kbuild-link-an-application-into-the-kernel.patch")
	require.NoError(t, err)
	_, rest, ok := strings.Cut(string(patch), "+++ b/scripts/ukl/code.awk\n")
	require.True(t, ok)
	body, _, ok := strings.Cut(rest, "\ndiff --git")
	require.True(t, ok)
	var lines []string
	for _, line := range strings.Split(body, "\n")[1:] {
		lines = append(lines, strings.TrimPrefix(line, "+"))
	}
	script, old := strings.Join(lines, "\n"), "if (!(object SUBSEP why in seen))"
	require.Contains(t, script, old)
	path := filepath.Join(t.TempDir(), "code.awk")
	require.NoError(t, os.WriteFile(path, []byte(strings.Replace(script, old, "", 1)), 0o644))
	return path
}

func command(t *testing.T, name string, args ...string) []byte {
	t.Helper()
	var wrong bytes.Buffer
	c := exec.Command(name, args...)
	c.Stderr = &wrong
	out, err := c.Output()
	require.NoError(t, err, "%s %v: %s", name, args, wrong.String())
	return out
}

var complaint = regexp.MustCompile(`(?m)^[^ ]+: (\S+) (uses the red zone|uses GS|has an instruction)`)

// scripted is what the script complains about, by function.
func scripted(t *testing.T, script, path string) map[string][]string {
	t.Helper()
	listing := filepath.Join(t.TempDir(), "listing")
	require.NoError(t, os.WriteFile(listing, command(t, "objdump", "-d", "--no-show-raw-insn", path), 0o644))
	found := map[string][]string{}
	for _, m := range complaint.FindAllSubmatch(command(t, "awk", "-v", "archive="+path, "-f", script, listing), -1) {
		what, name := string(m[2]), string(m[1])
		if !slices.Contains(found[what], name) {
			found[what] = append(found[what], name)
		}
	}
	return found
}

// The C library's mathematics have red zones, frame pointers, and all of AVX;
// linked as an application, the image's scan and the script of the build find
// the same functions.
func TestScanFindsWhatTheBuildFinds(t *testing.T) {
	library := strings.TrimSpace(string(command(t, "gcc", "-print-file-name=libmvec.a")))
	require.FileExists(t, library, "of libc6-dev")
	archives, err := filepath.Glob(filepath.Join(filepath.Dir(library), "libm-*.a"))
	require.NoError(t, err)
	require.NotEmpty(t, archives, "of libc6-dev")
	script := codeScript(t)
	for _, archive := range append(archives, library) {
		dir := t.TempDir()
		prefixed, linked := filepath.Join(dir, "UKL.a"), filepath.Join(dir, "vmlinux")
		command(t, "objcopy", "--prefix-symbols=ukl_", archive, prefixed)
		command(t, "ld", "--unresolved-symbols=ignore-all", "-e", "0", "--whole-archive", prefixed, "-o", linked)
		img, err := image.Open(linked)
		require.NoError(t, err)
		want := scripted(t, script, linked)
		redZone := functions(img, want["uses the red zone"])
		require.True(t, archive == library || len(redZone) > 20) // libmvec has vectors instead
		var found []string
		for _, u := range img.RedZone() {
			found = append(found, u.Function)
			require.Positive(t, u.Below)
			require.NotEqual(t, "(bad)", u.Instruction)
		}
		require.Empty(t, cmp.Diff(redZone, functions(img, found)), archive)
		img.Close()
	}
}

// functions are the names, sorted; a function that has several goes by one.
func functions(img *image.Image, names []string) []string {
	var all []string
	for _, name := range names {
		if at, ok := img.Address(name); ok {
			name = img.Symbols.Name(at)
		}
		all = append(all, name)
	}
	slices.Sort(all)
	return slices.Compact(all)
}
