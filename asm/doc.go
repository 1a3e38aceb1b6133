// SPDX-License-Identifier: GPL-2.0-or-later

// Package asm turns text into bytes and back.
//
//	code, err := asm.Assemble(`
//		again:	dec rcx
//			jnz again
//			call printk`, asm.Options{Address: 0x1000, Symbols: kernel.Address})
package asm
