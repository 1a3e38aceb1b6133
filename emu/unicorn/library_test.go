// SPDX-License-Identifier: GPL-2.0-or-later

package unicorn

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// fake builds a shared object from C.
func fake(t *testing.T, source string) string {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "fake.c"), []byte(source), 0o600))
	path := filepath.Join(dir, fileName())
	out, err := exec.Command("cc", "-shared", "-fPIC", "-o", path, filepath.Join(dir, "fake.c")).CombinedOutput()
	require.NoError(t, err, "%s", out)
	return path
}

// exports is C that defines every function that the binding looks up, but for
// those left out, and uc_version as given.
func exports(version string, without ...string) string {
	var b strings.Builder
	for _, name := range strings.Fields(`uc_open uc_close uc_strerror uc_ctl uc_reg_read uc_reg_write uc_mem_map_ptr
		uc_mem_unmap uc_mmio_map uc_emu_start uc_emu_stop uc_hook_add uc_hook_del uc_context_alloc uc_context_size
		uc_context_save uc_context_restore uc_context_free`) {
		if len(without) == 0 || name != without[0] {
			b.WriteString("int " + name + "(void) { return 7; }\n")
		}
	}
	b.WriteString("unsigned uc_version(unsigned *a, unsigned *b) { return " + version + "; }\n")
	return b.String()
}

func TestLibrariesThatAreRefused(t *testing.T) {
	// What is open stays open: the functions of the real one are put back.
	text := filepath.Join(t.TempDir(), "text.so")
	require.NoError(t, os.WriteFile(text, []byte("not a library"), 0o600))
	t.Cleanup(reopen(t))
	for name, c := range map[string]struct{ path, want string }{
		"too old":          {fake(t, exports("0x02000100")), "version 2.0.1 is too old"},
		"lacks a function": {fake(t, exports("0x02010000", "uc_context_size")), "it has no function uc_context_size"},
		"does not open":    {fake(t, exports("0x02010400")), "opening a scratch engine: libunicorn error 7"},
		"not a library":    {text, "text.so"},
		"not there":        {filepath.Join(t.TempDir(), "missing.so"), "not there"},
	} {
		t.Run(name, func(t *testing.T) {
			library, err := open([]string{c.path}, "install it")
			require.Nil(t, library)
			require.ErrorIs(t, err, ErrNoEngine)
			require.ErrorContains(t, err, c.want)
			require.ErrorContains(t, err, c.path)
			require.ErrorContains(t, err, "install it")
		})
	}
}

// reopen opens the real library again after a test has opened others: the
// functions are looked up once for the process.
func reopen(t *testing.T) func() {
	t.Helper()
	real, err := Open()
	require.NoError(t, err)
	return func() {
		_, err := try(real.Path)
		require.NoError(t, err)
	}
}

func TestOneRefusedLibraryDoesNotHideTheNext(t *testing.T) {
	real, err := Open()
	require.NoError(t, err)
	got, err := open([]string{"/nowhere/libunicorn.so.2", fake(t, exports("0x02000100")), real.Path}, "")
	require.NoError(t, err)
	require.Equal(t, real.Path, got.Path)
	require.Equal(t, real.Version, got.Version)
	require.Equal(t, *real.layout, *got.layout)
}

func TestTheErrorListsEveryPlaceAndWhatToInstall(t *testing.T) {
	_, err := open([]string{"/nowhere/a.so", "/nowhere/b.so"}, install())
	for _, want := range []string{"/nowhere/a.so: not there", "/nowhere/b.so: not there", "version 2.1.2 or later",
		"Debian 13", "Debian 12", "Ubuntu", "macOS", "pip install unicorn", "UKLEMU_LIBUNICORN"} {
		require.ErrorContains(t, err, want)
	}
}

func TestCandidatesInTheirOrder(t *testing.T) {
	home, cacheDir, env := t.TempDir(), t.TempDir(), t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("UKLEMU_CACHE", cacheDir)
	t.Setenv("VIRTUAL_ENV", env)
	t.Setenv("CONDA_PREFIX", "")
	t.Setenv("UKLEMU_LIBUNICORN", "")
	var python []string
	for _, dir := range []string{env, filepath.Join(home, ".local")} {
		path := filepath.Join(dir, "lib", "python3.11", "site-packages", "unicorn", "lib", fileName())
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, nil, 0o600))
		python = append(python, path)
	}
	got := candidates()
	require.Equal(t, filepath.Join(cacheDir, "lib", fileName()), got[0])
	require.Equal(t, python, got[1:3])
	require.Equal(t, fileName(), got[len(got)-1], "at last, where the system's loader looks")

	t.Setenv("UKLEMU_LIBUNICORN", "/opt/mine.so")
	require.Equal(t, []string{"/opt/mine.so"}, candidates(), "named by hand: nothing else was meant")
}

// Without a library, what needs no engine works.
func TestDecodeNeedsNoLibrary(t *testing.T) {
	if os.Getenv("UKLEMU_TEST_NO_ENGINE") != "" {
		_, err := Open()
		require.ErrorIs(t, err, ErrNoEngine)
		ram, err := NewRAM(PageSize)
		require.NoError(t, err)
		_, err = New(ram)
		require.ErrorIs(t, err, ErrNoEngine)
		require.Equal(t, 1, Decode([]byte{0x90}, 64).Length)
		return
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestDecodeNeedsNoLibrary$")
	cmd.Env = append(os.Environ(), "UKLEMU_TEST_NO_ENGINE=1", "UKLEMU_LIBUNICORN=/nowhere/libunicorn.so.2")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
}
