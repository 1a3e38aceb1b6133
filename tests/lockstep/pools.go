// SPDX-License-Identifier: GPL-2.0-or-later

package lockstep

import (
	"fmt"
	"slices"
)

// Flags, and the bits that the pools use (SDM vol. 1 3.4.3, vol. 3A 2.5).
const (
	flagCF = 1 << 0
	flagPF = 1 << 2
	flagAF = 1 << 4
	flagZF = 1 << 6
	flagSF = 1 << 7
	flagTF = 1 << 8
	flagIF = 1 << 9
	flagDF = 1 << 10
	flagOF = 1 << 11
	flagNT = 1 << 14
	flagRF = 1 << 16
	flagAC = 1 << 18
	flagID = 1 << 21

	cr0AM = 1 << 18
)

// What a case can be given by exclusive-or.
var (
	cr0Pool  = []uint64{1 << 16, 1 << 16, cr0AM, 1 << 3, 1 << 2, 1<<3 | 1<<1}       // WP, AM, TS, EM, TS and MP
	cr4Pool  = []uint64{1 << 20, 1 << 21, 3 << 20, 1 << 16, 1 << 9, 1 << 2, 1 << 3} // SMEP, SMAP, both, FSGSBASE, OSFXSR, TSD, DE
	eferPool = []uint64{1, 1 << 11}                                                 // SCE, NXE
)

// goodPool are addresses that CPL 3 may read and write, inside a page and
// over its end.
var goodPool = []string{
	"user_rw", "user_rw + 0x10", "user_rw + 0x7f8", "user_rw + 0xff0", "user_rw + 0xffc", "user_rw + 0xfff",
	"user_rw1 + 1", "user_rw1 + 0x100", "user_rw_alias + 0x10", "big_user + 0x1008",
}

// watchPool are those of them to which no frame is pushed: QEMU 7.2 aborts when
// the delivery of an exception hits a data breakpoint (an assertion on its
// lock, in qemu_mutex_lock_iothread_impl).
var watchPool = []string{
	"user_rw", "user_rw + 0x10", "user_rw + 0x7f8", "user_rw1 + 0x100", "user_rw_alias + 0x10", "big_user + 0x1008",
}

// nonCanonical are addresses that no access may begin with, and two that run
// into such.
var nonCanonical = []string{
	"hole", "hole + 8", "0xffff7fffffffffff", "0x8000000000000000", "0x123456789abcdef0", "low_end - 2", "0xffff7ffffffffffd",
}

// addressPool is of all kinds, the good ones in the majority.
var addressPool = slices.Concat(goodPool, goodPool, goodPool, []string{
	"user_rw1 + 0xffc", "user_rw1 + 0xff8", "absent", "absent + 0xffd", "super_rw + 8", "super_rw + 0xffc",
	"user_ro + 0x20", "user_ro + 0xffe", "super_ro + 0x30", "reserved + 4", "reserved - 2",
	"super_rw1 + 0x10", "super_rw1 + 0xffa", "big_super + 0x2010", "big_reserved + 8", "big_absent + 0x12345",
	"pde_ro + 8", "pde_super + 0x10", "pde_nx + 0x18", "pde_reserved + 0x20", "giant_reserved + 0x28",
	"pdpte_reserved + 0x30", "low_end - 7", "low_end - 15", "high_start", "high_start + 0x1ffc", "top_page + 0x1fff00",
	"0xfffffffffffffffc", "0", "0x3ffffffc",
}, nonCanonical)

var targetPool = []string{
	"user_code", "user_code", "user_code + 0xff8", "super_code", "super_code + 0x800", "super_code + 0xff8", "user_rw",
	"absent + 4", "pde_nx + 0x7000", "pde_ro + 0x7000", "pde_super + 0x7000", "reserved", "big_absent", "giant_reserved",
	"low_end - 7", "low_end", "hole", "0x123456789abcdef0",
}

var basePool = []string{"0", "user_rw", "super_rw", "absent", "low_end", "high_start", "0x12345678"}

// kernelStackPool has no stack on which part of a frame fits: what of it is
// written before the fault, the manual leaves open.
var kernelStackPool = []string{
	"case_stack_top - 3", "case_stack_top - 8", "user_rw1 + 0x800", "super_rw + 0x800", "super_rw1 + 0x20", "absent + 8",
	"absent + 0x100", "super_ro + 0x800", "user_ro + 0x100", "user_rw", "reserved + 0x100", "top_page + 0x200000",
	"high_start + 0x1000", "hole", "hole + 0x100",
}

var userStackPool = []string{
	"user_rw1 + 0x803", "user_rw1 + 0x7f8", "user_rw1 + 8", "absent + 8", "absent + 0x100", "super_rw + 0x800", "user_ro + 0x100",
	"user_rw + 8", "reserved + 0x100", "hole", "hole + 0x100", "0",
}

var rsp0Pool = []string{
	"rsp0_top - 5", "absent + 0x800", "super_ro + 0x800", "user_rw1 + 0x800", "super_rw + 0x10", "hole + 8", "0",
}

// edgeNumbers are added to -1, 0 or 1.
var edgeNumbers = []uint64{
	0, 1 << 7, 1 << 8, 1 << 15, 1 << 16, 1 << 31, 1 << 32, 1 << 47, 1 << 63, 0x5555555555555555, 0xaaaaaaaaaaaaaaaa,
}

// baseRegisters hold addresses; RBP is one of them because it goes through SS.
var baseRegisters = []string{"%rbx", "%rsi", "%rdi", "%rbp", "%r8", "%r10", "%r14"}

var pools = map[string][]string{
	"{r}":   {"%rax", "%rcx", "%rdx", "%rbx", "%rbp", "%rsi", "%rdi", "%r8", "%r9", "%r10", "%r11", "%r12", "%r13", "%r14", "%r15"},
	"{r32}": {"%eax", "%ecx", "%edx", "%ebx", "%ebp", "%esi", "%edi", "%r8d", "%r11d", "%r15d"},
	"{r16}": {"%ax", "%cx", "%dx", "%bx", "%bp", "%si", "%di", "%r9w", "%r12w"},
	"{r8}":  {"%al", "%cl", "%dl", "%bl", "%sil", "%dil", "%bpl", "%r8b", "%r13b"},
	"{rh}":  {"%al", "%ah", "%ch", "%dh", "%bh", "%bl", "%cl"},
	"{x}":   {"%xmm0", "%xmm1", "%xmm2", "%xmm3"},
	"{cc}":  {"o", "no", "b", "ae", "e", "ne", "be", "a", "s", "ns", "p", "np", "l", "ge", "le", "g"},
	"{alu}": {"add", "sub", "adc", "sbb", "cmp"},
	"{log}": {"and", "or", "xor"},
	"{sh}":  {"shl", "shr", "sar", "rol", "ror", "rcl", "rcr"},
	// Good ones, bad ones of every sort, past the end, and in the empty LDT.
	"{sel}": {"0", "3", "0x10", "0x13", "0x20", "0x23", "0x23", "0x40", "0x50", "0x60", "0x63", "0x08", "0x2b", "0x58",
		"0x30", "0x88", "0x8b", "0x93", "0xa3", "0xa8", "0xb0", "0xb3", "0xb8", "0x7f8", "0x4", "0x14", "0xc0", "0xd0"},
	// No null: QEMU takes it, and aborts at the next exception ("invalid tss"),
	// where the manual has #GP(0).
	"{tsel}": {"0x10", "0x30", "0x33", "0x40", "0x2b", "0x68", "0xc0", "0xc8", "0xd0", "0x7f8", "0x4", "0x34"},
	"{csel}": {"0x08", "0x08", "0x2b", "0x2b", "0x28", "0x0b", "0x48", "0x9b", "0x10", "0", "0x7f8", "0x78", "0x7b", "0x80", "0x30", "0x0c", "0xd0"},
	"{ssel}": {"0x10", "0x10", "0x23", "0x23", "0x20", "0x13", "0", "3", "0x40", "0x93", "0x60", "0x63", "0x50", "0x88", "0x8b", "0x7f8", "0x08"},
	"{sreg}": {"%ds", "%es", "%fs", "%gs"},
	// No vector that pushes an error code: the handlers would look for one.
	"{vec}":      append(numbers(0, 7), append([]string{"9", "16", "18", "19", "0x30", "0x80", "0xff"}, append(numbers(0x20, 0x23), numbers(0x40, 0x4f)...)...)...),
	"{ipi}":      numbers(0x50, 0x5f),
	"{loops}":    {"1", "2", "7"}, // 0 would be 2 to the 64th
	"{count}":    {"0", "1", "2", "3", "5", "9"},
	"{sreps}":    {"rep movsb", "rep movsq", "rep stosb", "rep stosl", "rep stosq", "rep lodsb", "repe cmpsb", "repne scasb", "repe cmpsq", "repne scasq", "movsl", "stosw", "lodsq", "cmpsb", "scasl"},
	"{msrvalue}": {"user_rw", "super_rw", "absent", "high_start"},
	"{msr}":      {"0xc0000081", "0xc0000082", "0xc0000083", "0xc0000084", "0xc0000100", "0xc0000101", "0xc0000102", "0x175", "0x176"},
}

func numbers(from, to int) (list []string) {
	for n := from; n <= to; n++ {
		list = append(list, fmt.Sprint(n))
	}
	return list
}
