// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/uklemu/uklemu/model"
	"github.com/uklemu/uklemu/model/space"
)

// spaceFlags are those of info that need a machine.
type spaceFlags struct {
	startFlags
	form string
}

// spaceReport is what --json has of an address space.
type spaceReport struct {
	Image    string        `json:"image"`
	Levels   int           `json:"levels"` // of page tables, 0 for what the linker made
	CR3      address       `json:"cr3"`
	Ranges   []space.Range `json:"ranges"`
	Problems []string      `json:"problems"`
}

// spaceForms are the ways to show an address space.
var spaceForms = []string{"table", "picture", "svg", "linked", "compare", "compare-svg"}

func (f *spaceFlags) register(c *cobra.Command) {
	f.startFlags.register(c)
	c.Flags().StringVar(&f.form, "space", "", "boot, and show the address space as a `FORM`: table, picture, svg; linked is as the linker made it, compare and compare-svg have both")
}

func (f *spaceFlags) show(c *cobra.Command, s *session, name string) error {
	if !slices.Contains(spaceForms, f.form) {
		return usageError{fmt.Sprintf("--space: %q is no form; accepted: %s", f.form, strings.Join(spaceForms, ", ")), c.CommandPath()}
	}
	kernel, err := f.load(c, name)
	if err != nil {
		return err
	}
	defer kernel.Close()
	layout := space.Linked(kernel.Image)
	if f.form != "linked" {
		if layout, err = booted(kernel); err != nil {
			return err
		}
	}
	report := spaceReport{name, layout.Levels, address(layout.CR3), layout.Ranges, layout.Problems}
	if report.Problems == nil {
		report.Problems = []string{}
	}
	return s.answer(report, func(w io.Writer) error {
		_, err := io.WriteString(w, f.text(kernel, layout))
		return err
	})
}

// booted is the address space where the application begins.
func booted(kernel *model.Kernel) (*space.Layout, error) {
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	m, err := kernel.Start(ctx)
	if err != nil {
		return nil, err
	}
	defer m.Close()
	return space.Read(m, kernel.Image), nil
}

func (f *spaceFlags) text(kernel *model.Kernel, layout *space.Layout) string {
	switch f.form {
	case "picture":
		return layout.Picture()
	case "svg":
		return layout.SVG()
	case "compare":
		return space.SideBySide(space.Compare(space.Linked(kernel.Image), layout))
	case "compare-svg":
		return space.SideBySideSVG(space.Compare(space.Linked(kernel.Image), layout))
	}
	return layout.Table()
}
