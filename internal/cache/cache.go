// SPDX-License-Identifier: GPL-2.0-or-later

// Package cache knows where the project keeps what it has built or fetched:
// guests, and the engine's library.
package cache

import (
	"os"
	"path/filepath"
)

// Dir is UKLEMU_CACHE, or uklemu in the user's cache folder. It need not
// exist.
func Dir() string {
	if dir := os.Getenv("UKLEMU_CACHE"); dir != "" {
		return dir
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		dir = filepath.Join(os.TempDir(), "cache")
	}
	return filepath.Join(dir, "uklemu")
}

// Guest is a file of the guest NAME that "make guests" has built.
func Guest(name, file string) string { return filepath.Join(Dir(), "guests", name, file) }
