// SPDX-License-Identifier: GPL-2.0-or-later

package debug

import (
	"context"
	"fmt"
	"strings"
)

// monitorCommands are what gdb's "monitor" takes, in the order of its help.
var monitorCommands = []struct {
	name, help string
	do         func(d *Machine, argument string) (string, error)
}{
	{"position", "where the machine stands in its history", (*Machine).tellPosition},
	{"postmortem", "registers, backtrace and last instructions", func(d *Machine, _ string) (string, error) {
		return PostMortem(d.m, d.last, d.options.Symbols), nil
	}},
	{"type", "types the rest of the line and a newline on the guest's console", func(d *Machine, text string) (string, error) {
		d.Type([]byte(text + "\n"))
		return "", nil
	}},
}

// Monitor implements [gdb.Monitor].
func (d *Machine) Monitor(_ context.Context, command string) (string, error) {
	name, argument, _ := strings.Cut(command, " ")
	var help strings.Builder
	for _, c := range monitorCommands {
		if c.name == name {
			return c.do(d, argument)
		}
		fmt.Fprintf(&help, "%-12s %s\n", c.name, c.help)
	}
	if name == "help" || name == "" {
		return help.String(), nil
	}
	return "", fmt.Errorf("there is no %q; there are:\n%s", name, strings.TrimSuffix(help.String(), "\n"))
}

func (d *Machine) tellPosition(string) (string, error) {
	h := &d.history
	return fmt.Sprintf("here:  %s\nend:   %s\nbegin: %s\n%d snapshots, %.1f MiB\n",
		d.Position(), h.end, h.checkpoints[0].Position, len(h.checkpoints), float64(h.size())/(1<<20)), nil
}
