// SPDX-License-Identifier: GPL-2.0-or-later

// Command cmd measures the machine and prints the table that "make bench"
// shows: boots against QEMU, snapshots, and a stretch of kernel code against a
// plain C loop over libunicorn. It needs the guests ("make guests"),
// qemu-system-x86_64 and a C compiler.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/uklemu/uklemu/tests/bench"
)

func main() {
	rounds := flag.Int("rounds", 5, "how often each thing is measured, in turn with what it is measured against")
	runs := flag.Int("runs", 10000, "of the stretch in a round")
	flag.Parse()
	if err := run(*rounds, *runs); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(rounds, runs int) (err error) {
	qemu, err := exec.LookPath("qemu-system-x86_64")
	if err != nil {
		return fmt.Errorf("%w: Debian's package qemu-system-x86 has it", err)
	}
	scratch, err := os.MkdirTemp("", "uklemu-bench")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(scratch)) }()
	uklemu := filepath.Join(scratch, "uklemu")
	build := exec.Command("go", "build", "-o", uklemu, "github.com/uklemu/uklemu/cmd/uklemu")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		return fmt.Errorf("building uklemu: %w", err)
	}
	return bench.Report(os.Stdout, bench.Options{Rounds: rounds, Runs: runs, Uklemu: uklemu, QEMU: qemu, Scratch: scratch})
}
