// SPDX-License-Identifier: GPL-2.0-or-later

// Command cmd compares the emulator with QEMU, as package lockstep says, and
// prints what was compared and what differed. It fails if something differs
// that nothing explains.
//
//	go run ./tests/lockstep/cmd          a minute
//	go run ./tests/lockstep/cmd --full   1,000,000 instructions, 100,000 events
package main

import (
	"flag"
	"fmt"
	"os"

	"github.com/uklemu/uklemu/tests/lockstep"
)

func main() {
	full := flag.Bool("full", false, "compare 1,000,000 instructions and 100,000 events")
	seed := flag.Uint64("seed", 1, "of the first generated program")
	guest := flag.String("guest", "guest:stock", "whose kernel to step; empty for none")
	flag.Parse()
	campaign := lockstep.CI
	if *full {
		campaign = lockstep.Full
	}
	campaign.Seed, campaign.Guest = *seed, *guest
	result, err := campaign.Run(os.Stderr)
	fmt.Print(result.Summary())
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	if err != nil || len(result.Total().Unexplained()) > 0 {
		os.Exit(1)
	}
}
