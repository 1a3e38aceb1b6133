// SPDX-License-Identifier: GPL-2.0-or-later

package mini

import (
	"bytes"
	"debug/elf"
	"testing"

	"github.com/stretchr/testify/require"
)

// little is a kernel that does next to nothing: for tests of how guests are
// made.
var little = []sourceFile{
	{"corpus/mini/kernel/a.s", `// SPDX-License-Identifier: GPL-2.0-or-later
{{define "leave"}}
	mov eax, {{.with}}
	out 0xf4, al
{{end}}
.section .head.text
{{code "startup_64"}}
	lea rsp, [rip + stack_top]
	lea rax, [rip + 1f]
1:	{{template "leave" args "with" 0}}
	mov ecx, [rip + init_task + task_struct.thread.sp]
2:	hlt
	jmp 2b
{{end_func "startup_64"}}
.text
{{func "do_syscall_64"}}
	mov rax, [rdi + pt_regs.orig_ax]
inner:	ret
{{end_func "do_syscall_64"}}
{{static "helper"}}
	ret
.pushsection __ex_table
	.long 2f - ., 3f - ., EX_TYPE_DEFAULT
	.long 1f - ., 3f - ., EX_TYPE_FAULT
.popsection
1:	mov rax, [rsi]
2:	mov rax, [rdi]
3:	ret
`},
	{"corpus/mini/kernel/b.s", `
.section .entry.text
{{func "ukl_entry_SYSCALL_64"}}
	{{- if not (defect "entry-irqs-on")}}
	cli
	{{- end}}
	{{/* a comment
	over lines */}}
{{range seq 1 2}}	push {{.}}
{{end}}	ret
{{end_func "ukl_entry_SYSCALL_64"}}
.section .ukl.text
{{func "ukl__start"}}
	call ukl_entry_SYSCALL_64
.Lhidden:
	ret
.section .user.text
{{func "user_start"}}
	mov rax, [user_word]
	syscall
{{end_func "user_start"}}
.section .user.data
user_word: .quad __user_load_start, __user_load_end, __free_start
.section .ukl.data
ukl_counter: .quad 1
ukl_last: .quad {{if .UseRet}}2{{else}}3{{end}}
.section .tdata
.quad 5
.section .tbss
.zero 8
.data
.globl init_task
init_task: .zero 64
current_task: .quad init_task
.bss
stack: .zero 0x2000
stack_top:
.section .notes, "a"
	.long 4, 4, 18
	.asciz "Xen"
	.long phys_startup_64
`},
}

// made builds the little kernel.
func made(t *testing.T, o Options) (*elf.File, []byte) {
	t.Helper()
	x, err := buildOf(little, o)
	require.NoError(t, err)
	b := x.bytes()
	f, err := elf.NewFile(bytes.NewReader(b))
	require.NoError(t, err)
	return f, b
}

func buildOf(files []sourceFile, o Options) (*image, error) {
	from, err := parse(files)
	if err != nil {
		return nil, err
	}
	return build(from, o)
}
