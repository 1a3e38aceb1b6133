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
	if err := printSections(w, "SECTIONS", info.Sections); err != nil {
		return err
	}
	if err := printEntries(w, info.Entries); err != nil {
		return err
	}
	return printApplication(w, info.Application)
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
		return strings.Join(info.UKL, ", ") + " (" + info.Flavor + ")"
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

func printSections(w io.Writer, title string, sections []sectionReport) error {
	if len(sections) == 0 {
		return nil
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(table, "\n%s\nADDRESS\tSIZE\tNAME\n", title)
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
	fmt.Fprintln(table, "\nENTRY POINTS\nADDRESS\tBY\tNAME")
	for _, e := range entries {
		by := e.Kind
		if e.Vector != nil {
			by = fmt.Sprintf("%s %#x", e.Kind, *e.Vector)
		}
		if e.IST != 0 {
			by += fmt.Sprintf(", IST %d", e.IST)
		}
		fmt.Fprintf(table, "%v\t%s\t%s\n", e.Address, by, e.Name)
	}
	return table.Flush()
}

// printApplication says what is linked into the kernel, if anything is.
func printApplication(w io.Writer, a applicationReport) error {
	if err := printSections(w, "APPLICATION", a.Sections); err != nil || len(a.Sections) == 0 {
		return err
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(table, "\nstart\t%v\n", a.Start)
	if a.Main != 0 {
		fmt.Fprintf(table, "main\t%v\n", a.Main)
	}
	if a.TLS != nil {
		fmt.Fprintf(table, "TLS\t%v, %#x bytes of which %#x have a value, aligned to %#x\n", a.TLS.Address, a.TLS.Size, a.TLS.FileSize, a.TLS.Alignment)
	}
	fmt.Fprintf(table, "symbols\t%d\n", len(a.Symbols))
	fmt.Fprintf(table, "red zone\t%s\n", usesText(a.RedZone, "not used: nothing is accessed below RSP"))
	fmt.Fprintf(table, "instructions\t%s\n", usesText(a.Forbidden, "none that an application in CPL 0 must not have"))
	if err := table.Flush(); err != nil {
		return err
	}
	if err := printUses(w, "USES OF THE RED ZONE", a.RedZone); err != nil {
		return err
	}
	return printUses(w, "INSTRUCTIONS THAT AN APPLICATION IN CPL 0 MUST NOT HAVE", a.Forbidden)
}

func usesText(uses []useReport, none string) string {
	if len(uses) == 0 {
		return none
	}
	return fmt.Sprintf("%d, see below", len(uses))
}

func printUses(w io.Writer, title string, uses []useReport) error {
	if len(uses) == 0 {
		return nil
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(table, "\n%s\nADDRESS\tFUNCTION\tINSTRUCTION\n", title)
	for _, u := range uses {
		fmt.Fprintf(table, "%v\t%s\t%s", u.Address, u.Function, u.Instruction)
		if u.Reason != "" {
			fmt.Fprintf(table, "\t%s", u.Reason)
		}
		fmt.Fprintln(table)
	}
	return table.Flush()
}
