// SPDX-License-Identifier: GPL-2.0-or-later

// Command uklemu runs, inspects and checks Unikernel Linux kernels in an
// emulator. "uklemu help" lists what it does.
//
// A verb is one file, named after it, and a line in verbs.go.
package main

import "os"

func main() {
	s := &session{in: os.Stdin, out: os.Stdout, err: os.Stderr}
	os.Exit(run(s, os.Args[1:]))
}
