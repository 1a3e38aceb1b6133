// SPDX-License-Identifier: GPL-2.0-or-later

package asm

/*
#cgo CFLAGS: -O2 -std=gnu11 -Wall
#cgo linux LDFLAGS: -ldl
#include "keystone.h"
#include <stdlib.h>
*/
import "C"

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"unsafe"
)

// keystone is the library. It is LLVM underneath, which has state of its own
// beside its engines: one call at a time.
var keystone struct {
	sync.Mutex
	path    string
	err     error
	done    bool
	engines map[engineKey]*C.ks_engine
}

type engineKey struct {
	syntax Syntax
	mode   int
}

// Keystone says which libkeystone is used, opening it if need be: the one
// that UKLEMU_LIBKEYSTONE names, or the first of the project's cache, Python's
// keystone packages and where the system's loader looks. The error wraps
// [ErrNoAssembler] and says what was found where.
func Keystone() (path string, err error) {
	keystone.Lock()
	defer keystone.Unlock()
	return openKeystone()
}

func openKeystone() (string, error) {
	if !keystone.done {
		keystone.path, keystone.err = loadKeystone(keystonePlaces(), loadLibrary)
		keystone.engines = map[engineKey]*C.ks_engine{}
		keystone.done = true
	}
	return keystone.path, keystone.err
}

// loadKeystone loads the first that can be.
func loadKeystone(places []string, load func(string) error) (string, error) {
	var tried []string
	for _, path := range places {
		err := load(path)
		if err == nil {
			return path, nil
		}
		tried = append(tried, fmt.Sprintf("  %s: %v", path, err))
	}
	return "", fmt.Errorf("%w: no usable libkeystone 0.9. Looked at:\n%s\nTo install it: pip install keystone-engine, or name the file in UKLEMU_LIBKEYSTONE; in a checkout of uklemu, \"make engine\" puts it into the project's cache",
		ErrNoAssembler, strings.Join(tried, "\n"))
}

func loadLibrary(path string) error {
	if filepath.IsAbs(path) {
		if _, err := os.Stat(path); err != nil {
			return errors.New("not there")
		}
	}
	name := C.CString(path)
	defer C.free(unsafe.Pointer(name))
	var why [512]C.char
	var version C.uint
	if C.keystone_load(name, &why[0], C.size_t(len(why)), &version) != 0 {
		return errors.New(C.GoString(&why[0]))
	}
	if version != C.KS_WANTED {
		return fmt.Errorf("its interface is version %d.%d, and 0.9 is needed", version>>8, version&0xff)
	}
	return nil
}

// byKeystone assembles one instruction.
func byKeystone(text string, syntax Syntax, mode int) ([]byte, error) {
	keystone.Lock()
	defer keystone.Unlock()
	if _, err := openKeystone(); err != nil {
		return nil, err
	}
	key := engineKey{syntax, mode}
	engine := keystone.engines[key]
	if engine == nil {
		if C.keystone_start(C.int(mode), C.int(syntax), &engine) != 0 {
			return nil, fmt.Errorf("%w: libkeystone knows no x86", ErrNoAssembler)
		}
		keystone.engines[key] = engine
	}
	source := C.CString(text)
	defer C.free(unsafe.Pointer(source))
	var code [longest]byte
	var why [128]C.char
	n := C.keystone_assemble(engine, source, (*C.uchar)(&code[0]), C.size_t(len(code)), &why[0], C.size_t(len(why)))
	if n == C.KEYSTONE_FATAL {
		delete(keystone.engines, key)
	}
	if n < 0 {
		sentence, _, _ := strings.Cut(C.GoString(&why[0]), " (KS_ERR")
		return nil, errors.New(sentence)
	}
	return code[:n:n], nil
}
