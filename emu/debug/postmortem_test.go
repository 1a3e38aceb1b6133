// SPDX-License-Identifier: GPL-2.0-or-later

package debug

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/emu"
	"github.com/uklemu/uklemu/emu/x86"
)

func TestAGuestThatEndsBadlyIsExplained(t *testing.T) {
	for _, test := range []struct {
		name  string
		code  string
		limit uint64
		why   emu.Why
		bad   bool
		says  []string
	}{
		{"loops", `
eb fe                    jmp .`, 1000, emu.StopLimit, false, []string{
			"The guest stopped: limit reached; 1000 instructions, 0.001000 ms.\n", "<start>: eb fe  jmp ", " times)\n"}},
		{"faults three times, for want of an IDT", `
90                       nop
0f 0b                    ud2`, 0, emu.StopShutdown, true, []string{
			"shutdown, a triple fault", "Instruction:\n  0000000000200001 <start+0x1>: 0f 0b  ud2\n", "RIP=0000000000200001 ",
			"Last instructions:\n  0000000000200000 <start>: 90  nop\n"}},
		{"jumps to where nothing is mapped", `
48 b8 00 00 00 00 00 40 00 00  movabs rax, 0x400000000000
ff d0                    call rax`, 0, emu.StopShutdown, true, []string{
			"RIP=0000400000000000 ", "0000400000000000:   (no memory is mapped here)", "CR2=0000400000000000",
			"#0  0000400000000000\n  #1  000000000020000c <start+0xc>\n", "ff d0  call *%rax\n"}},
		{"jumps to where there is no memory", `
b8 00 00 00 30           mov eax, 0x30000000
ff e0                    jmp rax`, 0, emu.StopError, true, []string{
			"error: the CPU executes at 0x30000000, physical 0x30000000, where there is no memory", "ff e0  jmp *%rax\n"}},
		{"unmaps its own page tables", `
0f 20 d8                 mov rax, cr3
48 c7 00 00 00 00 00     mov qword [rax], 0
0f 22 d8                 mov cr3, rax
90                       nop`, 0, emu.StopShutdown, true, []string{
			"RIP=000000000020000d ", "(no memory is mapped here)", "CR2=000000000020000d"}},
		{"rewrites the code it runs", `
c6 05 01 00 00 00 f4     mov byte [rip+1], 0xf4
90                       nop
90                       nop               ; hlt by then
eb fe                    jmp .`, 0, emu.StopHalt, true, []string{
			"halt, and interrupts are off: nothing will wake it", "<start+0x8>: f4  hlt\n"}},
		{"waits for what never comes", `
fb                       sti
f4                       hlt`, 0, emu.StopHalt, false, []string{"halt, and no device will ever interrupt"}},
		{"is deep in calls without frames", `
e8 00 00 00 00           call 0x200005
e8 00 00 00 00           call 0x20000a
e8 00 00 00 00           call 0x20000f
0f 0b                    ud2`, 0, emu.StopShutdown, true, []string{
			"#0  000000000020000f <start+0xf>\n  #1  ? 000000000020000f <start+0xf>\n  #2  ? 000000000020000a <start+0xa>\n  #3  ? 0000000000200005 <start+0x5>\n"}},
		{"is deep in calls with frames", `
31 ed                    xor ebp, ebp
e8 02 00 00 00           call 0x200009
eb fe                    jmp .
55                       push rbp
48 89 e5                 mov rbp, rsp
50                       push rax
e8 00 00 00 00           call 0x200013
55                       push rbp
48 89 e5                 mov rbp, rsp
0f 0b                    ud2`, 0, emu.StopShutdown, true, []string{
			"#0  0000000000200017 <start+0x17>\n  #1  0000000000200013 <start+0x13>\n  #2  0000000000200007 <start+0x7>\nLast"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := program(t, Options{}, test.code)
			stop := r.m.Run(emu.Until{Instructions: test.limit})
			require.Equal(t, test.why, stop.Why, "%v", stop)
			require.Equal(t, test.bad, Bad(r.m, stop))
			text := PostMortem(r.m, stop, r.options.Symbols)
			for _, say := range test.says {
				require.Contains(t, text, say)
			}
			require.Equal(t, text, PostMortem(r.m, stop, r.options.Symbols), "it changes nothing")
		})
	}
}

func TestAPostMortemNeedsNoSymbols(t *testing.T) {
	r := program(t, Options{}, "0f 0b  ud2")
	require.Contains(t, PostMortem(r.m, r.m.Run(emu.Until{}), nil), "Instruction:\n  0000000000200000: 0f 0b  ud2\n")
}

func TestAPostMortemOfAMachineThatWentBack(t *testing.T) {
	r := program(t, Options{}, "0f 0b  ud2")
	start, err := r.m.Snapshot()
	require.NoError(t, err)
	r.m.Run(emu.Until{})
	require.NoError(t, r.m.Restore(start))
	text := PostMortem(r.m, emu.Stop{}, nil)
	require.Contains(t, text, "The guest stopped: nothing has ended it here; 0 instructions")
	require.NotContains(t, text, "Last blocks")
}

func TestAKernelPanicHasABacktraceWithSymbolsAndLines(t *testing.T) {
	r, table := linux(t, Options{}, "rdinit=/bin/crash")
	panicAt, ok := table.Address("panic")
	require.True(t, ok)
	r.m.Probe(panicAt, nil)
	stop := r.m.Run(emu.Until{})
	require.Equal(t, emu.StopProbe, stop.Why)
	text := PostMortem(r.m, stop, table)
	require.Regexp(t, `(?s)Backtrace:\n  #0  \w+ <panic>  kernel/panic.c:\d+\n  #1  \w+ <do_exit[.\w]*\+0x\w+>  kernel/exit.c:\d+\n`+
		`  #2  \w+ <__x64_sys_exit\+.*<do_syscall_64\+.*<entry_SYSCALL_64`, text)
}

func TestFlagsHaveTheirNames(t *testing.T) {
	require.Equal(t, "", Flags(x86.FlagFixed))
	require.Equal(t, "CF PF ZF IF IOPL=3", Flags(x86.FlagCF|x86.FlagPF|x86.FlagZF|x86.FlagIF|x86.FlagIOPL))
}
