// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// printInfo writes a report as aligned text.
func printInfo(w io.Writer, info *infoReport) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	line := func(name, format string, args ...any) {
		fmt.Fprintf(table, "%s\t%s\n", name, fmt.Sprintf(format, args...))
	}
	line("image", "%s", info.Path)
	if info.Kernel != "" {
		line("kernel", "%s", info.Banner)
	} else {
		line("kernel", "not Linux, or not to be seen from outside")
	}
	line("class", "%s", info.Class)
	if info.Entry != 0 {
		line("entry", "%v", info.Entry)
	}
	line("boots as", "%s", strings.Join(info.Protocols, ", "))
	line("symbols", "%s", symbolsText(info))
	line("UKL", "%s", uklText(info))
	if err := table.Flush(); err != nil {
		return err
	}
	if err := printLayout(w, info.Layout); err != nil {
		return err
	}
	if err := printSections(w, info.Sections); err != nil {
		return err
	}
	return printEntries(w, info.Entries)
}

func symbolsText(info *infoReport) string {
	if info.Symbols == 0 {
		return "none: addresses will have no names"
	}
	have := map[bool]string{true: "", false: "no "}
	return fmt.Sprintf("%d, %sDWARF, %sBTF", info.Symbols, have[info.DWARF], have[info.BTF])
}

func uklText(info *infoReport) string {
	switch {
	case len(info.UKL) > 0:
		return strings.Join(info.UKL, ", ")
	case info.Symbols == 0:
		return "not to be seen without symbols"
	}
	return "none of its options: a stock kernel"
}

func printLayout(w io.Writer, layout []segmentReport) error {
	if len(layout) == 0 {
		return nil
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "\nSEGMENTS\nVIRTUAL\tPHYSICAL\tSIZE\tIN FILE\tACCESS")
	for _, s := range layout {
		fmt.Fprintf(table, "%v\t%v\t%#x\t%#x\t%s\n", s.Virtual, s.Physical, s.Size, s.FileSize, s.Access)
	}
	return table.Flush()
}

func printSections(w io.Writer, sections []sectionReport) error {
	if len(sections) == 0 {
		return nil
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "\nSECTIONS\nADDRESS\tSIZE\tNAME")
	for _, s := range sections {
		fmt.Fprintf(table, "%v\t%#x\t%s\n", s.Address, s.Size, s.Name)
	}
	return table.Flush()
}

func printEntries(w io.Writer, entries []entryReport) error {
	if len(entries) == 0 {
		return nil
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "\nENTRY POINTS\nADDRESS\tNAME")
	for _, e := range entries {
		fmt.Fprintf(table, "%v\t%s\n", e.Address, e.Name)
	}
	return table.Flush()
}
