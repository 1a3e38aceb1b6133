// SPDX-License-Identifier: GPL-2.0-or-later

package scenario

import (
	"fmt"
	"strings"

	"github.com/uklemu/uklemu/asm"
	"github.com/uklemu/uklemu/emu"
	"github.com/uklemu/uklemu/emu/x86"
	"github.com/uklemu/uklemu/model/image"
)

// Label is a place of the board where something begins, or has ended.
type Label string

// Labels. Behind each of the first is a place, with "_end" to its name, at which
// the run stops.
const (
	Call    Label = "call"    // the system call RAX, by the way that the kernel has for its application
	SYSCALL Label = "syscall" // by the instruction
	LoadSS  Label = "loadss"  // MOV SS from the word at RBX, then SYSCALL
	Load    Label = "load"    // reads a byte at RDI into AL
	Store   Label = "store"   // writes AL at RDI
	Jump    Label = "jump"    // calls RDI
	Push    Label = "push"    // PUSH RAX, POP RAX
	Break   Label = "break"   // INT3
	Invalid Label = "invalid" // UD2
	Nops    Label = "nops"    // eight NOPs: the application, minding its own business
	RedZone Label = "redzone" // keeps RDI below RSP and reads it back into RAX
	Vector  Label = "vector"  // keeps XMM0 to XMM3 busy
	Handler Label = "handler" // a signal handler that returns
	Nested  Label = "nested"  // one that makes the call RBX before it returns
	Restore Label = "restore" // what a handler returns to: rt_sigreturn
	Spin    Label = "spin"    // the application, waiting for a signal
	Signal  Label = "signal"  // one whose arrival stops the run
	Stopped Label = "stopped" // another of that kind
	Forget  Label = "forget"  // INVLPG of RDI's page: in CPL 0 only
)

// source is the board. %s is the instruction for a system call.
const source = `
call:	%[1]s
call_end: nop
syscall: syscall
syscall_end: nop
loadss:	mov ss, word ptr [rbx]
	syscall
loadss_end: nop
load:	mov al, [rdi]
load_end: nop
store:	mov [rdi], al
store_end: nop
jump:	call rdi
jump_end: nop
push:	push rax
	pop rax
push_end: nop
break:	int3
break_end: nop
invalid: ud2
invalid_end: nop
nops:	.zero 8, 0x90
nops_end: nop
redzone: mov [rsp - 8], rdi
	nop
	nop
	mov rax, [rsp - 8]
redzone_end: nop
vector:	paddq xmm0, xmm1
	paddq xmm1, xmm2
	paddq xmm2, xmm3
	paddq xmm3, xmm0
vector_end: nop
nested:	mov eax, ebx
	%[1]s
handler: nop
	nop
	ret
spin:	pause
	jmp spin
signal:	nop
	ret
stopped: nop
	ret
forget:	invlpg [rdi]
forget_end: nop
restore: mov eax, 15
	%[1]s
restore_end: nop
	hlt
`

// Board is the code, at the addresses where it lies in the application.
type Board struct {
	labels map[string]uint64
	ends   map[uint64]Label
	byCall bool
}

// install writes it over the application at RIP, where it will not be needed again.
func install(m *emu.Machine, img *image.Image) (*Board, error) {
	state := m.State()
	b := &Board{ends: map[uint64]Label{}}
	call := "syscall"
	if state.CPL() == 0 {
		if _, ok := img.Address("ukl_entry_SYSCALL_64"); !ok {
			return nil, fmt.Errorf("%s: its application runs in CPL 0, but there is no ukl_entry_SYSCALL_64", img.Name)
		}
		call, b.byCall = "call ukl_entry_SYSCALL_64", true
	}
	at := state.RIP
	if state.CPL() == 3 { // the page that is known to be there
		at &^= 0xfff
	}
	code, err := asm.Assemble(fmt.Sprintf(source, call), asm.Options{Address: at, Symbols: img.Address})
	if err != nil {
		return nil, fmt.Errorf("the board: %w", err)
	}
	if _, err := m.WriteMemory(at, code.Bytes); err != nil {
		return nil, fmt.Errorf("%s: the application's code at %#x: %w", img.Name, at, err)
	}
	b.labels = code.Labels
	for name, at := range code.Labels {
		if start, ok := strings.CutSuffix(name, "_end"); ok {
			b.ends[at] = Label(start)
		}
	}
	b.ends[b.labels["signal"]], b.ends[b.labels["stopped"]] = Signal, Stopped
	return b, nil
}

// At is the address of a label.
func (b *Board) At(l Label) uint64 { return b.labels[string(l)] }

// End is where what begins at a label has ended.
func (b *Board) End(l Label) uint64 { return b.labels[string(l)+"_end"] }

// registers of system calls, in the order of their arguments.
var arguments = [6]int{x86.RDI, x86.RSI, x86.RDX, x86.R10, x86.R8, x86.R9}
