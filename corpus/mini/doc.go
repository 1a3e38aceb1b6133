// SPDX-License-Identifier: GPL-2.0-or-later

// Package mini makes the guest builtin:mini: a kernel of a few thousand lines
// of assembly (in the folder kernel) that has Unikernel Linux's way into the
// kernel and out of it, with what is around it, under Linux's names.
//
//	options, err := mini.Parse("use_ret,defect=entry-irqs-on")
//	vmlinux, err := mini.Build(options) // the bytes of an ELF file
//
// From the outside it is a vmlinux of Linux 6.1 for one CPU: segments,
// symbols, line numbers, types (BTF), an exception table, a configuration.
// Its options are those of UKL, and two that have nothing of UKL, to compare
// with; its defects are switches, one for each mistake of the catalogue.
//
// # How it is made
//
// The sources are one program: templates of text/template, expanded with the
// options and the defects (source.go), assembled by package asm with the
// constants of constants.go and the offsets of structs.go, placed as the linker
// script of a real kernel does (link.go), and written as an ELF file (elf.go)
// with what debuggers read (lines.go, btf.go).
package mini
