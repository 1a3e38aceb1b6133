// SPDX-License-Identifier: GPL-2.0-or-later

package asm_test

import (
	"fmt"

	"github.com/uklemu/uklemu/asm"
)

func ExampleAssemble() {
	symbols := map[string]uint64{"do_syscall_64": 0xffffffff81001000}
	code, err := asm.Assemble(`
	swapgs
	mov	gs:[0x14], rsp		# a per-cpu variable
again:	call	do_syscall_64
	test	eax, eax
	jnz	again
`, asm.Options{
		Address: 0xffffffff81000000,
		Symbols: func(name string) (uint64, bool) { address, ok := symbols[name]; return address, ok },
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, line := range code.Lines {
		fmt.Printf("%x: % x\n", line.Address, line.Bytes)
	}
	fmt.Printf("again is %x\n", code.Labels["again"])
	// Output:
	// ffffffff81000000: 0f 01 f8
	// ffffffff81000003: 65 48 89 24 25 14 00 00 00
	// ffffffff8100000c: e8 ef 0f 00 00
	// ffffffff81000011: 85 c0
	// ffffffff81000013: 75 f7
	// again is ffffffff8100000c
}

func ExampleAssemble_errors() {
	_, err := asm.Assemble("nop\nmov ah, r8b\njmp nowhere", asm.Options{File: "entry.S"})
	fmt.Println(err)
	// Output:
	// entry.S:2:5: ah can't be encoded beside r8b, which takes a REX prefix
}

func ExampleAssemble_att() {
	code, err := asm.Assemble("movq %gs:40, %rax; movl $10, 16(%rbx,%rcx,4)", asm.Options{Syntax: asm.ATT})
	fmt.Printf("% x %v\n", code.Bytes, err)
	// Output:
	// 65 48 8b 04 25 28 00 00 00 c7 44 8b 10 0a 00 00 00 <nil>
}

func ExampleBuilder() {
	var b asm.Builder
	b.Label("handler").Text("add rsp, %d", 8).Text("iretq")
	b.Section(".data").Label("idt").Addresses("handler").Quads(0)
	code, err := b.Assemble(asm.Options{Address: 0x1000, Sections: map[string]uint64{".data": 0x8000}})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, s := range code.Sections {
		fmt.Printf("%s %#x % x\n", s.Name, s.Address, s.Bytes)
	}
	// Output:
	// .text 0x1000 48 83 c4 08 48 cf
	// .data 0x8000 00 10 00 00 00 00 00 00 00 00 00 00 00 00 00 00
}
