// SPDX-License-Identifier: GPL-2.0-or-later

package invariant

import (
	"fmt"

	"github.com/uklemu/uklemu/emu/x86"
	"github.com/uklemu/uklemu/model/event"
	"github.com/uklemu/uklemu/model/image"
)

// Selectors and values of a 6.1 kernel: arch/x86/include/asm/segment.h,
// arch/x86/include/asm/page_64_types.h.
const (
	kernelCS = 0x10
	kernelDS = 0x18
	user32CS = 0x23
	userDS   = 0x2b
	userCS   = 0x33
	// uklCS marks a frame that stopped the application; no GDT has it.
	uklCS = 0xc3

	nmi = x86.Vector(2)

	taskSizeMax = 0x7ffffffff000
	enosys      = 38
	efault      = 14
)

// threadSize is THREAD_SIZE in bytes: twice with KASAN (THREAD_SIZE_ORDER).
func threadSize(img *image.Image) uint64 {
	if img.Config["CONFIG_KASAN"] == "y" {
		return 32 << 10
	}
	return 16 << 10
}

// upper says whether an address is in the kernel's half.
func upper(address uint64) bool { return int64(address) < 0 }

// onThreadStack says whether an address is on the thread stack of the event's task.
func onThreadStack(img *image.Image, e *event.Event, address uint64) bool {
	return address >= e.Stack && address <= e.Stack+threadSize(img)
}

// inApplication says whether the registers are the application's in ring 0,
// rather than an ordinary program's.
func inApplication(r *event.Registers) bool { return r.CPL() == 0 }

// userFlags are those that a program may change, and that come back to it
// (arch/x86/kernel/signal.c, FIX_EFLAGS, and the flags of system programming).
const userFlags = x86.FlagCF | x86.FlagPF | x86.FlagAF | x86.FlagZF | x86.FlagSF | x86.FlagOF | x86.FlagDF |
	x86.FlagTF | x86.FlagAC | x86.FlagNT | x86.FlagIOPL

var registerNames = [16]string{"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"}

// sameRegisters looks at the general registers, but for those in except. It
// counts as one look.
func (r *Report) sameRegisters(expected, found *[16]uint64, except ...int) bool {
	for n := range expected {
		if expected[n] == found[n] || has(except, n) {
			continue
		}
		return r.That(false, registerNames[n], expected[n], found[n])
	}
	r.Held()
	return true
}

func has(list []int, n int) bool {
	for _, v := range list {
		if v == n {
			return true
		}
	}
	return false
}

// at names an address.
func (r *Report) at(address uint64) string {
	if name := r.Image().Symbols.Name(address); name != "" {
		return fmt.Sprintf("%#x (%s)", address, name)
	}
	return fmt.Sprintf("%#x", address)
}

// kinds is a list of them.
func kinds(k ...event.Kind) []event.Kind { return k }
