// SPDX-License-Identifier: GPL-2.0-or-later

package mini

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/asm"
)

func TestAGuestIsMadeOnce(t *testing.T) {
	keystone(t)
	t.Setenv("UKLEMU_CACHE", t.TempDir())
	path, err := File(Options{UseRet: true})
	require.NoError(t, err)
	require.Equal(t, "vmlinux-use_ret", filepath.Base(path))
	want, err := Build(Options{UseRet: true})
	require.NoError(t, err)
	got, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, want, got)

	const source = "corpus/mini/kernel/head.s"
	text, ok := Source(source)
	require.True(t, ok)
	beside, err := os.ReadFile(filepath.Join(filepath.Dir(path), source))
	require.NoError(t, err)
	require.Equal(t, text, string(beside))

	require.NoError(t, os.WriteFile(path, []byte("kept"), 0o644))
	again, err := File(Options{UseRet: true})
	require.NoError(t, err)
	require.Equal(t, path, again)
	got, err = os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "kept", string(got))

	_, err = File(Options{Stock: true, KML: true})
	require.ErrorIs(t, err, ErrOptions)
}

// No file is seen that is not whole, whoever else is making it.
func TestManyMayAskAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "mini", "x", "vmlinux")
	content := make([]byte, 1<<20)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 20 {
				if err := keep(path, content); err != nil {
					t.Error(err)
				}
				if b, err := os.ReadFile(path); err != nil || len(b) != len(content) {
					t.Errorf("%d bytes, %v", len(b), err)
				}
			}
		})
	}
	all.Wait()
	left, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	require.Len(t, left, 1)
}

func TestSeveralProcessesMayAskAtOnce(t *testing.T) {
	const child = "UKLEMU_TEST_MINI_CHILD"
	if os.Getenv(child) != "" {
		path, err := File(Options{})
		require.NoError(t, err)
		info, err := os.Stat(path)
		require.NoError(t, err)
		require.NotZero(t, info.Size())
		return
	}
	dir, library := t.TempDir(), keystone(t)
	var all sync.WaitGroup
	for range 3 {
		all.Go(func() {
			c := exec.Command(os.Args[0], "-test.run=^TestSeveralProcessesMayAskAtOnce$")
			c.Env = append(os.Environ(), child+"=1", "UKLEMU_CACHE="+dir, "UKLEMU_LIBKEYSTONE="+library)
			if said, err := c.CombinedOutput(); err != nil {
				t.Errorf("%v: %s", err, said)
			}
		})
	}
	all.Wait()
	found, err := filepath.Glob(filepath.Join(dir, "mini", "*", "vmlinux*"))
	require.NoError(t, err)
	require.Len(t, found, 1)
}

func TestACacheThatCanNotBeWrittenIsNamed(t *testing.T) {
	keystone(t)
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o644))
	t.Setenv("UKLEMU_CACHE", file)
	_, err := File(Options{})
	require.ErrorContains(t, err, "builtin:mini can't be kept in the cache: mkdir "+file)
	require.ErrorContains(t, err, "UKLEMU_CACHE names another folder")
}

func TestOldVersionsAreForgotten(t *testing.T) {
	dir := t.TempDir()
	for i := range 6 {
		folder := filepath.Join(dir, fmt.Sprint(i))
		require.NoError(t, os.Mkdir(folder, 0o755))
		require.NoError(t, os.Chtimes(folder, time.Time{}, time.Unix(int64(1000+i), 0)))
	}
	forget(dir, 2)
	left, err := filepath.Glob(filepath.Join(dir, "*"))
	require.NoError(t, err)
	require.Equal(t, []string{filepath.Join(dir, "4"), filepath.Join(dir, "5")}, left)
	forget(filepath.Join(dir, "nothing"), 2)
}

func TestNamesOfFilesFitAnywhere(t *testing.T) {
	long := Options{Defects: DefectNames()}
	require.LessOrEqual(t, len(fileName(long)), 100)
	require.NotEqual(t, fileName(long), fileName(Options{Defects: DefectNames()[1:]}))
}

// keystone is the library that this process uses, which is in the cache that
// there is before a test has its own.
func keystone(t *testing.T) string {
	t.Helper()
	path, err := asm.Keystone()
	require.NoError(t, err)
	return path
}
