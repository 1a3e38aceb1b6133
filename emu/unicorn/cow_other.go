// SPDX-License-Identifier: GPL-2.0-or-later

//go:build !linux

package unicorn

import "os"

// memoryFile is an ordinary file whose name is gone: the system keeps what is
// used of it in memory.
func memoryFile() (*os.File, error) {
	f, err := os.CreateTemp("", "uklemu-snapshot")
	if err != nil {
		return nil, err
	}
	return f, os.Remove(f.Name())
}
