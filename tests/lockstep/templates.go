// SPDX-License-Identifier: GPL-2.0-or-later

package lockstep

import "slices"

// template is one or more instructions, separated by semicolons, with places
// in braces that pools.go fills. {mem} is any address, {good} one that CPL 3
// can write; both load a register first.
type template struct {
	text string
	// undefined are the flags to which the manual gives no value after the
	// last instruction.
	undefined uint64
	level     level
	weight    int // 4 if 0
}

type level int

const (
	anyLevel level = iota
	kernelOnly
	userOnly
)

func (t *template) chance(user bool) int {
	if t.level == kernelOnly && user || t.level == userOnly && !user {
		return 0
	}
	if t.weight == 0 {
		return 4
	}
	return t.weight
}

// templates is every list; a new kind is one new list, here.
var templates = slices.Concat(
	integerTemplates,
	memoryTemplates,
	stackTemplates,
	segmentTemplates,
	branchTemplates,
	eventTemplates,
	interruptTemplates,
	systemTemplates,
	floatTemplates,
)

const (
	allFlags = flagCF | flagPF | flagAF | flagZF | flagSF | flagOF
)

// integerTemplates are chapter 3 to 5 of SDM vol. 2, registers only. The
// undefined flags are those of each instruction's "Flags Affected".
var integerTemplates = []template{
	{text: "{alu}q {r}, {r}", weight: 8},
	{text: "{alu}l {r32}, {r32}"},
	{text: "{alu}w {r16}, {r16}"},
	{text: "{alu}b {rh}, {rh}"},
	{text: "{alu}q ${imm8}, {r}"},
	{text: "{log}q {r}, {r}", undefined: flagAF},
	{text: "{log}b {r8}, {r8}", undefined: flagAF},
	{text: "testl {r32}, {r32}", undefined: flagAF},
	{text: "movabsq ${imm64}, {r}"},
	{text: "movl ${imm32}, {r32}"},
	{text: "movsbq {r8}, {r}"},
	{text: "movzwl {r16}, {r32}"},
	{text: "movslq {r32}, {r}"},
	{text: "leaq 5({r},{r},4), {r}"},
	{text: "incq {r}; decb {r8}"},
	{text: "negq {r}; notl {r32}"},
	{text: "bswapq {r}"},
	{text: "xchgq {r}, {r}"},
	{text: "xaddl {r32}, {r32}"},
	{text: "cmpxchgq {r}, {r}"},
	{text: "cmov{cc}q {r}, {r}"},
	{text: "cmov{cc}l {r32}, {r32}"},
	{text: "set{cc} {r8}"},
	{text: "cqto"},
	{text: "cwtl; cltq"},
	{text: "lahf"},
	{text: "sahf"},
	{text: "cmc"},
	{text: "stc; {alu}q {r}, {r}"},
	{text: "clc; adcb {rh}, {rh}"},
	{text: "std"},
	{text: "cld"},
	{text: "imulq {r}, {r}", undefined: flagSF | flagZF | flagAF | flagPF},
	{text: "imull $77, {r32}, {r32}", undefined: flagSF | flagZF | flagAF | flagPF},
	{text: "mulq {r}", undefined: flagSF | flagZF | flagAF | flagPF},
	{text: "{sh}q $1, {r}", undefined: flagAF},
	{text: "{sh}q ${count}, {r}", undefined: flagAF | flagOF},
	{text: "movb ${imm8}, %cl; {sh}l %cl, {r32}", undefined: flagAF | flagOF},
	{text: "movb ${count}, %cl; {sh}b %cl, {r8}", undefined: flagAF | flagOF},
	{text: "shldq $7, {r}, {r}", undefined: flagAF | flagOF},
	{text: "shrdl $9, {r32}, {r32}", undefined: flagAF | flagOF},
	{text: "btq {r}, {r}", undefined: flagOF | flagSF | flagAF | flagPF},
	{text: "btsl $13, {r32}", undefined: flagOF | flagSF | flagAF | flagPF},
	{text: "btrq $40, {r}", undefined: flagOF | flagSF | flagAF | flagPF},
	{text: "orq $64, %rdx; bsfq %rdx, {r}", undefined: flagCF | flagOF | flagSF | flagAF | flagPF},
	{text: "orq $64, %rdx; bsrq %rdx, {r}", undefined: flagCF | flagOF | flagSF | flagAF | flagPF},
	{text: "xorl %edx, %edx; movl ${count}, %ecx; divq %rcx", undefined: allFlags},
	{text: "divl {r32}", undefined: allFlags},
	{text: "divb {r8}", undefined: allFlags},
	{text: "cqto; idivq {r}", undefined: allFlags},
	{text: "movabsq $0x8000000000000000, %rax; cqto; movq $-1, {r}; idivq {r}", undefined: allFlags},
}

// memoryTemplates touch any page with every width, and page ends.
var memoryTemplates = []template{
	{text: "movq {mem}, {r}", weight: 10},
	{text: "movl {mem}, {r32}"},
	{text: "movw {mem}, {r16}"},
	{text: "movb {mem}, {r8}"},
	{text: "movzbl {mem}, {r32}"},
	{text: "movslq {mem}, {r}"},
	{text: "movq {r}, {mem}", weight: 10},
	{text: "movl {r32}, {mem}"},
	{text: "movw {r16}, {mem}"},
	{text: "movb {r8}, {mem}"},
	{text: "movq ${imm32}, {mem}"},
	{text: "{alu}q {r}, {mem}", weight: 8},
	{text: "{alu}w {mem}, {r16}"},
	{text: "{log}l {r32}, {mem}", undefined: flagAF},
	{text: "lock addq {r}, {mem}"},
	{text: "lock xaddl {r32}, {mem}"},
	{text: "lock incb {mem}"},
	{text: "lock cmpxchgq {r}, {mem}"},
	{text: "cmpxchgl {r32}, {mem}"},
	{text: "cmpxchg8b {mem}"},
	{text: "xchgq {r}, {mem}"},
	{text: "notq {mem}"},
	{text: "negb {mem}"},
	{text: "sarq $1, {mem}", undefined: flagAF},
	{text: "lock btsq $5, {mem}", undefined: flagOF | flagSF | flagAF | flagPF},
	{text: "set{cc} {mem}"},
	{text: "cmov{cc}q {mem}, {r}"},
	{text: "pushq {mem}"},
	{text: "popq {mem}"},
	{text: "movntiq {r}, {mem}"},
	{text: "movq %gs:0x10, {r}"},
	{text: "movq {r}, %fs:0x18"},
	{text: "movl %fs:(%rip), {r32}"},
	{text: "movl ${count}, %ecx; movabsq ${base}, %rsi; movabsq ${base}, %rdi; {sreps}"},
	{text: "movl $9, %ecx; leaq user_rw1 + 0xfe0, %rdi; leaq user_rw + 8, %rsi; rep movsq"},
	{text: "movl $9, %ecx; leaq user_rw1 + 0xfe0, %rsi; leaq user_rw + 8, %rdi; rep movsq"},
	{text: "movl $40, %ecx; leaq user_rw + 0xff3, %rdi; rep stosb"},
	{text: "movl $40, %ecx; leaq user_rw + 0x10, %rdi; std; rep stosb"},
	{text: "movl ${count}, %ecx; leaq user_rw + 0x20, %rsi; leaq user_rw + 0x30, %rdi; {sreps}", weight: 8},
	{text: "movl $0, %ecx; movabsq $hole, %rdi; rep stosb"},
	{text: "movl $0x52345678, %esi; addr32 lodsb"},
}

var stackTemplates = []template{
	{text: "pushq {r}"},
	{text: "popq {r}"},
	{text: "pushq {r}; popq {r}", weight: 8},
	{text: "pushq ${imm32}"},
	{text: "pushw {r16}"},
	{text: "popw {r16}"},
	{text: "pushq %rsp; popq {r}"},
	{text: "pushq %fs; popq %gs"},
	{text: "pushfq; popq {r}"},
	{text: "pushfq; popfq"},
	{text: "pushfw; popfw"},
	{text: "pushq ${flags}; popfq; nop; nop", weight: 10},
	{text: "pushq $0x3302; popfq; nop; nop"},
	{text: "pushq $0x100; popfq; {alu}q {r}, {r}; pushfq; popq {r}; pushq $2; popfq; nop"},
	{text: "pushq $0x40202; popfq; movl user_rw + 1, %eax"},
	{text: "enterq $16, $0; leaveq"},
	{text: "enterq $8, $3"},
	{text: "leaveq"},
	{text: "movabsq ${userstack}, %rsp; pushq {r}", level: userOnly},
	{text: "movabsq ${kernelstack}, %rsp; pushq {r}", level: kernelOnly},
	{text: "addq $6, %rsp; pushq {r}"},
}
