// SPDX-License-Identifier: GPL-2.0-or-later

package mini

import (
	"bytes"
	"cmp"
	"slices"
	"strings"

	"github.com/uklemu/uklemu/asm"
)

// Kinds and visibility of symbols (System V gABI, "Symbol Table").
const (
	untyped  = 0
	object   = 1
	function = 2
	ofFile   = 4
	global   = 1
	absolute = 0xfff1
)

// symbol is one of the file.
type symbol struct {
	name    string
	address uint64
	size    uint64
	kind    byte
	global  bool
	section int  // in the file's list
	sized   bool // by the source
	code    bool
	made    bool // by the linker script
}

// symbols are all labels but those that are local to a function.
func (x *image) symbols(code *asm.Code) []symbol {
	owners := x.linkerMade()
	said := map[string]asm.Symbol{}
	for _, s := range code.Symbols {
		said[s.Name] = s
	}
	var list []symbol
	for name, address := range code.Labels {
		if strings.HasPrefix(name, ".L") {
			continue
		}
		about := said[name]
		s := symbol{name: name, address: address, size: about.Size, sized: about.Size != 0, global: about.Global}
		s.section, s.made = owners[name]
		if !s.made {
			s.section, s.code = x.sectionAt(address)
		}
		switch {
		case about.Kind == asm.Function:
			s.kind = function
		case about.Kind == asm.Object, !s.code && !s.made:
			s.kind = object
		}
		list = append(list, s)
	}
	for name, value := range absolutes(code) {
		list = append(list, symbol{name: name, address: value, global: true, section: absolute})
	}
	slices.SortFunc(list, func(a, b symbol) int {
		return cmp.Or(cmp.Compare(a.address, b.address), strings.Compare(a.name, b.name))
	})
	measure(list, code.Sections)
	return list
}

// linkerMade are the symbols of the linker script, which are places and not
// things, with the section that each is in.
func (x *image) linkerMade() map[string]int {
	owners := map[string]int{}
	for i, s := range x.script {
		for _, p := range s.pieces {
			for _, name := range slices.Concat(p.begin, p.end) {
				owners[name] = i + 1
			}
		}
	}
	return owners
}

// absolutes are symbols that are numbers.
func absolutes(code *asm.Code) map[string]uint64 {
	return map[string]uint64{"phys_startup_64": code.Labels["startup_64"] - kernelMap, "__tls_align": threadAlign}
}

// sectionAt is the section that an address is in, counted as the file does, or
// the one that it is at the end of.
func (x *image) sectionAt(address uint64) (index int, code bool) {
	for _, beyond := range []uint64{0, 1} {
		for i, s := range x.sections {
			if s.size > 0 && address-s.address < s.size+beyond {
				return i + 1, s.flags&flagExecute != 0
			}
		}
	}
	return absolute, false
}

// measure gives those a size of which the source says none: data ends where the
// next of its section begins, and so does the code of an entry point.
func measure(list []symbol, sections []asm.Section) {
	for i := range list {
		s := &list[i]
		if s.sized || s.made || s.section == absolute || s.code && s.kind != function && !s.global {
			continue
		}
		home := slices.IndexFunc(sections, func(h asm.Section) bool { return s.address-h.Address < uint64(len(h.Bytes)) })
		if home < 0 {
			continue
		}
		end := sections[home].Address + uint64(len(sections[home].Bytes))
		for _, next := range list[i+1:] {
			if next.address > s.address && (!s.code || next.kind == function || next.global) {
				end = min(end, next.address)
				break
			}
		}
		s.size = end - s.address
	}
}

// symbolSections are .symtab and .strtab, which comes right behind it.
func symbolSections(list []symbol, files []string, at int) []section {
	strs := newStringTable()
	var b bytes.Buffer
	entry := func(name string, info byte, section uint16, value, size uint64) {
		put(&b, uint32(strs.offset(name)))
		put(&b, []byte{info, 0})
		put(&b, section)
		put(&b, []uint64{value, size})
	}
	entry("", 0, 0, 0, 0)
	for _, name := range files {
		entry(name, ofFile, absolute, 0, 0)
	}
	locals := uint32(1 + len(files))
	for _, wanted := range []bool{false, true} { // the local ones come first
		for _, s := range list {
			if s.global != wanted {
				continue
			}
			info := s.kind
			if s.global {
				info |= global << 4
			} else {
				locals++
			}
			entry(s.name, info, uint16(s.section), s.address, s.size)
		}
	}
	return []section{
		{name: ".symtab", typ: typeSymbols, bytes: b.Bytes(), link: uint32(at + 1), info: locals, align: 8, entry: symbolSize},
		{name: ".strtab", typ: typeStrings, bytes: strs.bytes(), align: 1},
	}
}
