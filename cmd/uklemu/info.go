// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"errors"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/uklemu/uklemu/corpus"
	"github.com/uklemu/uklemu/emu/boot"
	"github.com/uklemu/uklemu/emu/symbols"
	modelimage "github.com/uklemu/uklemu/model/image"
)

func infoVerb(s *session) *cobra.Command {
	var space spaceFlags
	c := &cobra.Command{
		Use:   "info IMAGE",
		Short: "what is in an image: version, layout, entry points, how it boots",
		Long: `Says what is in an image: kernel version, UKL options, segments, sections, entry
points, the application. With --space, boots the kernel up to where its
application begins and shows the address space as its page tables have it.`,
		Example: `  uklemu info guest:ukl-hello
  uklemu info --space picture guest:ukl-hello
  uklemu info --space compare-svg guest:ukl-hello > space.svg`,
		Args:              oneImage,
		ValidArgsFunction: completeImage,
		RunE: func(c *cobra.Command, args []string) error {
			if space.form != "" {
				return space.show(c, s, args[0])
			}
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
	space.register(c)
	return c
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
	// UKL is the options of Unikernel Linux that the kernel was built with, as
	// its configuration names them, without CONFIG_; empty for a stock kernel.
	UKL []string `json:"ukl"`
	// Flavor is whose UKL it is, "" if it is none.
	Flavor      string            `json:"flavor"`
	Entries     []entryReport     `json:"entries"`
	Layout      []segmentReport   `json:"layout"`
	Sections    []sectionReport   `json:"sections"`
	Symbols     int               `json:"symbols"`
	DWARF       bool              `json:"dwarf"`
	BTF         bool              `json:"btf"`
	Types       string            `json:"types"`  // what types are read from: "DWARF", "BTF", or ""
	Config      bool              `json:"config"` // the kernel's configuration is in it
	Application applicationReport `json:"application"`
}

type entryReport struct {
	Name    string  `json:"name"`
	Address address `json:"address"`
	Kind    string  `json:"kind"`             // "syscall", "call", "exception", "NMI", "interrupt"
	Vector  *int    `json:"vector,omitempty"` // of those that have one
	IST     int     `json:"ist,omitempty"`
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
		Application: noApplication(),
	}
	for _, s := range img.Segments() {
		info.Layout = append(info.Layout, segmentReport{address(s.Virtual), address(s.Physical), s.Size, s.FileSize, access(s.Flags)})
	}
	if kernel, err := modelimage.Read(img, img.Size(), image.Path); err == nil {
		info.addSymbols(kernel.Symbols)
		info.addKernel(kernel)
		return info, nil
	}
	// No kernel for x86-64, or not with symbols: less is to be said of it.
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
}
