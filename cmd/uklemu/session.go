// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"encoding/json"
	"fmt"
	"io"
)

// session is one run of the command: where it reads and writes, and the flags
// that every verb has.
type session struct {
	in       io.Reader
	out, err io.Writer
	json     bool
}

// answer writes a verb's result: the object as JSON, or its text.
func (s *session) answer(object any, text func(w io.Writer) error) error {
	if !s.json {
		return failedWrite(text(s.out))
	}
	encoder := json.NewEncoder(s.out)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return failedWrite(encoder.Encode(object))
}

// failedWrite tells a full disk from an unusable image.
func failedWrite(err error) error {
	if err == nil {
		return nil
	}
	return failure{fmt.Errorf("standard output: %w", err)}
}

// failedConsole is failedWrite for the guest's console, which makes room for the
// answer to --json.
func (s *session) failedConsole(err error) error {
	if !s.json {
		return failedWrite(err)
	}
	return failure{fmt.Errorf("the console on standard error: %w", err)}
}

// warn tells people something on standard error.
func (s *session) warn(format string, args ...any) {
	fmt.Fprintf(s.err, "uklemu: "+format+"\n", args...)
}

// address is a number that JSON carries as text: a script that reads numbers
// as doubles would lose the low bits of a kernel's addresses.
type address uint64

func (a address) String() string { return fmt.Sprintf("%#x", uint64(a)) }

// MarshalText makes it "0xffffffff81000000".
func (a address) MarshalText() ([]byte, error) { return []byte(a.String()), nil }
