// SPDX-License-Identifier: GPL-2.0-or-later

// Package testguest tells tests where the guests are that "make guests" has
// built. A test that needs one fails without it: what is not run is not
// tested.
package testguest

import (
	"os"
	"testing"

	"github.com/uklemu/uklemu/internal/cache"
)

// Path is a file of a guest, such as "vmlinux" of "stock".
func Path(t testing.TB, guest, file string) string {
	t.Helper()
	path := cache.Guest(guest, file)
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("this test runs the guest %q, which is not built (%v); make guests builds it", guest, err)
	}
	return path
}

// Read is the contents of a file of a guest.
func Read(t testing.TB, guest, file string) []byte {
	t.Helper()
	b, err := os.ReadFile(Path(t, guest, file))
	if err != nil {
		t.Fatal(err)
	}
	return b
}
