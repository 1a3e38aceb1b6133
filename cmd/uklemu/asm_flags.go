// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"fmt"
	"io"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/uklemu/uklemu/asm"
	"github.com/uklemu/uklemu/corpus"
	"github.com/uklemu/uklemu/emu/boot"
	"github.com/uklemu/uklemu/emu/symbols"
)

// codeFlags are those that asm and dis share.
type codeFlags struct {
	at     place
	syntax syntaxFlag
	mode   int
	image  string
}

func (f *codeFlags) register(c *cobra.Command) {
	f.mode = 64
	c.Flags().Var(&f.at, "at", "where the code lies")
	c.Flags().Var(&f.syntax, "syntax", "intel or att")
	c.Flags().IntVar(&f.mode, "mode", f.mode, "64, 32 or 16 `BITS`")
	c.Flags().StringVar(&f.image, "image", "", "an `IMAGE` that has the symbols")
}

func (f *codeFlags) check() error {
	if f.mode != 64 && f.mode != 32 && f.mode != 16 {
		return fmt.Errorf("--mode: there is none of %d bits; accepted: 64, 32, 16", f.mode)
	}
	return nil
}

// place is an address on the command line.
type place uint64

func (p *place) Type() string   { return "ADDRESS" }
func (p *place) String() string { return fmt.Sprintf("%#x", uint64(*p)) }

func (p *place) Set(text string) error {
	v, err := strconv.ParseUint(text, 0, 64)
	if err != nil {
		return fmt.Errorf("%q is no address; accepted: a number such as 0xffffffff81000000", text)
	}
	*p = place(v)
	return nil
}

// syntaxFlag is a way to write instructions.
type syntaxFlag asm.Syntax

func (f *syntaxFlag) Type() string { return "SYNTAX" }

func (f *syntaxFlag) String() string {
	return map[syntaxFlag]string{syntaxFlag(asm.Intel): "intel", syntaxFlag(asm.ATT): "att"}[*f]
}

func (f *syntaxFlag) Set(text string) error {
	for _, one := range []syntaxFlag{syntaxFlag(asm.Intel), syntaxFlag(asm.ATT)} {
		if one.String() == text {
			*f = one
			return nil
		}
	}
	return fmt.Errorf("there is no syntax %q; accepted: intel, att", text)
}

// codeImage is an image that gives addresses their names, and has code.
type codeImage struct {
	name  string
	image *boot.Image
	table *symbols.Table
}

// open opens the image that --image names; without one it returns an image
// that knows nothing.
func (f *codeFlags) open() (*codeImage, error) {
	if f.image == "" {
		return &codeImage{}, nil
	}
	found, err := corpus.Find(f.image)
	if err != nil {
		return nil, err
	}
	img, err := boot.Open(found.Path)
	if err != nil {
		return nil, err
	}
	table, err := symbols.Load(img, img.Size())
	if err != nil {
		img.Close()
		return nil, fmt.Errorf("%s: %w", found.Path, err)
	}
	return &codeImage{found.Path, img, table}, nil
}

func (c *codeImage) close() {
	if c.image != nil {
		c.image.Close()
	}
}

// address is the callback of asm.
func (c *codeImage) address(name string) (uint64, bool) {
	if c.table == nil {
		return 0, false
	}
	return c.table.Address(name)
}

// at is the callback of disasm.
func (c *codeImage) at(address uint64) (string, uint64) {
	if c.table == nil {
		return "", 0
	}
	return c.table.At(address)
}

// read reads n bytes of code at a virtual address, as the image's file has
// them: a kernel patches itself when it starts.
func (c *codeImage) read(address, n uint64) ([]byte, error) {
	for _, s := range c.image.Segments() {
		if address < s.Virtual || address-s.Virtual >= s.FileSize {
			continue
		}
		b := make([]byte, min(n, s.FileSize-(address-s.Virtual)))
		got, err := c.image.ReadAt(b, int64(s.Offset+address-s.Virtual))
		if err != nil && err != io.EOF || got == 0 {
			return nil, fmt.Errorf("%s: at %#x: %w", c.name, address, err)
		}
		return b[:got], nil
	}
	return nil, fmt.Errorf("%s has nothing at %#x", c.name, address)
}
