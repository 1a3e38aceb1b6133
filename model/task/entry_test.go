// SPDX-License-Identifier: GPL-2.0-or-later

package task

import (
	"encoding/binary"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/emu/x86"
	"github.com/uklemu/uklemu/model/image"
)

// Registers of who was interrupted.
var (
	ofApplication = Registers{AX: 0xa, OrigAX: 39, IP: appText + 0x10, CS: UKLCS, Flags: 0x246, SP: userStack + 0x800, SS: KernelDS}
	ofProgram     = Registers{AX: 0xb, OrigAX: 39, IP: 0x40_1000, CS: UserCS, Flags: 0x246, SP: userStack + 0x800, SS: UserDS}
)

// ofKernel is the kernel's code, interrupted with RSP at sp.
func ofKernel(sp uint64) Registers {
	return Registers{AX: 0xc, OrigAX: ^uint64(0), IP: kernelText + 0x30, CS: KernelCS, Flags: 0x46, SP: sp, SS: KernelDS}
}

const outermost = top - RegistersSize

// nested is a page fault and an interrupt in a system call of the application,
// and an NMI in the interrupt. The interrupt's handler is on its own stack.
func nested(t *testing.T) (r *rig, want []Entry) {
	r = newRig(t)
	r.registers(outermost, ofApplication)
	r.called(outermost-8, call+0x40)

	const fault, faultSP = top - 0x400, top - 0x400 + RegistersSize + 8 // not a multiple of 16
	r.registers(fault, ofKernel(faultSP))
	r.called(fault-8, pageFault+0x20)

	const tick, tickSP = top - 0x600, top - 0x600 + RegistersSize
	r.registers(tick, ofKernel(tickSP))
	r.called(tick-8, irq+0x20)
	r.put(hardirq+4*pageSize-8, tick-0x20) // call_on_stack

	const at, nmiSP = ist + 2*pageSize - 0x100, hardirq + 0x3000
	r.registers(at, ofKernel(nmiSP))
	r.called(at-8, nmi+0x30)
	r.at(kernelText+0x50, at-0x80)

	onThread, onIST := Stack{OnThreadStack, "UKL (16)", thread, 4 * pageSize}, Stack{OnISTStack, "1 NMI", ist, 2 * pageSize}
	return r, []Entry{
		{Name: "asm_exc_nmi", Kind: image.NMI, Vector: 2, At: at, Stack: onIST, Registers: ofKernel(nmiSP), From: Kernel, Complete: true, Return: nmi + 0x30},
		{Name: "asm_sysvec_apic_timer_interrupt", Kind: image.Interrupt, Vector: 0xec, At: tick, Stack: onThread, Registers: ofKernel(tickSP), From: Kernel, Complete: true, Return: irq + 0x20},
		{Name: "asm_exc_page_fault", Kind: image.Exception, Vector: 14, At: fault, Stack: onThread, Registers: ofKernel(faultSP), From: Kernel, Complete: true, Return: pageFault + 0x20},
		{Name: "ukl_entry_SYSCALL_64", Kind: image.UKLCall, Vector: image.NoVector, At: outermost, Stack: onThread, Registers: ofApplication, From: Application, Complete: true, Return: call + 0x40},
	}
}

func TestNestedEntriesFromTheInnermostOut(t *testing.T) {
	r, want := nested(t)
	require.Empty(t, cmp.Diff(want, r.read().Entries))
	x := r.read()
	require.Equal(t, uint64(outermost), x.OutermostAt)
	require.Equal(t, ofApplication, x.Outermost)
	require.True(t, x.Restart.InCall)
	require.EqualValues(t, 39, x.Restart.Number)
}

func TestNoEntryIsOpenInTheApplication(t *testing.T) {
	r, _ := nested(t)
	r.at(appText, userStack+0x800)
	require.Empty(t, r.read().Entries, "what is on the kernel's stacks was left there")
	require.False(t, r.read().Restart.InCall)
	r.state.Seg[x86.CS].Selector = UserCS
	require.Empty(t, r.read().Entries)
}

// Below RSP, and between frames, there may be the remains of earlier entries.
func TestRemainsAreNotTakenForEntries(t *testing.T) {
	const rsp = top - 0x800
	for name, leave := range map[string]func(r *rig){
		"a return address alone": func(r *rig) { r.called(rsp+0x40, pageFault+0x20) },
		"below RSP": func(r *rig) {
			r.registers(rsp-0x200, ofKernel(rsp-0x200+RegistersSize))
			r.called(rsp-0x208, pageFault+0x20)
		},
		"an RSP that isn't where the CPU has pushed": func(r *rig) {
			r.registers(rsp+0x48, ofKernel(rsp+0x48+RegistersSize+0x80))
			r.called(rsp+0x40, pageFault+0x20)
		},
		"no call before the return address": func(r *rig) {
			r.registers(rsp+0x48, ofKernel(rsp+0x48+RegistersSize))
			r.put(rsp+0x40, pageFault+0x60)
		},
		"a return address that isn't an entry's": func(r *rig) {
			r.registers(rsp+0x48, ofKernel(rsp+0x48+RegistersSize))
			r.called(rsp+0x40, kernelText+0x60)
		},
		"flags that no CPU has": func(r *rig) {
			regs := ofKernel(rsp + 0x48 + RegistersSize)
			regs.Flags = 0
			r.registers(rsp+0x48, regs)
			r.called(rsp+0x40, pageFault+0x20)
		},
		"the application's frame in the middle": func(r *rig) {
			r.registers(rsp+0x48, ofApplication)
			r.called(rsp+0x40, pageFault+0x20)
		},
		"an address that isn't canonical": func(r *rig) {
			regs := ofKernel(rsp + 0x48 + RegistersSize)
			regs.IP = 1 << 63
			r.registers(rsp+0x48, regs)
			r.called(rsp+0x40, pageFault+0x20)
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t).at(kernelText, rsp)
			r.registers(outermost, ofProgram)
			r.called(outermost-8, syscall+0x40)
			leave(r)
			entries := r.read().Entries
			require.Len(t, entries, 1)
			require.Equal(t, "entry_SYSCALL_64", entries[0].Name)
			require.Equal(t, User, entries[0].From)
		})
	}
}

// A new task has its frame, made by copy_thread, and nothing below it.
func TestFrameOfATaskThatHasNotRunYet(t *testing.T) {
	r := newRig(t).at(kernelText, outermost-0x40)
	r.registers(outermost, ofApplication)
	entries := r.read().Entries
	require.Len(t, entries, 1)
	require.Equal(t, "top of the thread stack", entries[0].Name)
	require.Equal(t, uint64(outermost), entries[0].At)
}

// The published series has the kernel's CS in frames of system calls, with RSP
// below the return address.
func TestFramesOfThePublishedSeries(t *testing.T) {
	r := newRig(t).at(kernelText, outermost-0x40)
	regs := ofApplication
	regs.CS, regs.SP = KernelCS, userStack+0x7f0
	r.registers(outermost, regs)
	r.called(outermost-8, call+0x40)
	entries := r.read().Entries
	require.Len(t, entries, 1)
	require.Equal(t, Application, entries[0].From)
}

// UKL_SAME_STACK: the frame of a system call is on the application's stack, and
// so are those of what comes in it.
func TestFramesOnTheApplicationsOwnStack(t *testing.T) {
	const at, fault = userStack + 0x800 - 16 - RegistersSize, userStack + 0x400
	r := newRig(t).at(kernelText, fault-0x80)
	r.registers(at, ofApplication)
	r.called(at-8, call+0x40)
	r.registers(fault, ofKernel(fault+RegistersSize))
	r.called(fault-8, pageFault+0x20)
	require.Empty(t, r.read().Entries)
	require.False(t, r.read().Position.Agree())

	r.sameStack = true
	x := r.read()
	require.True(t, x.Position.Agree(), "%s", x.Position.Text())
	require.Len(t, x.Entries, 2)
	require.Equal(t, "asm_exc_page_fault", x.Entries[0].Name)
	require.Equal(t, uint64(at), x.Entries[1].At)
	require.Equal(t, Application, x.Entries[1].From)
	require.Equal(t, uint64(at), x.OutermostAt)
	r.put(taskAt+80, InApplication)
	require.False(t, r.read().Position.Agree())
}

// From the first instruction of a stub to its IRET, there is a frame of which
// more and more is saved, and then restored.
func TestUnfinishedEntries(t *testing.T) {
	onThread := Stack{OnThreadStack, "UKL (16)", thread, 4 * pageSize}
	kernelSP := uint64(top - 0x400)
	frameOf := func(r *rig, regs Registers, end uint64) {
		r.put(end-8*5, regs.IP, regs.CS, regs.Flags, regs.SP, regs.SS)
	}
	pushed := func(regs Registers) Registers {
		return Registers{IP: regs.IP, CS: regs.CS, Flags: regs.Flags, SP: regs.SP, SS: regs.SS}
	}
	for _, test := range []struct {
		name string
		make func(r *rig)
		want Entry
	}{
		{"the kernel's fault, at the stub's first instruction", func(r *rig) {
			frameOf(r, ofKernel(kernelSP+8), kernelSP)
			r.put(kernelSP-48, 2) // error code
			r.at(pageFault, kernelSP-48)
		}, Entry{Name: "asm_exc_page_fault", Kind: image.Exception, Vector: 14, At: kernelSP - RegistersSize, Stack: onThread, Registers: pushed(ofKernel(kernelSP + 8)), From: Kernel}},
		{"the same, without an error code", func(r *rig) {
			frameOf(r, ofKernel(kernelSP), kernelSP)
			r.at(irq, kernelSP-40)
		}, Entry{Name: "asm_sysvec_apic_timer_interrupt", Kind: image.Interrupt, Vector: 0xec, At: kernelSP - RegistersSize, Stack: onThread, Registers: pushed(ofKernel(kernelSP)), From: Kernel}},
		{"in error_entry, some registers saved", func(r *rig) {
			frameOf(r, ofKernel(kernelSP), kernelSP)
			r.called(kernelSP-56, pageFault+0x10)
			r.at(errorEntry+0x10, kernelSP-56-0x20)
		}, Entry{Name: "asm_exc_page_fault", Kind: image.Exception, Vector: 14, At: kernelSP - RegistersSize, Stack: onThread, Registers: pushed(ofKernel(kernelSP)), From: Kernel}},
		{"in error_entry, all saved", func(r *rig) {
			r.registers(kernelSP-RegistersSize, ofKernel(kernelSP))
			r.called(kernelSP-RegistersSize-8, pageFault+0x10)
			r.at(errorEntry+0x40, kernelSP-RegistersSize-8)
		}, Entry{Name: "asm_exc_page_fault", Kind: image.Exception, Vector: 14, At: kernelSP - RegistersSize, Stack: onThread, Registers: ofKernel(kernelSP), From: Kernel, Complete: true, Return: pageFault + 0x10}},
		{"behind error_entry", func(r *rig) {
			r.registers(kernelSP-RegistersSize, ofKernel(kernelSP))
			r.at(pageFault+0x18, kernelSP-RegistersSize)
		}, Entry{Name: "asm_exc_page_fault", Kind: image.Exception, Vector: 14, At: kernelSP - RegistersSize, Stack: onThread, Registers: ofKernel(kernelSP), From: Kernel, Complete: true}},
		{"the application's fault, still on its stack", func(r *rig) {
			regs := ofApplication
			regs.CS, regs.SP = KernelCS, userStack+0x808
			frameOf(r, regs, userStack+0x800)
			r.at(pageFault, userStack+0x800-48)
		}, Entry{Name: "asm_exc_page_fault", Kind: image.Exception, Vector: 14, At: userStack + 0x800 - RegistersSize, Stack: Stack{Kind: OnApplicationStack},
			Registers: Registers{IP: ofApplication.IP, CS: KernelCS, Flags: 0x246, SP: userStack + 0x808, SS: KernelDS}, From: Application}},
		{"an NMI, on its own stack", func(r *rig) {
			frameOf(r, ofKernel(kernelSP), ist+2*pageSize)
			r.at(nmi, ist+2*pageSize-40)
		}, Entry{Name: "asm_exc_nmi", Kind: image.NMI, Vector: 2, At: ist + 2*pageSize - RegistersSize, Stack: Stack{OnISTStack, "1 NMI", ist, 2 * pageSize}, Registers: pushed(ofKernel(kernelSP)), From: Kernel}},
		{"on the way out, all restored", func(r *rig) {
			frameOf(r, ofApplication, top)
			r.at(call+0x60, top-40)
		}, Entry{Name: "ukl_entry_SYSCALL_64", Kind: image.UKLCall, Vector: image.NoVector, At: outermost, Stack: onThread, Registers: pushed(ofApplication), From: Application}},
		{"a call that has saved nothing", func(r *rig) {
			r.at(call, userStack+0x800)
		}, Entry{Name: "ukl_entry_SYSCALL_64", Kind: image.UKLCall, Vector: image.NoVector, Stack: Stack{Kind: OnApplicationStack}}},
		{"a SYSCALL that has saved nothing", func(r *rig) {
			r.at(syscall, userStack+0x800)
		}, Entry{Name: "entry_SYSCALL_64", Kind: image.Syscall, Vector: image.NoVector, Stack: Stack{Kind: OnApplicationStack}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := newRig(t)
			test.make(r)
			entries := r.read().Entries
			require.NotEmpty(t, entries)
			require.Empty(t, cmp.Diff(test.want, entries[0]))
		})
	}
}

func TestEntriesThatGoInCirclesEnd(t *testing.T) {
	r := newRig(t)
	const at = ist + 2*pageSize - RegistersSize
	r.registers(at, ofKernel(at-0x40)) // it says that it has interrupted itself
	r.called(at-8, nmi+0x30)
	r.at(kernelText, at-0x40)
	require.LessOrEqual(t, len(r.read().Entries), mostEntries)

	r = newRig(t).at(kernelText, hardirq+0x800)
	r.put(hardirq+4*pageSize-8, hardirq+0x700)
	require.Empty(t, r.read().Entries)
}

// FuzzRead has random words on the stacks.
func FuzzRead(f *testing.F) {
	f.Add([]byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10})
	f.Fuzz(func(t *testing.T, changes []byte) {
		r, _ := nested(t)
		r.signalFrame(userStack+0x1008, ofApplication, 0)
		for ; len(changes) >= 11; changes = changes[11:] {
			page := uint64(changes[0])%r.used + 1
			at := int(binary.LittleEndian.Uint16(changes[1:])) % 512 * 8
			copy(r.ram[page][at:at+8], changes[3:])
		}
		for _, rip := range []uint64{kernelText + 5, call + 0x10, pageFault + 0x10, appText} {
			x := r.at(rip, r.state.GPR[x86.RSP]).read()
			_ = x.Text()
			require.LessOrEqual(t, len(x.Entries), mostEntries)
			require.LessOrEqual(t, len(x.Signals), mostFrames)
		}
	})
}
