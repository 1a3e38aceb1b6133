// SPDX-License-Identifier: GPL-2.0-or-later

// Package unicorn is the engine: libunicorn, found and opened when it is first
// needed, with an MMU, a clock and stops of this project around it.
//
// A [CPU] runs until it comes back with an [Exit] that says why, as KVM's run
// structure does. Everything that happens often is C and stays there.
package unicorn

/*
#cgo CFLAGS: -O2 -std=gnu11 -Wall
#cgo linux LDFLAGS: -ldl
#include "library.h"
#include <stdlib.h>
*/
import "C"

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"unsafe"
)

// ErrNoEngine is what every error of a missing or unusable libunicorn wraps.
var ErrNoEngine = errors.New("no usable libunicorn")

// Library says which libunicorn is open.
type Library struct {
	Path    string
	Version string // "2.1.4"
	layout  *layout
}

var opened struct {
	sync.Mutex
	library *Library
	err     error
	done    bool
}

// Open opens libunicorn, once for the process. It looks at UKLEMU_LIBUNICORN,
// at the project's cache, at Python's unicorn packages and at last where the
// system's loader looks; the first of version 2.1.2 or later that passes
// calibration is taken. The error wraps [ErrNoEngine] and says what was found
// where and what to install.
func Open() (*Library, error) {
	opened.Lock()
	defer opened.Unlock()
	if !opened.done {
		opened.library, opened.err = open(candidates(), install())
		opened.done = true
	}
	return opened.library, opened.err
}

func open(paths []string, advice string) (*Library, error) {
	var tried []string
	for _, path := range paths {
		library, err := try(path)
		if err == nil {
			return library, nil
		}
		tried = append(tried, fmt.Sprintf("  %s: %v", path, err))
		if path == os.Getenv("UKLEMU_LIBUNICORN") {
			break // named by hand: nothing else was meant
		}
	}
	return nil, fmt.Errorf("%w; version 2.1.2 or later is needed. Looked at:\n%s\n%s", ErrNoEngine, strings.Join(tried, "\n"), advice)
}

// try opens one library and calibrates it.
func try(path string) (*Library, error) {
	if filepath.IsAbs(path) {
		if _, err := os.Stat(path); err != nil {
			return nil, errors.New("not there")
		}
	}
	name := C.CString(path)
	defer C.free(unsafe.Pointer(name))
	var why [512]C.char
	var version C.uint
	if C.library_open(name, &why[0], C.size_t(len(why)), &version) != 0 {
		return nil, errors.New(C.GoString(&why[0]))
	}
	v := fmt.Sprintf("%d.%d.%d", version>>24, version>>16&255, version>>8&255)
	if version < C.OLDEST_VERSION {
		return nil, fmt.Errorf("version %s is too old: before 2.1 it can't page, before 2.1.2 it forgets where it is when a hook stops it", v)
	}
	layout, err := calibrate()
	if err != nil {
		return nil, fmt.Errorf("version %s: %w", v, err)
	}
	return &Library{Path: path, Version: v, layout: layout}, nil
}

func fileName() string {
	if runtime.GOOS == "darwin" {
		return "libunicorn.2.dylib"
	}
	return "libunicorn.so.2"
}

// candidates are the places to look at, best first.
func candidates() []string {
	if path := os.Getenv("UKLEMU_LIBUNICORN"); path != "" {
		return []string{path}
	}
	out := []string{filepath.Join(CacheDir(), "lib", fileName())}
	for _, pattern := range pythonFolders() {
		found, _ := filepath.Glob(filepath.Join(pattern, "unicorn", "lib", fileName()))
		out = append(out, found...)
	}
	return append(out, fileName())
}

// CacheDir is where the project keeps what it has built or fetched:
// UKLEMU_CACHE, or uklemu in the user's cache folder.
func CacheDir() string {
	if dir := os.Getenv("UKLEMU_CACHE"); dir != "" {
		return dir
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		dir = filepath.Join(os.TempDir(), "cache")
	}
	return filepath.Join(dir, "uklemu")
}

func pythonFolders() []string {
	var out []string
	for _, dir := range []string{os.Getenv("VIRTUAL_ENV"), os.Getenv("CONDA_PREFIX"), "~/.local", "/usr/local", "/usr",
		"/opt/homebrew", "~/.pyenv/versions/*", "~/Library/Python/*"} {
		if dir == "" {
			continue
		}
		if rest, ok := strings.CutPrefix(dir, "~"); ok {
			home, err := os.UserHomeDir()
			if err != nil {
				continue
			}
			dir = home + rest
		}
		for _, packages := range []string{"site-packages", "dist-packages"} {
			out = append(out, filepath.Join(dir, "lib", "python3*", packages))
		}
	}
	return out
}

func install() string {
	return `To install it:
  anywhere, with pip:        pip install unicorn    (the library is inside the package)
  Debian 12, Ubuntu 24.04:   their package is 2.0.1, too old: take pip
  Debian 13, Ubuntu 25.04:   their package, libunicorn2t64, is 2.1.1, too old: take pip
  later ones:                apt install libunicorn2t64
  macOS:                     brew install unicorn
or name the file in UKLEMU_LIBUNICORN. In a checkout of uklemu, "make engine" puts it into the project's cache.`
}
