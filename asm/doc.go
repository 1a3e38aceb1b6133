// SPDX-License-Identifier: GPL-2.0-or-later

// Package asm turns the text of x86 instructions into bytes, and back.
//
//	code, err := asm.Assemble(`
//		again:	dec rcx
//			jnz again
//			call printk`, asm.Options{Address: 0x1000, Symbols: kernel.Address})
//	for _, line := range asm.Disassemble(code.Bytes, asm.Options{Address: code.Address}, nil) {
//		fmt.Println(line)
//	}
//
// Instructions are encoded by libkeystone, in the process, found and opened
// when it is first needed; what version 0.9.2 does not know or is known to get
// wrong is encoded by GNU as, and everything is where there is no libkeystone.
// Either makes the same bytes.
//
// All that an assembler does beside instructions is done here, so that it does
// not depend on which one there is: labels, symbols, expressions, the layout,
// the lengths of branches, data. An assembler sees one instruction at a time,
// with numbers in it.
//
// # The source
//
// It is as GNU as has it, in Intel's syntax unless [Options] or .att_syntax say
// otherwise: a statement a line or more with semicolons between; comments behind
// # or // or between /* and */; labels (name: and 1:, for which 1b and 1f stand);
// NAME = value; and of the directives
//
//	.byte .word .long .quad   .ascii .asciz   .zero .skip .fill
//	.align .p2align .org      .set            .text .data .section .pushsection .popsection .previous
//	.code16 .code32 .code64   .intel_syntax .att_syntax
//
// with their other names. Those for a linker (.globl, .type, .size) are read and
// left alone; there are no macros, as there is [Builder], and Go.
//
// A symbol is a label, a constant (.set, NAME =, [Options].Constants), or what
// [Options].Symbols knows. In Intel's syntax an address needs to say what it is
// meant for: [printk] is what lies there, offset printk is the address, [rip +
// printk] is reached relative to RIP; a constant may stand anywhere a number may.
// Memory without a register is at an absolute address, also behind gs:.
//
// # Text from strangers
//
// No text makes this package panic. Keystone is LLVM of 2016, though: what it
// calls a fatal error is caught and becomes an error, and instructions over which
// it is known to crash or hang are not given to it, but for texts from strangers
// OnlyGNU, a process of its own with a time limit, is the better choice.
package asm
