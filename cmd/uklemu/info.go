// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/uklemu/uklemu/corpus"
	"github.com/uklemu/uklemu/emu/boot"
	"github.com/uklemu/uklemu/emu/symbols"
)

func infoVerb(s *session) *cobra.Command {
	return &cobra.Command{
		Use:               "info IMAGE",
		Short:             "what is in an image: version, layout, entry points, how it boots",
		Args:              oneImage,
		ValidArgsFunction: completeImage,
		RunE: func(_ *cobra.Command, args []string) error {
			image, err := corpus.Find(args[0])
			if err != nil {
				return err
			}
			info, err := inspect(image, s.warn)
			if err != nil {
				return err
			}
			return s.answer(info, func(w io.Writer) error { return printInfo(w, info) })
		},
	}
}

// infoReport is what info prints.
type infoReport struct {
	Image     string   `json:"image"`
	Path      string   `json:"path"`
	Kernel    string   `json:"kernel"` // the release, "" if it is not Linux
	Banner    string   `json:"banner"`
	Class     string   `json:"class"`
	Entry     address  `json:"entry"`
	Protocols []string `json:"protocols"` // the preferred one first
	// UKL is the options of Unikernel Linux that the kernel was built with,
	// as far as its symbols show them; empty for a stock kernel.
	UKL         []string          `json:"ukl"`
	Entries     []entryReport     `json:"entries"`
	Layout      []segmentReport   `json:"layout"`
	Sections    []sectionReport   `json:"sections"`
	Symbols     int               `json:"symbols"`
	DWARF       bool              `json:"dwarf"`
	BTF         bool              `json:"btf"`
	Application applicationReport `json:"application"`
}

type entryReport struct {
	Name    string  `json:"name"`
	Address address `json:"address"`
}

type segmentReport struct {
	Virtual  address `json:"virtual"`
	Physical address `json:"physical"`
	Size     uint64  `json:"size"`      // in memory
	FileSize uint64  `json:"file_size"` // the rest is zero
	Access   string  `json:"access"`    // "r-x"
}

type sectionReport struct {
	Name    string  `json:"name"`
	Address address `json:"address"`
	Size    uint64  `json:"size"`
}

// applicationReport is what is linked into the kernel; a stock kernel has no
// application, and three empty lists.
type applicationReport struct {
	Sections []sectionReport `json:"sections"`
	Symbols  []entryReport   `json:"symbols"`
	RedZone  []address       `json:"red_zone"`
}

func inspect(image corpus.Image, warn func(string, ...any)) (*infoReport, error) {
	img, err := boot.Open(image.Path)
	if err != nil {
		return nil, err
	}
	defer img.Close()
	banner, err := img.LinuxVersion()
	if err != nil {
		return nil, err
	}
	info := &infoReport{
		Image: image.Name, Path: image.Path, Kernel: release(banner), Banner: banner,
		Class: img.Class(), Entry: address(img.Entry()), Protocols: img.Protocols(),
		UKL: []string{}, Entries: []entryReport{}, Layout: []segmentReport{}, Sections: []sectionReport{},
		Application: applicationReport{[]sectionReport{}, []entryReport{}, []address{}},
	}
	for _, s := range img.Segments() {
		info.Layout = append(info.Layout, segmentReport{address(s.Virtual), address(s.Physical), s.Size, s.FileSize, access(s.Flags)})
	}
	table, err := symbols.Load(img, img.Size())
	if err != nil && !errors.Is(err, symbols.ErrNoSymbols) {
		warn("%s: %v", image.Path, err) // it boots without them
	}
	if table != nil {
		info.addSymbols(table)
	}
	return info, nil
}

// release takes "6.1.0" from "Linux version 6.1.0 (...) ..." or, as a bzImage
// has it, from "6.1.0 (...) ...".
func release(banner string) string {
	word, _, _ := strings.Cut(strings.TrimPrefix(banner, "Linux version "), " ")
	return word
}

func access(flags uint32) string {
	text := []byte("---")
	for i, bit := range []uint32{4, 2, 1} {
		if flags&bit != 0 {
			text[i] = "rwx"[i]
		}
	}
	return string(text)
}

func (info *infoReport) addSymbols(table *symbols.Table) {
	info.Symbols = table.Len()
	info.DWARF = table.HasLines()
	_, info.BTF = table.Section(".BTF")
	for _, s := range table.Sections() {
		if s.Allocated && s.Size > 0 {
			info.Sections = append(info.Sections, sectionReport{s.Name, address(s.Address), s.Size})
		}
	}
	info.Entries = entries(table)
	if _, ok := table.Address(uklEntry); ok {
		info.UKL = append(info.UKL, "UNIKERNEL_LINUX")
	}
}

// uklEntry is where an application's system calls enter a UKL kernel.
const uklEntry = "ukl_entry_SYSCALL_64"

// entryPrefixes are how a Linux kernel names the code that the CPU enters:
// system calls (arch/x86/entry/entry_64.S), exceptions and interrupts
// (arch/x86/include/asm/idtentry.h).
var entryPrefixes = []string{"entry_SYSCALL", "entry_SYSENTER", "entry_INT80", "asm_exc_", "asm_sysvec_", "asm_common_interrupt", "asm_spurious_interrupt", uklEntry}

// entries are the symbols of that kind, by address. A label within one has no
// size and is none.
func entries(table *symbols.Table) []entryReport {
	list := []entryReport{}
	for _, s := range table.Symbols() {
		named := func(prefix string) bool { return strings.HasPrefix(s.Name, prefix) }
		if s.Global && !s.Absolute && s.Kind != symbols.Object && s.Size != 0 && slices.ContainsFunc(entryPrefixes, named) {
			list = append(list, entryReport{s.Name, address(s.Address)})
		}
	}
	return list
}
