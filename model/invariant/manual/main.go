// SPDX-License-Identifier: GPL-2.0-or-later

// Manual writes docs/invariants.md, from the folder of the project.
package main

import (
	"fmt"
	"os"

	"github.com/uklemu/uklemu/model/invariant"
)

func main() {
	if err := os.WriteFile("docs/invariants.md", []byte(invariant.Markdown()), 0o644); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
