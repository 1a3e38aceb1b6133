// SPDX-License-Identifier: GPL-2.0-or-later

package lockstep

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// A defect that is no longer there must leave the list. The events are what
// QEMU does; the list says what the manual has.
func TestTheKnownDefectsAreThere(t *testing.T) {
	const hole = 0x0000800000000000
	tests := []struct {
		defect string
		user   bool
		text   []string
		event  int
		rip    string // a suffix of the case's label, or "hole"
	}{
		{"stack-canonical", true, []string{"movabsq $hole + 0x100, %rsp", "pushq %rax"}, 13, "_1"},
		{"stack-canonical", true, []string{"movabsq $hole, %rbp", "movq (%rbp), %rax"}, 13, "_1"},
		{"branch-canonical", true, []string{"movabsq $hole, %rax", "jmp *%rax"}, 13, "hole"},
		{"branch-canonical", false, []string{"movabsq $hole, %rax", "pushq %rax", "ret"}, 13, "hole"},
		{"sysret-canonical", false, []string{"movabsq $hole, %rcx", "movl $2, %r11d", "sysretq"}, 13, "hole"},
		{"base-canonical", false, []string{"movl $0xc0000101, %ecx", "movl $0x8000, %edx", "xorl %eax, %eax", "wrmsr"}, EventDone, ""},
		{"msr-unknown", false, []string{"movl $0x12345, %ecx", "rdmsr"}, EventDone, ""},
		{"cr8-reserved", false, []string{"movl $0x12, %eax", "movq %rax, %cr8"}, EventDone, ""},
		{"alignment-check", true, []string{"pushq $0x40002", "popfq", "movl user_rw + 1, %eax"}, EventDone, ""},
		{"icebp", false, []string{".byte 0xf1"}, 6, "_0"},
		{"canonical-first", false, []string{"movq %cr4, %rax", "btsq $21, %rax", "movq %rax, %cr4", "movabsq $low_end - 2, %rax", "movq (%rax), %rcx"}, 14, "_4"},
		{"sse-undefined-first", false, []string{"movq %cr0, %rax", "orl $0xc, %eax", "movq %rax, %cr0", "movups user_rw, %xmm0"}, 7, "_3"},
	}
	program := &Program{}
	for _, test := range tests {
		_, ok := known(test.defect)
		require.True(t, ok, test.defect)
		c := Case{User: test.user, Text: test.text, RFLAGS: 2, RSP0: "rsp0_top", CR0: cr0AM}
		c.GPR[4] = "case_stack_top"
		if test.user {
			c.GPR[4] = "user_rw1 + 0x800"
		}
		program.Cases = append(program.Cases, c)
	}
	p, err := Build(t.TempDir(), program)
	require.NoError(t, err)
	log := finish(t, p, start(t, p)).byCase()
	for n, test := range tests {
		first := log[n][0]
		require.Equal(t, test.event, first.Event(), "%s: %v", test.defect, test.text)
		switch test.rip {
		case "":
		case "hole":
			require.EqualValues(t, hole, first.RIP(), test.defect)
		default:
			require.Equal(t, p.Symbols[fmt.Sprintf("case_%d%s", n, test.rip)], linked(first.RIP()), test.defect)
		}
	}
}
