// SPDX-License-Identifier: GPL-2.0-or-later

package cost

import (
	"fmt"
	"io"

	"github.com/uklemu/uklemu/corpus"
)

// Report measures all guests everywhere and prints the tables.
func Report(out io.Writer, rounds int) error {
	guests, err := Guests()
	if err != nil {
		return err
	}
	for _, table := range []struct {
		unit  string
		costs func(corpus.Guest) (Costs, error)
	}{
		{"instructions, emulator", where(emulator).instructions},
		{"instructions, QEMU", qemu("-icount", "shift=0").instructions},
		{"ns, emulator", where(emulator).byWatch(rounds)},
		{"ns, QEMU", qemu().byGuest},
	} {
		var columns []Column
		for _, g := range guests {
			costs, err := table.costs(g)
			if err != nil {
				return err
			}
			columns = append(columns, Column{g.Options, costs})
		}
		if _, err := fmt.Fprintln(out, Table(table.unit, columns)); err != nil {
			return err
		}
	}
	return nil
}
