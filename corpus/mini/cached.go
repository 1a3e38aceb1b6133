// SPDX-License-Identifier: GPL-2.0-or-later

package mini

import (
	"cmp"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/uklemu/uklemu/asm"
	"github.com/uklemu/uklemu/internal/cache"
)

// File is a file with the guest, in the project's cache, where it is made when
// it is asked for first. The name of its folder is the hash of everything that
// guests are made of, so it is never an old one; several processes may ask at
// once.
func File(o Options) (string, error) {
	if err := o.Check(); err != nil {
		return "", err
	}
	folder := filepath.Join(cache.Dir(), "mini", ingredients())
	path := filepath.Join(folder, fileName(o))
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	b, err := Build(o)
	if err != nil {
		return "", err
	}
	if _, err := os.Stat(folder); err != nil {
		forget(filepath.Dir(folder), versionsKept-1)
		if err := keepSources(folder); err != nil {
			return "", err
		}
	}
	return path, keep(path, b)
}

// keepSources puts the sources where a debugger finds them that is told the
// folder of the guest: whoever installed the command need not have them.
func keepSources(folder string) error {
	files, err := sources(embedded)
	if err != nil {
		return err
	}
	for _, f := range files {
		if err := keep(filepath.Join(folder, f.name), []byte(f.text)); err != nil {
			return err
		}
	}
	return nil
}

// Hash is over all that the guest is made of.
func Hash(o Options) string {
	sum := sha256.Sum256([]byte(ingredients() + " " + o.String()))
	return hex.EncodeToString(sum[:8])
}

// fileName tells the variants apart, and people which it is.
func fileName(o Options) string {
	name := "vmlinux"
	if o.String() != "" {
		name += "-" + strings.ReplaceAll(o.String(), ",", "-")
	}
	if len(name) > 100 {
		name = "vmlinux-" + Hash(o)
	}
	return name
}

// keep writes a file so that it is there in full or not at all.
func keep(path string, b []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return notKept(err)
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return notKept(err)
	}
	_, err = f.Write(b)
	err = errors.Join(err, f.Chmod(0o644), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		os.Remove(f.Name())
		return notKept(err)
	}
	return nil
}

func notKept(err error) error {
	return fmt.Errorf("builtin:mini can't be kept in the cache: %w; UKLEMU_CACHE names another folder", err)
}

// versionsKept is how many versions of this package may have guests in the
// cache: each has a folder, and those who change the sources make many.
const versionsKept = 4

// forget removes the oldest folders until so many are left. What can't be
// removed is left there: it is only a cache.
func forget(parent string, kept int) {
	entries, _ := os.ReadDir(parent)
	var found []fs.FileInfo
	for _, e := range entries {
		if info, err := e.Info(); err == nil && e.IsDir() {
			found = append(found, info)
		}
	}
	slices.SortFunc(found, func(a, b fs.FileInfo) int {
		return cmp.Or(b.ModTime().Compare(a.ModTime()), strings.Compare(a.Name(), b.Name()))
	})
	for i, info := range found {
		if i >= kept {
			os.RemoveAll(filepath.Join(parent, info.Name()))
		}
	}
}

//go:embed *.go
var ownCode embed.FS

// ingredients is the hash of what all variants are made of: the sources, the
// tables and the code of this package, the assembler, and gzip.
var ingredients = sync.OnceValue(func() string {
	h := sha256.New()
	for _, from := range []fs.FS{embedded, ownCode} {
		fs.WalkDir(from, ".", func(path string, entry fs.DirEntry, _ error) error {
			if !entry.IsDir() && !strings.HasSuffix(path, "_test.go") {
				b, _ := fs.ReadFile(from, path) // what is embedded can be read
				fmt.Fprintf(h, "%s %d\n%s", path, len(b), b)
			}
			return nil
		})
	}
	fmt.Fprintln(h, asm.Identity(), runtime.Version())
	return hex.EncodeToString(h.Sum(nil))[:16]
})
