// SPDX-License-Identifier: GPL-2.0-or-later

package asm

import (
	"bytes"
	"context"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"
)

// gnuNames are what GNU as for x86 is called.
var gnuNames = []string{"as", "x86_64-linux-gnu-as"}

// findGNU looks for GNU as that makes x86-64, once.
var findGNU = sync.OnceValues(func() (string, error) { return lookForGNU(gnuNames) })

func lookForGNU(names []string) (string, error) {
	var tried []string
	for _, name := range names {
		path, err := exec.LookPath(name)
		if err == nil {
			if _, err = runGNU(path, []snippet{{text: "nop", mode: 64}}); err == nil {
				return path, nil
			}
		}
		tried = append(tried, fmt.Sprintf("  %s: %v", name, err))
	}
	return "", fmt.Errorf("%w: no usable GNU as for x86-64. Looked at:\n%s\nTo install it: the package binutils", ErrNoAssembler, strings.Join(tried, "\n"))
}

// snippet is one instruction to encode: nothing in it depends on where it
// lies.
type snippet struct {
	text     string
	keystone string // the same as Keystone understands it
	syntax   Syntax
	mode     int
}

// encoded is what became of it.
type encoded struct {
	code []byte
	err  error
}

// byGNU assembles any number of instructions, in one process if none of them
// is wrong, else in two.
func byGNU(path string, snippets []snippet) ([]encoded, error) {
	out := make([]encoded, len(snippets))
	var fine []int
	for i := range snippets {
		fine = append(fine, i)
	}
	for range 3 {
		chosen := make([]snippet, len(fine))
		for i, n := range fine {
			chosen[i] = snippets[n]
		}
		codes, err := runGNU(path, chosen)
		var wrong lineErrors
		switch {
		case err == nil:
			for i, n := range fine {
				out[n].code = codes[i]
				if len(codes[i]) == 0 || len(codes[i]) > longest {
					out[n] = encoded{err: fmt.Errorf("GNU as makes %d bytes of it", len(codes[i]))}
				}
			}
			return out, nil
		case !errors.As(err, &wrong):
			return nil, err
		}
		var rest []int
		for i, n := range fine {
			if why, ok := wrong[i]; ok {
				out[n].err = errors.New(why)
			} else {
				rest = append(rest, n)
			}
		}
		fine = rest
	}
	return nil, errors.New("GNU as finds ever more to complain about")
}

// lineErrors are as's complaints by the instruction.
type lineErrors map[int]string

func (lineErrors) Error() string { return "GNU as does not take all instructions" }

// patience is for an assembler that hangs; it needs milliseconds.
const patience = time.Minute

// runGNU assembles all of the instructions or none.
func runGNU(path string, snippets []snippet) ([][]byte, error) {
	if len(snippets) == 0 {
		return nil, nil
	}
	folder, err := os.MkdirTemp("", "uklemu-asm-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder)
	object := filepath.Join(folder, "a.o")
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	c := exec.CommandContext(ctx, path, "--64", "-mrelax-relocations=no", "-o", object, "-")
	c.Env = append(os.Environ(), "LC_ALL=C")
	source, lines := gnuSource(snippets)
	c.Stdin = strings.NewReader(source)
	var said bytes.Buffer
	c.Stdout, c.Stderr = &said, &said
	err = c.Run()
	// A warning is an error too: "value truncated" is not what was asked for.
	if wrong := complaints(said.String(), lines); len(wrong) > 0 {
		return nil, wrong
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w\n%s", path, err, said.String())
	}
	return cut(object, len(snippets))
}

// gnuSource has one instruction on a line, between labels whose distances go
// into a section of their own. It returns the lines that they are on.
func gnuSource(snippets []snippet) (string, map[int]int) {
	var s strings.Builder
	lines := map[int]int{}
	line := 1
	put := func(format string, args ...any) {
		fmt.Fprintf(&s, format+"\n", args...)
		line++
	}
	mode, syntax := 0, Syntax(255)
	for i, one := range snippets {
		if one.mode != mode {
			put(".code%d", one.mode)
		}
		if one.syntax != syntax {
			put("%s", map[Syntax]string{Intel: ".intel_syntax noprefix", ATT: ".att_syntax prefix"}[one.syntax])
		}
		mode, syntax = one.mode, one.syntax
		lines[line] = i
		put(".L%d: %s", i, one.text)
	}
	put(".L%d:", len(snippets))
	put(".section .ends")
	for i := range snippets {
		put(".long .L%d - .L0", i+1)
	}
	return s.String(), lines
}

var complaint = regexp.MustCompile(`(?m)^[^:\n]*:(\d+): (?:Error|Warning): (.*)$`)

// harmless are warnings about what is as it is meant.
var harmless = regexp.MustCompile(`segment override on .* is ineffectual|translating to|using default for .(iret|lret|retf)\b`)

func complaints(said string, lines map[int]int) lineErrors {
	wrong := lineErrors{}
	for _, m := range complaint.FindAllStringSubmatch(said, -1) {
		if harmless.MatchString(m[2]) {
			continue
		}
		line, _ := strconv.Atoi(m[1])
		if i, ok := lines[line]; ok && wrong[i] == "" {
			wrong[i] = strings.ReplaceAll(m[2], "`", "'")
		}
	}
	return wrong
}

// cut takes the instructions out of the object.
func cut(object string, n int) ([][]byte, error) {
	f, err := elf.Open(object)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	code, err := sectionOf(f, ".text")
	if err != nil {
		return nil, err
	}
	if err := relocate(f, code); err != nil {
		return nil, err
	}
	ends, err := sectionOf(f, ".ends")
	if err != nil {
		return nil, err
	}
	if len(ends) != 4*n {
		return nil, fmt.Errorf("%s: %d ends of %d instructions", object, len(ends)/4, n)
	}
	out := make([][]byte, n)
	start := uint32(0)
	for i := range out {
		stop := binary.LittleEndian.Uint32(ends[4*i:])
		if stop < start || int(stop) > len(code) {
			return nil, fmt.Errorf("%s: the instruction %d ends at %#x", object, i, stop)
		}
		out[i] = code[start:stop:stop]
		start = stop
	}
	return out, nil
}

// relocate puts numbers where as leaves them to the linker, which it does with
// an address that is nothing but a number.
func relocate(f *elf.File, code []byte) error {
	if f.Section(".rela.text") == nil {
		return nil
	}
	list, err := sectionOf(f, ".rela.text")
	if err != nil {
		return err
	}
	for ; len(list) >= relaSize; list = list[relaSize:] {
		offset := binary.LittleEndian.Uint64(list)
		info := binary.LittleEndian.Uint64(list[8:])
		size := relocationSizes[elf.R_X86_64(info&0xffffffff)]
		if size == 0 || info>>32 != 0 || offset > uint64(len(code)) || uint64(len(code))-offset < uint64(size) {
			return fmt.Errorf("GNU as made a relocation of type %d at %#x", info&0xffffffff, offset)
		}
		copy(code[offset:offset+uint64(size)], list[16:])
	}
	return nil
}

const relaSize = 24

var relocationSizes = map[elf.R_X86_64]int{elf.R_X86_64_8: 1, elf.R_X86_64_16: 2, elf.R_X86_64_32: 4, elf.R_X86_64_32S: 4, elf.R_X86_64_64: 8}

func sectionOf(f *elf.File, name string) ([]byte, error) {
	s := f.Section(name)
	if s == nil {
		return nil, fmt.Errorf("GNU as made no section %s", name)
	}
	return s.Data()
}
