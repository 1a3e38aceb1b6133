// SPDX-License-Identifier: GPL-2.0-or-later

// Command cmd makes docs/defects.md, from a check of each defect of
// builtin:mini.
//
//	go run ./tests/mini/cmd
package main

import (
	"fmt"
	"os"

	guest "github.com/uklemu/uklemu/corpus/mini"
	"github.com/uklemu/uklemu/tests/mini"
)

func main() {
	if err := run("docs/defects.md"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(path string) error {
	var rows []string
	for _, d := range guest.Defects() {
		look, err := mini.Check(mini.Variant(d))
		if err != nil {
			return fmt.Errorf("%s: %w", d.Name, err)
		}
		fmt.Fprintf(os.Stderr, "%s: %v\n", d.Name, look)
		rows = append(rows, mini.Row(d, look))
	}
	return os.WriteFile(path, []byte(mini.Markdown(rows)), 0o644)
}
