// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/uklemu/uklemu/asm"
)

// asmFlags are those of asm alone.
type asmFlags struct {
	codeFlags
	file, out, with string
	constants       []string
}

func asmVerb(s *session) *cobra.Command {
	var f asmFlags
	c := &cobra.Command{
		Use:   "asm [TEXT...]",
		Short: "text to bytes",
		Long: `Assembles instructions: each TEXT is a line of source, and without any the
source is read from --file or from standard input. It is written as for GNU
as, in Intel's syntax unless --syntax says otherwise.

  uklemu asm 'mov rax, gs:[0x28]' ret
  uklemu asm --image guest:stock --at 0xffffffff81000000 'call do_syscall_64'`,
		Args: cobra.ArbitraryArgs,
		RunE: func(_ *cobra.Command, args []string) error { return s.assemble(&f, args) },
	}
	f.register(c)
	c.Flags().StringVar(&f.file, "file", "", "read the source from `FILE`")
	c.Flags().StringVar(&f.out, "out", "", "write the bytes of the first section to `FILE`, and no listing")
	c.Flags().StringVar(&f.with, "with", "both", "the `ASSEMBLER`: both (Keystone, and GNU as where it falls short), keystone, gnu")
	c.Flags().StringArrayVar(&f.constants, "set", nil, "a constant, as `NAME=VALUE`; may be repeated")
	return c
}

var assemblers = map[string]asm.Assembler{"both": asm.Both, "keystone": asm.OnlyKeystone, "gnu": asm.OnlyGNU}

// options are what the flags come to.
func (f *asmFlags) options() (asm.Options, error) {
	o := asm.Options{Syntax: asm.Syntax(f.syntax), Mode: f.mode, Address: uint64(f.at), File: f.file, Constants: map[string]uint64{}}
	which, ok := assemblers[f.with]
	if !ok {
		return o, fmt.Errorf("--with: there is no assembler %q; accepted: both, keystone, gnu", f.with)
	}
	o.Assembler = which
	for _, c := range f.constants {
		name, value, ok := strings.Cut(c, "=")
		v, err := strconv.ParseUint(value, 0, 64)
		if !ok || name == "" || err != nil {
			return o, fmt.Errorf("--set: %q is no constant; accepted: NAME=VALUE with a number, such as SIZE=0x20", c)
		}
		o.Constants[name] = v
	}
	return o, f.check()
}

func (s *session) assemble(f *asmFlags, args []string) error {
	o, err := f.options()
	if err != nil {
		return err
	}
	source, err := s.source(f, args)
	if err != nil {
		return err
	}
	image, err := f.open()
	if err != nil {
		return err
	}
	defer image.close()
	o.Symbols = image.address
	code, err := asm.Assemble(source, o)
	if errors.Is(err, asm.ErrNoAssembler) {
		report(s.err, err)
		return status(statusNoEngine)
	}
	if err != nil {
		return err
	}
	if f.out != "" {
		if err := os.WriteFile(f.out, code.Bytes, 0o644); err != nil {
			return failure{fmt.Errorf("--out: %w", err)}
		}
		if !s.json {
			return nil
		}
	}
	lines := strings.Split(source, "\n")
	return s.answer(asmReportOf(code, lines), func(w io.Writer) error { return printCode(w, code, lines) })
}

// source is the text to assemble: the arguments, the file, or standard input.
func (s *session) source(f *asmFlags, args []string) (string, error) {
	switch {
	case len(args) > 0 && f.file != "":
		return "", usageError{"a TEXT and --file are one too many", "uklemu asm"}
	case len(args) > 0:
		return strings.Join(args, "\n"), nil
	case f.file != "":
		b, err := os.ReadFile(f.file)
		return string(b), err
	}
	b, err := io.ReadAll(s.in)
	return string(b), err
}

// asmReport is what asm prints.
type asmReport struct {
	Address  address            `json:"address"`
	Bytes    string             `json:"bytes"` // of the first section, in hexadecimal
	Sections []asmSection       `json:"sections"`
	Labels   map[string]address `json:"labels"`
	Lines    []codeLine         `json:"lines"`
}

type asmSection struct {
	Name    string  `json:"name"`
	Address address `json:"address"`
	Bytes   string  `json:"bytes"`
}

// codeLine is an instruction or data, of asm and of dis.
type codeLine struct {
	Address address `json:"address"`
	Bytes   string  `json:"bytes"`
	Text    string  `json:"text"`
}

func asmReportOf(code *asm.Code, source []string) asmReport {
	r := asmReport{Address: address(code.Address), Bytes: hex.EncodeToString(code.Bytes), Sections: []asmSection{}, Labels: map[string]address{}, Lines: []codeLine{}}
	for _, s := range code.Sections {
		r.Sections = append(r.Sections, asmSection{s.Name, address(s.Address), hex.EncodeToString(s.Bytes)})
	}
	for name, at := range code.Labels {
		r.Labels[name] = address(at)
	}
	for _, l := range code.Lines {
		r.Lines = append(r.Lines, codeLine{address(l.Address), hex.EncodeToString(l.Bytes), strings.TrimSpace(source[l.Line-1])})
	}
	return r
}

// printCode is a listing: a source line's text stands beside its first bytes.
func printCode(w io.Writer, code *asm.Code, source []string) error {
	last := 0
	for _, l := range code.Lines {
		text := ""
		if l.Line != last {
			text = strings.TrimSpace(source[l.Line-1])
		}
		last = l.Line
		at := l.Address
		for b := l.Bytes; len(b) > 0; {
			n := min(len(b), bytesInLine)
			if err := printLine(w, at, b[:n], text); err != nil {
				return err
			}
			b, at, text = b[n:], at+uint64(n), ""
		}
	}
	return nil
}

// bytesInLine is the longest instruction.
const bytesInLine = 15

func printLine(w io.Writer, at uint64, b []byte, text string) error {
	_, err := fmt.Fprintln(w, strings.TrimRight(fmt.Sprintf("%x:\t%-32s\t%s", at, fmt.Sprintf("% x", b), text), " \t"))
	return err
}
