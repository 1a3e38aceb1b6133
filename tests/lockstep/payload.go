// SPDX-License-Identifier: GPL-2.0-or-later

package lockstep

import (
	"debug/elf"
	"embed"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/uklemu/uklemu/emu/unicorn"
)

//go:embed payload
var payloadSource embed.FS

// Payload is a guest ready to be started.
type Payload struct {
	// Path is a multiboot ELF32 file.
	Path    string
	Symbols map[string]uint64
	// Undefined says which flags have no defined value at an instruction
	// boundary, by RIP where the case is linked.
	Undefined map[uint64]uint64
	Program   *Program
	code      []byte // of the cases
}

// Build assembles a program with the fixed part of the guest, using GNU as,
// ld and objcopy, into a folder.
func Build(folder string, program *Program) (*Payload, error) {
	if err := os.CopyFS(folder, payloadSource); err != nil {
		return nil, fmt.Errorf("unpacking the payload: %w", err)
	}
	source := filepath.Join(folder, "payload")
	cases := filepath.Join(source, "cases.S")
	if err := os.WriteFile(cases, []byte(program.Source()), 0o644); err != nil {
		return nil, fmt.Errorf("writing the cases: %w", err)
	}
	link := []string{"-n", "-m", "elf_x86_64", "-z", "noexecstack", "-T", "payload.ld", "-o", "payload64"}
	for _, part := range []string{"boot", "tables", "run", "handlers", "cases"} {
		if err := run(source, "as", "--64", "-o", part+".o", part+".S"); err != nil {
			return nil, err
		}
		link = append(link, part+".o")
	}
	if err := run(source, "ld", link...); err != nil {
		return nil, err
	}
	// Multiboot loads 32-bit files only.
	if err := run(source, "objcopy", "-O", "elf32-i386", "-R", ".undefined", "payload64", "payload32"); err != nil {
		return nil, err
	}
	p := &Payload{Path: filepath.Join(source, "payload32"), Program: program}
	return p, p.read(filepath.Join(source, "payload64"))
}

func run(folder, name string, args ...string) error {
	command := exec.Command(name, args...)
	command.Dir = folder
	if out, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %.2000s", name, err, out)
	}
	return nil
}

func (p *Payload) read(path string) error {
	f, err := elf.Open(path)
	if err != nil {
		return fmt.Errorf("the linked payload: %w", err)
	}
	defer f.Close()
	symbols, err := f.Symbols()
	if err != nil {
		return fmt.Errorf("the payload's symbols: %w", err)
	}
	p.Symbols = make(map[string]uint64, len(symbols))
	for _, s := range symbols {
		p.Symbols[s.Name] = s.Value
	}
	cases := f.Section(".cases")
	if cases == nil {
		return errors.New("the linked payload has no cases")
	}
	if p.code, err = cases.Data(); err != nil {
		return fmt.Errorf("the payload's cases: %w", err)
	}
	p.Undefined = map[uint64]uint64{}
	section := f.Section(".undefined")
	if section == nil {
		return nil
	}
	data, err := section.Data()
	if err != nil {
		return fmt.Errorf("the payload's undefined flags: %w", err)
	}
	for ; len(data) >= 16; data = data[16:] {
		p.Undefined[binary.LittleEndian.Uint64(data)] |= binary.LittleEndian.Uint64(data[8:])
	}
	return nil
}

// userAlias is layout.inc's user_alias: where cases run at CPL 3.
const userAlias = 0x20000000

// linked is where an instruction of a case was linked, whatever alias it runs
// at.
func linked(rip uint64) uint64 {
	if rip >= userAlias && rip < userAlias+(1<<29) {
		return rip - userAlias
	}
	return rip
}

// undefinedAt is the mask of flags not to be compared at RIP.
func (p *Payload) undefinedAt(rip uint64) uint64 { return p.Undefined[linked(rip)] }

// inCase says whether RIP is in the code of the cases.
func (p *Payload) inCase(rip uint64) bool {
	rip = linked(rip)
	return rip >= p.Symbols["cases_start"] && rip < p.Symbols["cases_end"]
}

// instruction decodes what a case has at RIP; its length is 0 elsewhere.
func (p *Payload) instruction(rip uint64) unicorn.Insn {
	at := linked(rip) - p.Symbols["cases_start"]
	if !p.inCase(rip) || at >= uint64(len(p.code)) {
		return unicorn.Insn{}
	}
	return unicorn.Decode(p.code[at:], 64)
}

// inHandlers says whether RIP is in what the gates lead to.
func (p *Payload) inHandlers(rip uint64) bool {
	return rip >= p.Symbols["handlers_start"] && rip < p.Symbols["handlers_end"]
}

// atStub says whether RIP is where a gate of the IDT leads.
func (p *Payload) atStub(rip uint64) bool {
	const size, vectors = 32, 256
	stubs, known := p.Symbols["stubs"]
	from := rip - stubs
	return known && from < size*vectors && from%size == 0
}
