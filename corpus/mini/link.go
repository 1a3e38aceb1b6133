// SPDX-License-Identifier: GPL-2.0-or-later

package mini

import (
	"fmt"
	"strings"
)

// Where the image is: arch/x86/include/asm/page_64_types.h, and
// CONFIG_PHYSICAL_START.
const (
	kernelMap     = 0xffffffff80000000 // __START_KERNEL_map
	physicalStart = 0x01000000
	pageSize      = 0x1000
)

// piece is a section of the sources. The linker script of a real kernel puts
// several into one section of the image, and symbols around them.
type piece struct {
	name  string
	align uint64
	begin []string // symbols at its start
	end   []string // and behind it
}

// placed is a section of the image.
type placed struct {
	name    string
	flags   uint64 // of ELF
	pieces  []piece
	segment int // of segments
	nobits  bool
	note    bool
	thread  bool // PT_TLS
	filler  byte
}

// both names a symbol as the kernel knows it and as the application does:
// every symbol that the application mentions begins with ukl_.
func both(name string) []string { return []string{name, "ukl_" + name} }

// script is the linker script: what arch/x86/kernel/vmlinux.lds.S makes of a
// real kernel that has the series, all of it within 2 MiB.
var script = []placed{
	{name: ".text", flags: flagAlloc | flagExecute, segment: 0, filler: 0xcc, pieces: []piece{
		{name: ".head.text", align: pageSize, begin: []string{"_text", "_stext"}},
		{name: ".text", align: 64},
		{name: ".entry.text", align: pageSize, begin: []string{"__entry_text_start"}, end: []string{"__entry_text_end"}},
		{name: ".ukl.text", align: pageSize, begin: both("__ukl_text_start"), end: both("__ukl_text_end")},
		{name: ".text.end", align: pageSize, begin: []string{"_etext"}},
	}},
	{name: ".rodata", flags: flagAlloc, segment: 0, pieces: []piece{{name: ".rodata", align: pageSize, begin: []string{"__start_rodata"}}}},
	{name: "__ex_table", flags: flagAlloc, segment: 0, pieces: []piece{
		{name: "__ex_table", align: 16, begin: []string{"__start___ex_table"}, end: []string{"__stop___ex_table"}}}},
	{name: ".notes", flags: flagAlloc, segment: 0, note: true, pieces: []piece{{name: ".notes", align: 4}}},
	{name: ".ukl.rodata", flags: flagAlloc, segment: 0, pieces: []piece{
		{name: ".ukl.rodata", align: pageSize, begin: both("__ukl_rodata_start")},
		{name: ".ukl.init_array", align: 8, begin: both("__init_array_start"), end: both("__init_array_end")},
	}},
	{name: ".tdata", flags: flagAlloc | flagWrite | flagThread, segment: 0, thread: true, pieces: []piece{
		{name: ".tdata", align: threadAlign, begin: both("__tls_data_start"), end: both("__tls_data_end")}}},
	{name: ".tbss", flags: flagAlloc | flagWrite | flagThread, segment: 0, nobits: true, thread: true, pieces: []piece{
		{name: ".tbss", align: threadAlign, begin: both("__tls_bss_start"), end: both("__tls_bss_end")}}},
	{name: ".ukl.rodata.end", flags: flagAlloc, segment: 0, pieces: []piece{
		{name: ".ukl.rodata.end", align: 1, end: both("__ukl_rodata_end")}}},
	{name: ".data", flags: flagAlloc | flagWrite, segment: 1, pieces: []piece{
		{name: ".data", align: pageSize, begin: []string{"__end_rodata", "_sdata"}, end: []string{"_edata"}}}},
	{name: ".ukl.data", flags: flagAlloc | flagWrite, segment: 1, pieces: []piece{
		{name: ".ukl.data", align: pageSize, begin: both("__ukl_data_start"), end: both("__ukl_data_end")}}},
	{name: ".bss", flags: flagAlloc | flagWrite, segment: 1, nobits: true, pieces: []piece{
		{name: ".bss", align: pageSize, begin: []string{"__bss_start"}},
		{name: ".ukl.bss", align: pageSize, begin: both("__ukl_bss_start"), end: both("__ukl_bss_end")},
		{name: ".bss.end", align: pageSize, begin: []string{"__bss_stop", "_end"}},
	}},
}

// threadAlign is that of thread-local data.
const threadAlign = 8

// pieces are all of them, in their order.
func pieces() []piece {
	var all []piece
	for _, s := range script {
		all = append(all, s.pieces...)
	}
	return all
}

// generated is the file that linker's symbols and generated data are said to
// be from.
const generated = "corpus/mini/link.go"

// link puts the linker's part around the program: the sections in their order
// with the symbols at their starts before it, those at their ends behind it.
func link(p *program, data string) *program {
	out := &program{files: append([]string{generated}, p.files...)}
	for _, one := range pieces() {
		out.add(fmt.Sprintf(".section %s, %q", one.name, one.flags()), place{})
		// As the start of the section has its alignment, so has this symbol.
		out.add(labels(one.begin), place{})
	}
	out.add(data, place{})
	out.add(".text", place{})
	text := p.text.String()
	out.text.WriteString(text)
	for _, from := range p.lines {
		out.lines = append(out.lines, place{from.file + 1, from.line})
	}
	for _, one := range pieces() {
		out.add(fmt.Sprintf(".section %s\n%s", one.name, labels(one.end)), place{})
	}
	out.add(fmt.Sprintf("__tls_align = %d", threadAlign), place{})
	out.add(fmt.Sprintf("phys_startup_64 = startup_64 - %#x", uint64(kernelMap)), place{})
	return out
}

// flags are what the assembler wants to know: where gaps are NOPs.
func (p piece) flags() string {
	if strings.HasSuffix(p.name, ".text") {
		return "ax"
	}
	return "a"
}

func labels(names []string) string {
	var s strings.Builder
	for _, name := range names {
		fmt.Fprintf(&s, ".globl %s; %s:\n", name, name)
	}
	return s.String()
}
