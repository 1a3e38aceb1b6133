// SPDX-License-Identifier: GPL-2.0-or-later

// Command cmd prints what a system call costs, as package cost says. It needs
// the guests ("make guests") and qemu-system-x86_64.
//
//	go run ./tests/ukl/cost/cmd --rounds 25
package main

import (
	"flag"
	"fmt"
	"os"

	"github.com/uklemu/uklemu/tests/ukl/cost"
)

func main() {
	rounds := flag.Int("rounds", 25, "how often each kind of call is timed, of which the least counts")
	flag.Parse()
	if err := cost.Report(os.Stdout, *rounds); err != nil {
		fmt.Fprintln(os.Stderr, "cost:", err)
		os.Exit(1)
	}
}
