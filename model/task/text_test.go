// SPDX-License-Identifier: GPL-2.0-or-later

package task

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTaskAsText(t *testing.T) {
	r, _ := nested(t)
	r.registers(outermost, ofApplication)
	r.put(taskAt+8, uint64(SigPending))
	r.put(taskAt+64, 5)
	require.Equal(t, `task "UKL" (thread 16 of process 17) at 0xffffffff81400100, mm 0xffff888000001000
thread stack ffffc90000008000-ffffc9000000bfff, ukl_thread 1 (kernel)
thread flags: TIF_SIGPENDING; work at system calls: SECCOMP SYSCALL_TRACE
system call 39; FP state in the registers
mode: kernel; by ukl_thread kernel, by the code (do_something+0x50) kernel, by the stack (IST stack 1 NMI) kernel
NMI asm_exc_nmi from kernel: pt_regs at 0xfffffe0000009f00 on the IST stack 1 NMI
  ip 10:ffffffff81000030 do_something+0x30
  sp 18:ffffc90000013000 flags 00000046 [PF ZF]
  orig_ax -1
  ax  000000000000000c  bx  0000000000000000  cx  0000000000000000  dx  0000000000000000
  si  0000000000000000  di  0000000000000000  bp  0000000000000000  r8  0000000000000000
  r9  0000000000000000  r10 0000000000000000  r11 0000000000000000  r12 0000000000000000
  r13 0000000000000000  r14 0000000000000000  r15 0000000000000000
`, firstLines(r.read().Text(), 13))
}

// firstLines are n of a text.
func firstLines(text string, n int) string {
	for i, c := range text {
		if c == '\n' {
			if n--; n == 0 {
				return text[:i+1]
			}
		}
	}
	return text
}

func TestTitles(t *testing.T) {
	known := func(flags uint32) Task { return Task{Address: 0x10, Name: "x", Flags: flags, flagsKnown: true} }
	idle, thread, process, another := known(flagKThread), known(flagKThread), known(0), known(0)
	thread.PID, thread.TGID = 2, 2
	process.PID, process.TGID, process.MM = 3, 3, 0x20
	another.PID, another.TGID, another.MM = 4, 3, 0x20
	for want, x := range map[string]Task{
		"no current task":                                   {},
		`task "x" (idle) at 0x10`:                           idle,
		`task "x" (kernel thread 2) at 0x10`:                thread,
		`task "x" (process 3) at 0x10, mm 0x20`:             process,
		`task "x" (thread 4 of process 3) at 0x10, mm 0x20`: another,
	} {
		require.Equal(t, want, x.Title())
	}
}

func TestEntriesAsText(t *testing.T) {
	e := Entry{Name: "asm_exc_page_fault", Kind: 2, From: Kernel, At: 0x1000, Stack: Stack{Kind: OnThreadStack}, Registers: ofKernel(0x2000)}
	require.Equal(t, `exception asm_exc_page_fault from kernel: pt_regs at 0x1000 on the thread stack, incomplete
  ip 10:ffffffff81000030
  sp 18:0000000000002000 flags 00000046 [PF ZF]
`, e.Text(nil))
	e.At = 0
	require.Equal(t, "exception asm_exc_page_fault: nothing saved\n", e.Text(nil))
	require.Equal(t, "3 (no such value)", Tracking{true, 3}.String())
	require.Equal(t, "-1 (no such value)", Tracking{true, -1}.String())
}

// Another task is in the kernel, wherever that may be.
func TestAnotherTask(t *testing.T) {
	const other = kernelData + 0x600
	r := newRig(t).at(appText, userStack+0x100)
	r.put(other, hardirq) // any stack
	r.text(other+16, "other")
	r.put(other+32, 30|30<<32)
	r.put(other+40, 0xffff_8880_0000_2000)
	r.put(other+80, InKernel)
	regs := ofApplication
	regs.OrigAX, regs.AX = 35, ^uint64(511)
	r.registers(hardirq+4*pageSize-RegistersSize, regs)
	x := ReaderOf(r.kernel).ReadTask(r, other)
	require.Equal(t, "other", x.Name)
	require.Equal(t, regs, x.Outermost)
	require.Equal(t, uint64(hardirq+4*pageSize), x.TopOfStack)
	require.Equal(t, "ERESTARTSYS", x.Restart.Code)
	require.False(t, x.FPU.InRegisters)
	require.Empty(t, x.Entries)
	require.NotContains(t, x.Text(), "mode:")
}

// A shared piece of code after several entries has a name of its own.
func TestSystemCallWhoseCodeSeveralEntriesShare(t *testing.T) {
	for _, test := range []struct {
		regs Registers
		kind string
	}{{ofApplication, "call"}, {ofProgram, "syscall"}} {
		r := newRig(t).at(kernelText, outermost-0x40)
		r.registers(outermost, test.regs)
		r.called(outermost-8, fork+0x40)
		r.names["shared"] = fork
		delete(r.names, "ret_from_fork")
		entries := r.read().Entries
		require.Len(t, entries, 1)
		require.Equal(t, test.kind, entries[0].Kind.String())
		require.Equal(t, "shared", entries[0].Name)
	}
}

// Between the switch of stacks and that of current, the stack is the next
// task's.
func TestMiddleOfASwitch(t *testing.T) {
	const other = uint64(hardirq) // another stack of four pages
	r := newRig(t)
	r.put(kernelData+16, 0) // not for interrupts
	r.registers(other+4*pageSize-RegistersSize, ofApplication)
	r.called(other+4*pageSize-RegistersSize-8, call+0x40)
	x := r.at(kernelText, other+0x3000).read()
	require.Equal(t, "thread stack of another task", x.Position.Stack.String())
	require.True(t, x.Position.Agree())
	require.Len(t, x.Entries, 1)
	require.Equal(t, Application, x.Entries[0].From)
}
