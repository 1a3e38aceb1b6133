// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/uklemu/uklemu/emu/unicorn"
)

// Exit statuses. An error is statusUnusable unless it says otherwise: what a
// verb is given is what most errors are about.
const (
	statusFine     = 0
	statusFailed   = 1 // a violation, or a guest that failed
	statusUnusable = 2 // usage, or input that can't be used
	statusNoEngine = 3
)

// status is an error for a verb that has said all there is to say, and exits
// with it.
type status int

func (s status) Error() string { return fmt.Sprintf("exit status %d", int(s)) }

// failure is an error about what was run rather than what was given: it exits
// with statusFailed.
type failure struct{ error }

func (f failure) Unwrap() error { return f.error }

// usageError is about the command line.
type usageError struct{ what, command string }

func (u usageError) Error() string {
	return fmt.Sprintf("%s; see %s --help", u.what, u.command)
}

// statusOf is what an error exits with.
func statusOf(err error) int {
	var said status
	var failed failure
	switch {
	case err == nil:
		return statusFine
	case errors.As(err, &said):
		return int(said)
	case errors.As(err, &failed):
		return statusFailed
	case errors.Is(err, unicorn.ErrNoEngine):
		return statusNoEngine
	}
	return statusUnusable
}

// report prints an error for people.
func report(w io.Writer, err error) {
	var said status
	if err != nil && !errors.As(err, &said) {
		fmt.Fprintf(w, "uklemu: %v\n", err)
	}
}
