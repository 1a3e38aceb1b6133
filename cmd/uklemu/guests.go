// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/uklemu/uklemu/corpus"
	"github.com/uklemu/uklemu/corpus/mini"
)

func guestsVerb(s *session) *cobra.Command {
	return &cobra.Command{
		Use:   "guests",
		Short: "the guests that can be named as an image",
		Args:  noArguments,
		RunE: func(*cobra.Command, []string) error {
			guests, err := corpus.Guests()
			if err != nil {
				s.warn("%v", err) // the others can be used all the same
			}
			return s.answer(guestsReport(guests), func(w io.Writer) error { return printGuests(w, guests) })
		},
	}
}

// guestsReport has a list where a guest has nothing: scripts need not tell
// null from [].
func guestsReport(guests []corpus.Guest) any {
	list := make([]corpus.Guest, 0, len(guests))
	for _, g := range guests {
		g.Options, g.Defects, g.Applications = orEmpty(g.Options), orEmpty(g.Defects), orEmpty(g.Applications)
		list = append(list, g)
	}
	return struct {
		Guests []corpus.Guest `json:"guests"`
	}{list}
}

func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

func printGuests(w io.Writer, guests []corpus.Guest) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "IMAGE\tKERNEL\tOPTIONS\tAPPLICATIONS")
	built := false
	for _, g := range guests {
		options := orDash(strings.Join(g.Options, ","))
		if g.Kind == corpus.KindBuiltin {
			options = "any of those below"
		}
		built = built || g.Kind == corpus.KindBuilt
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", g.Image(), orDash(g.Kernel), options, orDash(strings.Join(g.Applications, ",")))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if !built {
		fmt.Fprintln(w, "\nNo Linux is built yet. In a checkout of uklemu, make guests does it.")
	}
	return printMini(w)
}

// printMini lists what the builtin guest can be given.
func printMini(w io.Writer) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "\nOptions of builtin:mini, written builtin:mini,OPTION...")
	for _, name := range mini.OptionNames() {
		fmt.Fprintf(table, "  %s\t%s\n", name, mini.Describe(name))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(table, "\nDefects, written builtin:mini,defect=NAME...")
	for _, d := range mini.Defects() {
		fmt.Fprintf(table, "  %s\t%s\t%s\n", d.ID, d.Name, d.Text)
	}
	return table.Flush()
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
