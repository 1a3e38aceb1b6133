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

// Where programs of CPL 3 are linked that the image carries along: the one
// beside the application, and the application itself where there is no UKL.
const (
	userStart        = 0x400000
	applicationStart = 0x600000
)

// piece is a section of the sources. The linker script of a real kernel puts
// several into one section of the image, and symbols around them.
type piece struct {
	name  string
	align uint64
	at    uint64   // 0 for behind the one before
	begin []string // symbols at its start
	end   []string // and behind it
}

// placed is a section of the image.
type placed struct {
	name    string
	flags   uint64 // of ELF
	pieces  []piece
	segment int
	nobits  bool
	note    bool
	thread  bool // PT_TLS
	filler  byte
}

// Segments of the image. Programs are loaded behind the kernel.
const (
	segmentText = iota
	segmentData
	segmentUserText
	segmentUserData
	segmentApplicationText
	segmentApplicationData
	segmentsMost
)

// both names a symbol as the kernel knows it and as the application does:
// every symbol that the application mentions begins with ukl_.
func both(name string) []string { return []string{name, "ukl_" + name} }

const (
	readOnly    = flagAlloc
	readWrite   = flagAlloc | flagWrite
	readExecute = flagAlloc | flagExecute
	threadData  = readWrite | flagThread
)

// threadAlign is that of thread-local data.
const threadAlign = 8

// script is the linker script: what arch/x86/kernel/vmlinux.lds.S makes of a
// real kernel that has the series, all of it within 2 MiB, and the programs
// behind it. Without UKL the application is one of these.
func script(o Options) []placed {
	var list []placed
	add := func(more ...placed) { list = append(list, more...) }
	text, data := segmentText, segmentData
	if !o.UKL() {
		text, data = segmentApplicationText, segmentApplicationData
	}
	add(kernelText(o.UKL()),
		placed{name: ".rodata", flags: readOnly, segment: segmentText, pieces: []piece{{name: ".rodata", align: pageSize, begin: []string{"__start_rodata"}}}},
		placed{name: exceptionTable, flags: readOnly, segment: segmentText, pieces: []piece{
			{name: exceptionTable, align: 16, begin: []string{"__start___ex_table"}, end: []string{"__stop___ex_table"}}}},
		placed{name: ".notes", flags: readOnly, segment: segmentText, note: true, pieces: []piece{{name: ".notes", align: 4}}})
	if o.UKL() {
		add(applicationConstants(text)...)
	}
	add(placed{name: ".data", flags: readWrite, segment: segmentData, pieces: []piece{
		{name: ".data", align: pageSize, begin: []string{"__end_rodata", "_sdata"}, end: []string{"_edata"}}}})
	if o.UKL() {
		add(applicationData(data))
	}
	add(kernelBSS(o.UKL()))
	add(user()...)
	if !o.UKL() {
		application := uklText
		application.at = applicationStart
		add(placed{name: ".ukl.text", flags: readExecute, segment: text, filler: 0xcc, pieces: []piece{application}})
		add(applicationConstants(text)...)
		add(applicationData(data), placed{name: ".ukl.bss", flags: readWrite, segment: data, nobits: true, pieces: []piece{uklBSS,
			{name: ".ukl.end", align: pageSize, begin: []string{"__ukl_end"}}}})
	}
	return list
}

var (
	uklText = piece{name: ".ukl.text", align: pageSize, begin: both("__ukl_text_start"), end: both("__ukl_text_end")}
	uklBSS  = piece{name: ".ukl.bss", align: pageSize, begin: both("__ukl_bss_start"), end: both("__ukl_bss_end")}
)

func kernelText(ukl bool) placed {
	s := placed{name: ".text", flags: readExecute, segment: segmentText, filler: 0xcc, pieces: []piece{
		{name: ".head.text", at: kernelMap + physicalStart, align: pageSize, begin: []string{"_text", "_stext"}},
		{name: ".text", align: 64},
		{name: ".noinstr.text", align: 16, begin: []string{"__noinstr_text_start"}, end: []string{"__noinstr_text_end"}},
		{name: ".entry.text", align: pageSize, begin: []string{"__entry_text_start"}, end: []string{"__entry_text_end"}},
	}}
	if ukl {
		s.pieces = append(s.pieces, uklText)
	}
	s.pieces = append(s.pieces, piece{name: ".text.end", align: pageSize, begin: []string{"_etext"}})
	return s
}

// kernelBSS ends where the kernel does; the programs' pages are loaded from
// there on.
func kernelBSS(ukl bool) placed {
	s := placed{name: ".bss", flags: readWrite, segment: segmentData, nobits: true, pieces: []piece{{name: ".bss", align: pageSize, begin: []string{"__bss_start"}}}}
	if ukl {
		s.pieces = append(s.pieces, uklBSS)
	}
	s.pieces = append(s.pieces, piece{name: ".bss.end", align: pageSize, begin: []string{"__bss_stop", "_end", "__user_load_start"}})
	return s
}

// applicationConstants are the application's constants, tables and thread-local
// data.
func applicationConstants(segment int) []placed {
	return []placed{
		{name: ".ukl.rodata", flags: readOnly, segment: segment, pieces: []piece{
			{name: ".ukl.rodata", align: pageSize, begin: both("__ukl_rodata_start")},
			{name: ".ukl.init_array", align: 8, begin: both("__init_array_start"), end: both("__init_array_end")},
		}},
		{name: ".tdata", flags: threadData, segment: segment, thread: true, pieces: []piece{
			{name: ".tdata", align: threadAlign, begin: both("__tls_data_start"), end: both("__tls_data_end")}}},
		{name: ".tbss", flags: threadData, segment: segment, nobits: true, thread: true, pieces: []piece{
			{name: ".tbss", align: threadAlign, begin: both("__tls_bss_start"), end: both("__tls_bss_end")}}},
		{name: ".ukl.rodata.end", flags: readOnly, segment: segment, pieces: []piece{{name: ".ukl.rodata.end", align: 1, end: both("__ukl_rodata_end")}}},
	}
}

func applicationData(segment int) placed {
	return placed{name: ".ukl.data", flags: readWrite, segment: segment, pieces: []piece{
		{name: ".ukl.data", align: pageSize, begin: both("__ukl_data_start"), end: both("__ukl_data_end")}}}
}

// user is the ordinary program.
func user() []placed {
	return []placed{
		{name: ".user.text", flags: readExecute, segment: segmentUserText, filler: 0xcc, pieces: []piece{
			{name: ".user.text", at: userStart, align: pageSize, begin: []string{"__user_text_start"}, end: []string{"__user_text_end"}}}},
		{name: ".user.data", flags: readWrite, segment: segmentUserData, pieces: []piece{
			{name: ".user.data", align: pageSize, begin: []string{"__user_data_start"}, end: []string{"__user_data_end"}},
			{name: ".user.end", align: pageSize, begin: []string{"__user_end"}}}},
	}
}

// pieces are all of them, in their order.
func pieces(script []placed) []piece {
	var all []piece
	for _, s := range script {
		all = append(all, s.pieces...)
	}
	return all
}

// generated is the file that the linker's symbols and generated data are said
// to be from.
const generated = "corpus/mini/link.go"

// sums are symbols that are defined by others: where programs are loaded, page
// by page as they are linked, and where free memory begins.
func sums(o Options) string {
	s := "__user_load_end = __user_load_start + (__user_end - __user_text_start)\n"
	if o.UKL() {
		return s + "__free_start = __user_load_end\n"
	}
	return s + "__ukl_load_start = __user_load_end\n__ukl_load_end = __ukl_load_start + (__ukl_end - __ukl_text_start)\n__free_start = __ukl_load_end\n"
}

// link puts the linker's part around the program: the sections in their order
// with the symbols at their starts before it, those at their ends behind it.
func link(p *program, data string, o Options) *program {
	list := pieces(script(o))
	out := &program{files: append([]string{generated}, p.files...)}
	for _, one := range list {
		out.add(fmt.Sprintf(".section %s, %q", one.name, one.flags()), place{})
		out.add(labels(one.begin), place{})
	}
	out.add(data, place{})
	out.add(".text", place{})
	text := p.text.String()
	out.text.WriteString(text)
	for _, from := range p.lines {
		out.lines = append(out.lines, place{from.file + 1, from.line})
	}
	for _, one := range list {
		out.add(fmt.Sprintf(".section %s\n%s", one.name, labels(one.end)), place{})
	}
	out.add(fmt.Sprintf("__tls_align = %d", threadAlign), place{})
	out.add(fmt.Sprintf("phys_startup_64 = startup_64 - %#x", uint64(kernelMap)), place{})
	out.add(sums(o), place{})
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
