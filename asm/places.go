// SPDX-License-Identifier: GPL-2.0-or-later

package asm

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/uklemu/uklemu/internal/cache"
)

// keystonePlaces is where libkeystone may lie, best first.
func keystonePlaces() []string {
	if path := os.Getenv("UKLEMU_LIBKEYSTONE"); path != "" {
		return []string{path}
	}
	file, system := "libkeystone.so", "libkeystone.so.0"
	if runtime.GOOS == "darwin" {
		file, system = "libkeystone.dylib", "libkeystone.0.dylib"
	}
	places := []string{filepath.Join(cache.Dir(), "lib", file)}
	for _, folder := range pythonFolders() {
		found, _ := filepath.Glob(filepath.Join(folder, "lib", "python3*", "*-packages", "keystone", file))
		places = append(places, found...)
	}
	return append(places, system, file)
}

// pythonFolders is where a Python may have its packages.
func pythonFolders() []string {
	var folders []string
	for _, folder := range []string{os.Getenv("VIRTUAL_ENV"), os.Getenv("CONDA_PREFIX"), "~/.local", "/usr/local", "/usr", "/opt/homebrew", "~/.pyenv/versions/*"} {
		if rest, ok := strings.CutPrefix(folder, "~"); ok {
			home, err := os.UserHomeDir()
			if err != nil {
				continue
			}
			folder = home + rest
		}
		if folder != "" {
			folders = append(folders, folder)
		}
	}
	return folders
}
