// SPDX-License-Identifier: GPL-2.0-or-later

package sequence_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/corpus/sequence"
	"github.com/uklemu/uklemu/emu"
)

// each is a sequence, how it ends, and what its operations return.
var each = []struct {
	name, text string
	end        sequence.End
	results    map[int]uint64
}{
	{"calls", "r0 = getpid()\nkill(r0, 0)\nkill(r0+5, 0)\ngetpid() (by: syscall)\ncall(0xdeadbeef00000027, 0, 0, 0, 0, 0)\ncall(100000, 0, 0, 0, 0, 0)", sequence.Completed,
		map[int]uint64{1: 0, 2: errno(esrch), 5: errno(enosys)}},
	{"results in memory", "pipe(&heap)\nwrite(*heap+1, &app.rodata, 8)\nread(*heap, &app.bss, 8)\nwrite(4, &edge-4, 8)\nwrite(4, &cross-4, 8)", sequence.Completed,
		map[int]uint64{0: 0, 1: 8, 2: 8, 4: 8}},
	{"bad pointers", "pipe(&unmapped)\npipe(&readonly)\npipe(&noaccess)\npipe(&null)\npipe(&half.end)\npipe(&half.behind)\npipe(&noncanonical)\npipe(&upper)\npipe(&kernel.data)\npipe(&kernel.stack)\npipe(&kernel.direct)\npipe(&last)\npipe(&stack.guard-8)\npipe(&edge-4)\npipe(&edge-8)", sequence.Completed,
		map[int]uint64{0: errno(efault), 1: errno(efault), 2: errno(efault), 3: errno(efault), 4: errno(efault), 5: errno(efault), 6: errno(efault), 7: errno(efault), 8: errno(efault), 9: errno(efault), 10: errno(efault), 11: errno(efault), 12: errno(efault), 13: errno(efault), 14: 0}},
	{"memory", "store(&fresh, 7)\nload(&readonly)\nstore(&stack.fresh-8, 1)\nload(&app.bss)\nstore(&app.data, 1)", sequence.Completed, nil},
	{"a store to what can only be read kills", "store(&readonly, 1)", sequence.Ended, nil},
	{"so does going where no code is", "nops()\nexecute(&heap)", sequence.Ended, nil},
	{"stacks and flags", "stack(&stack.fresh+0x28)\nflags(DF|AC|NT)\npush() (irq: 1)\nstack(&stack.fresh-0x103)\ngetpid() (nmi: 7)\nflags(IOPL|CF)\nvector()", sequence.Completed, nil},
	{"a handler that returns", "handle(SIGUSR1, returns, 0, getpid)\nkill(self, SIGUSR1)\nnops()", sequence.Completed, map[int]uint64{1: 0}},
	{"nested", "handle(SIGUSR1, nested, SA_RESTART, sched_yield)\nkill(self, SIGUSR1)", sequence.Completed, map[int]uint64{1: 0}},
	{"a handler that stops", "handle(SIGUSR1, stops, 0, getpid)\nkill(self, SIGUSR1)\nkill(self, SIGUSR2) (irq: 3)\nreturn()", sequence.Ended, nil},
	{"and returns", "handle(SIGUSR1, stops, 0, getpid)\nkill(self, SIGUSR1)\nframe(r15, 0x18)\nframe(ax, 0x33)\nreturn()\ngetpid()", sequence.Completed, map[int]uint64{4: 0x33}},
	{"to nowhere", "handle(SIGUSR1, stops, 0, getpid)\nhandle(SIGSEGV, stops, 0, getpid)\nkill(self, SIGUSR1)\nframe(ip, &half.behind)\nreturn()\nnops()", sequence.Completed, nil},
	{"single steps", "handle(SIGTRAP, returns, 0, getpid)\nflags(TF)\nnops()\ngetpid()", sequence.Completed, nil},
	{"a breakpoint", "handle(SIGTRAP, returns, 0, getpid)\nnops() (db: 3)\ngetpid()", sequence.Completed, nil},
	{"INT3", "handle(SIGTRAP, returns, 0, getpid)\nint3()", sequence.Completed, nil},
	{"a thread", "thread(2)\nsched_yield()\nsched_yield()\nsched_yield()", sequence.Completed, nil},
	{"a child", "r0 = fork()\nsched_yield()\nwait4(r0, &heap, 0, &null)", sequence.Completed, nil},
	{"a page that is taken away", "store(&heap, 5)\nevict(&heap)\nwrite(*heap+4, &null, 0)\nstore(&heap, 1)", sequence.Completed, nil},
	{"segments", "arch_prctl(SET_FS, &heap)\narch_prctl(GET_FS, &heap)\narch_prctl(SET_GS, &heap)", sequence.Completed, map[int]uint64{0: 0, 1: 0, 2: 0}},
	{"nobody comes", "pause()", sequence.Lost, nil},
	{"the end", "exit_group(3)", sequence.Ended, nil},
}

func TestSequencesHappen(t *testing.T) {
	for _, guest := range []string{"builtin:mini", "builtin:mini,use_ret,ist_pf", "builtin:mini,same_stack", "guest:ukl-hello"} {
		t.Run(guest, func(t *testing.T) {
			r := newRig(t, guest)
			for _, c := range each {
				t.Run(c.name, func(t *testing.T) {
					r.t = t
					o := r.run(c.text)
					require.Equal(t, c.end, o.End, "behind %d operations: %v %d", o.Operations, o.Stop, o.Code)
					for i, want := range c.results {
						require.Equal(t, want, o.Results[i], "operation %d", i)
					}
					r.healthy(c.text)
				})
			}
		})
	}
}

// One sequence, one outcome, whatever was run before and on whichever machine.
func TestRunsAreTheSame(t *testing.T) {
	first, second := newRig(t, "builtin:mini"), newRig(t, "builtin:mini")
	var outcomes []sequence.Outcome
	for _, c := range each {
		outcomes = append(outcomes, *first.run(c.text))
	}
	for i := len(each) - 1; i >= 0; i-- {
		require.Equal(t, outcomes[i], *first.run(each[i].text), each[i].name)
		require.Equal(t, outcomes[i], *second.run(each[i].text), each[i].name)
	}
}

// Which calls there are, the kernel's table says: what its configuration leaves
// out has an entry that does nothing.
func TestTheKernelSaysWhatThereIs(t *testing.T) {
	for guest, want := range map[string]map[string]bool{
		"builtin:mini":    {"getpid": true, "madvise": false, "setitimer": true, "function": false, "getrandom": false},
		"guest:ukl-hello": {"getpid": true, "madvise": true, "pipe2": true, "function": false},
	} {
		k := newRig(t, guest).Kernel
		for name, has := range want {
			o, err := sequence.Make(name)
			require.NoError(t, err)
			require.Equal(t, has, k.Has(o.Code), "%s: %s", guest, name)
		}
	}
}

func TestPlacesAreWhereTheyShouldBe(t *testing.T) {
	r := newRig(t, "builtin:mini")
	m := r.driver.Machine
	for p, there := range map[sequence.Place]bool{sequence.Heap: true, sequence.Cross: true, sequence.Edge: false, sequence.Fresh: false, sequence.Unmapped: false,
		sequence.NoAccess: false, sequence.Stack: true, sequence.FreshStack: true, sequence.GuardStack: true, sequence.AppText: true, sequence.AppBSS: true, sequence.KernelText: true, sequence.KernelStack: true,
		sequence.Null: false, sequence.HalfBehind: false, sequence.DirectMap: true} {
		_, err := m.Translate(r.Where(p))
		require.Equal(t, there, err == nil, "%v", p)
	}
	_, err := m.Translate(r.Where(sequence.GuardStack) - 1)
	require.Error(t, err)
	require.NotEqual(t, emu.StopError, r.run("nops()").Stop)
}

// An ordinary program in CPL 3 has sequences too, and so has one that a kernel in
// whose ring it is does not look after.
func TestOtherKernelsHaveSequences(t *testing.T) {
	for _, guest := range []string{"builtin:mini,stock", "builtin:mini,kml", "guest:stock"} {
		t.Run(guest, func(t *testing.T) {
			r := newRig(t, guest)
			for _, text := range []string{
				"r0 = getpid()\nkill(r0, 0)\npipe(&heap)\nwrite(*heap+4, &app.rodata, 8)\npipe(&kernel.data)",
				"handle(SIGUSR1, nested, 0, getpid)\nflags(DF|AC)\nkill(self, SIGUSR1)\nstore(&heap, 1)",
			} {
				o := r.run(text)
				require.Equal(t, sequence.Completed, o.End, "%s: behind %d operations: %v", text, o.Operations, o.Stop)
				r.healthy(text)
			}
		})
	}
}
