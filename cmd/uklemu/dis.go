// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"encoding/hex"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/uklemu/uklemu/asm"
	"github.com/uklemu/uklemu/asm/disasm"
)

// disFlags are those of dis alone.
type disFlags struct {
	codeFlags
	from   string
	length uint64
	raw    bool
}

func disVerb(s *session) *cobra.Command {
	var f disFlags
	c := &cobra.Command{
		Use:   "dis [HEX...]",
		Short: "bytes to text",
		Long: `Disassembles bytes: of the arguments, in hexadecimal; of standard input, if
there are none; or of an image, from a symbol or an address. What is no
instruction that is known is (bad), and the next byte is tried.

  uklemu dis 0f05 '48 89 d8'
  uklemu dis --image guest:stock --from entry_SYSCALL_64 --syntax att`,
		Args: cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, args []string) error { return s.disassemble(&f, c, args) },
	}
	f.register(c)
	c.Flags().StringVar(&f.from, "from", "", "`SYMBOL` or address in the image to start from")
	c.Flags().Uint64Var(&f.length, "length", 0, "how many `BYTES` of the image; a symbol's own size if it is not given")
	c.Flags().BoolVar(&f.raw, "raw", false, "standard input has bytes, not hexadecimal")
	return c
}

func (s *session) disassemble(f *disFlags, c *cobra.Command, args []string) error {
	if err := f.check(); err != nil {
		return err
	}
	if f.from != "" && (f.image == "" || len(args) > 0) {
		return usageError{"--from is for the code of an --image, without HEX", c.CommandPath()}
	}
	image, err := f.open()
	if err != nil {
		return err
	}
	defer image.close()
	at := uint64(f.at)
	var code []byte
	if f.from != "" {
		at, code, err = f.ofImage(image)
	} else {
		code, err = s.bytes(f, args)
	}
	if err != nil {
		return err
	}
	lines := asm.Disassemble(code, asm.Options{Address: at, Mode: f.mode, Syntax: asm.Syntax(f.syntax)}, image.at)
	return s.answer(disReportOf(lines), func(w io.Writer) error { return printDisassembly(w, lines, image) })
}

// defaultLength is how much is shown where nothing says how much there is.
const defaultLength = 64

// ofImage is the code that --from and --length mean.
func (f *disFlags) ofImage(image *codeImage) (uint64, []byte, error) {
	length := f.length
	at, err := strconv.ParseUint(f.from, 0, 64)
	if err != nil {
		symbol, ok := image.table.Symbol(f.from)
		if !ok {
			return 0, nil, fmt.Errorf("%s has no symbol %s", image.name, f.from)
		}
		at = symbol.Address
		if length == 0 {
			length = symbol.Size
		}
	}
	if length == 0 {
		length = defaultLength
	}
	code, err := image.read(at, min(length, math.MaxInt32))
	return at, code, err
}

// bytes are those of the arguments, or of standard input.
func (s *session) bytes(f *disFlags, args []string) ([]byte, error) {
	text := strings.Join(args, " ")
	if len(args) == 0 {
		b, err := io.ReadAll(s.in)
		if err != nil || f.raw {
			return b, err
		}
		text = string(b)
	}
	var code []byte
	for _, word := range strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" \t\r\n,;", r) }) {
		b, err := hex.DecodeString(strings.TrimPrefix(strings.ReplaceAll(word, `\x`, ""), "0x"))
		if err != nil {
			return nil, fmt.Errorf("%q is not hexadecimal; accepted: 0f05, '0f 05', 0x0f,0x05 or \\x0f\\x05", word)
		}
		code = append(code, b...)
	}
	return code, nil
}

func disReportOf(lines []disasm.Line) any {
	list := make([]codeLine, 0, len(lines))
	for _, l := range lines {
		list = append(list, codeLine{address(l.Address), hex.EncodeToString(l.Bytes), l.Text})
	}
	return struct {
		Lines []codeLine `json:"lines"`
	}{list}
}

// printDisassembly is a listing, with a line of its own for each symbol.
func printDisassembly(w io.Writer, lines []disasm.Line, image *codeImage) error {
	for _, l := range lines {
		if name, start := image.at(l.Address); name != "" && start == l.Address {
			if _, err := fmt.Fprintf(w, "%s:\n", name); err != nil {
				return err
			}
		}
		if err := printLine(w, l.Address, l.Bytes, l.Text); err != nil {
			return err
		}
	}
	return nil
}
