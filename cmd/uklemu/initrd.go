// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"fmt"
	"io"
	"io/fs"
	"os"
)

// readInitrd refuses what has no end or no room: it is asked about before it
// is opened, for opening a named pipe waits for a writer, and reading a device
// may never end.
func readInitrd(path string, memory size) ([]byte, error) {
	accepted := fmt.Sprintf("accepted: a regular file no larger than the machine's memory (%s)", &memory)
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if kind := kindOf(info.Mode()); kind != "" {
		return nil, fmt.Errorf("%s: this is a %s; %s", path, kind, accepted)
	}
	tooLarge := fmt.Errorf("%s: too large; %s", path, accepted)
	if info.Size() > int64(memory) {
		return nil, tooLarge
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	// A file of proc(5) is longer than the 0 bytes it says it has.
	b, err := io.ReadAll(io.LimitReader(f, int64(memory)+1))
	if err == nil && len(b) > int(memory) {
		return nil, tooLarge
	}
	return b, err
}

// kindOf names what is no regular file.
func kindOf(mode fs.FileMode) string {
	switch {
	case mode.IsRegular():
		return ""
	case mode.IsDir():
		return "directory"
	case mode&fs.ModeNamedPipe != 0:
		return "pipe"
	case mode&fs.ModeSocket != 0:
		return "socket"
	case mode&fs.ModeDevice != 0:
		return "device"
	}
	return "special file"
}
