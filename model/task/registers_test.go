// SPDX-License-Identifier: GPL-2.0-or-later

package task

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/emu/x86"
	"github.com/uklemu/uklemu/model/space"
)

// arch/x86/entry/calling.h numbers them in this order.
func TestRegistersAreInTheOrderOfPtRegs(t *testing.T) {
	r := newRig(t)
	const at = kernelData + 0x3000
	for i := range uint64(21) {
		r.put(at+8*i, 0x100+i)
	}
	regs, err := ReadRegisters(space.TablesOf(r, &r.state), at)
	require.NoError(t, err)
	require.Empty(t, cmp.Diff(Registers{
		R15: 0x100, R14: 0x101, R13: 0x102, R12: 0x103, BP: 0x104, BX: 0x105, R11: 0x106, R10: 0x107, R9: 0x108, R8: 0x109,
		AX: 0x10a, CX: 0x10b, DX: 0x10c, SI: 0x10d, DI: 0x10e, OrigAX: 0x10f, IP: 0x110, CS: 0x111, Flags: 0x112, SP: 0x113, SS: 0x114,
	}, regs))
	for i, name := range registerNames {
		v, ok := regs.Get(name)
		require.True(t, ok)
		require.EqualValues(t, 0x100+i, v)
	}
	_, ok := regs.Get("rax")
	require.False(t, ok)
	_, err = ReadRegisters(space.TablesOf(r, &r.state), 0x1000)
	require.EqualError(t, err, "pt_regs at 0x1000: address 0x1000 is not mapped")
}

func TestInterruptedIsWhatAnExceptionWouldSave(t *testing.T) {
	var s x86.State
	for i := range s.GPR {
		s.GPR[i] = uint64(i + 1)
	}
	s.RIP, s.RFLAGS = 0x1234, 0x246
	s.Seg[x86.CS].Selector, s.Seg[x86.SS].Selector = UserCS, UserDS
	require.Empty(t, cmp.Diff(Registers{
		AX: 1, CX: 2, DX: 3, BX: 4, SP: 5, BP: 6, SI: 7, DI: 8, R8: 9, R9: 10, R10: 11, R11: 12, R12: 13, R13: 14, R14: 15, R15: 16,
		OrigAX: ^uint64(0), IP: 0x1234, CS: UserCS, Flags: 0x246, SS: UserDS,
	}, Interrupted(&s)))
}

func TestRegistersAsText(t *testing.T) {
	regs := Registers{AX: 1, BX: 2, CX: 3, DX: 4, SI: 5, DI: 6, BP: 7, R8: 8, R9: 9, R10: 10, R11: 11, R12: 12, R13: 13, R14: 14, R15: 15,
		OrigAX: ^uint64(0), IP: appText + 4, CS: UKLCS, Flags: 0x246, SP: userStack, SS: KernelDS}
	require.Equal(t, `ip c3:ffffffff81200004 ukl_main+0x4
sp 18:00007ffffff00000 flags 00000246 [PF ZF IF]
orig_ax -1
ax  0000000000000001  bx  0000000000000002  cx  0000000000000003  dx  0000000000000004
si  0000000000000005  di  0000000000000006  bp  0000000000000007  r8  0000000000000008
r9  0000000000000009  r10 000000000000000a  r11 000000000000000b  r12 000000000000000c
r13 000000000000000d  r14 000000000000000e  r15 000000000000000f
`, regs.Text(theKernel().Name))
	require.Contains(t, regs.Text(nil), "ip c3:ffffffff81200004\n")
}

func TestFlagsHaveNames(t *testing.T) {
	for flags, want := range map[uint64]string{
		0x2: "[]", 0x246: "[PF ZF IF]", 0x3002: "[IOPL=3]", 0x257fd7: "[CF PF AF ZF SF TF IF DF OF NT RF AC ID IOPL=3]",
	} {
		require.Equal(t, want, FlagNames(flags))
	}
	for flags, want := range map[ThreadFlags]string{
		0: "none", SigPending | NeedResched: "TIF_SIGPENDING TIF_NEED_RESCHED", NeedFPULoad: "TIF_NEED_FPU_LOAD", 1 << 40: "TIF_40",
	} {
		require.Equal(t, want, flags.String())
	}
	require.Equal(t, []string{"SECCOMP", "1", "SYSCALL_TRACE"}, ReaderOf(theKernel()).workNames(7))
}
