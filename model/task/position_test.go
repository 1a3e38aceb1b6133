// SPDX-License-Identifier: GPL-2.0-or-later

package task

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/emu/x86"
)

func TestMarkCodeAndStackAgreeOrSayHowNot(t *testing.T) {
	const onThread, onUser = top - 0x400, userStack + 0x100
	for _, test := range []struct {
		name     string
		mark     uint64
		rip, rsp uint64
		mode     Mode
		says     []string
	}{
		{"the application", 2, appText, onUser, Application, nil},
		{"the application on its alternate stack", 2, appText, altStack + 0x800, Application, nil},
		{"the application on a stack of its own", 2, appText, appData + 0x800, Application, nil},
		{"the application on one that is empty", 2, appText, appData + 0x1000, Application, nil},
		{"the kernel for it", 1, kernelText, onThread, Kernel, nil},
		{"the kernel in an interrupt", 1, kernelText, hardirq + 0x800, Kernel, nil},
		{"the kernel in an NMI", 1, kernelText, ist + 0x800, Kernel, nil},
		{"the kernel for another program", 0, kernelText, onThread, Kernel, nil},
		{"an entry, with the mark of the application", 2, call, onUser, Kernel, nil},
		{"an entry, on the kernel's stack", 1, call + 0x10, onThread, Kernel, nil},
		{"a return, with the mark of the application", 2, call + 0x70, onThread, Kernel, nil},
		{"an NMI that has not put the mark away", 2, noinstr, ist + 0x800, Kernel, nil},
		{"a return by RET", 2, ret, onUser, Application, nil},

		{"M-4, M-52: the mark is left at the application", 2, kernelText, onThread, Kernel,
			[]string{"the kernel's code runs, while ukl_thread is 2 (application)"}},
		{"M-5: the mark is left at the kernel", 1, appText, onUser, Application,
			[]string{"the application's code runs, while ukl_thread is 1 (kernel)"}},
		{"D-3: the mark is nobody's", 0, appText, onUser, Application,
			[]string{"the application's code runs, while ukl_thread is 0 (not UKL's)"}},
		{"the mark is damaged", 7, kernelText, onThread, Kernel, []string{"ukl_thread is 7, and has to be 0, 1 or 2"}},
		{"the stack was not switched on the way out", 2, appText, onThread, Application,
			[]string{"the application's code runs on the thread stack UKL (16)"}},
		{"the stack was not switched on the way in", 1, kernelText, onUser, Kernel,
			[]string{"the kernel's code runs on the application stack"}},
		{"M-20, M-49: neither", 2, kernelText, onUser, Kernel,
			[]string{"the kernel's code runs, while ukl_thread is 2 (application)", "the kernel's code runs on the application stack"}},
		{"a stack that is none", 2, appText, 0xffff_8880_0000_0000, Application,
			[]string{"the application's code runs with RSP 0xffff888000000000, which is on no stack"}},
		{"D-4: gone astray", 2, 3, onUser, Application, []string{"CPL 0 at 0x3, where nobody's code is"}},
		{"gone astray, unmarked", 0, 3, onUser, Kernel, []string{"CPL 0 at 0x3, where nobody's code is"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := newRig(t).at(test.rip, test.rsp)
			r.put(taskAt+80, test.mark)
			r.put(taskAt+88, altStack, 0x4000)
			p := ReaderOf(r.kernel).Position(r)
			require.Equal(t, test.says, p.Differences)
			require.Equal(t, test.says == nil, p.Agree())
			require.Equal(t, test.mode, p.Mode)
			require.Equal(t, p, r.read().Position)
		})
	}
}

func TestProgramsInCPL3HaveNoMark(t *testing.T) {
	r := newRig(t).at(0x40_0000, userStack)
	r.state.Seg[x86.CS].Selector = UserCS
	r.put(taskAt+80, 0)
	p := r.read().Position
	require.Equal(t, User, p.Mode)
	require.True(t, p.Agree())
	r.put(taskAt+80, InKernel)
	require.Equal(t, []string{"CPL 3, while ukl_thread is 1 (kernel)"}, r.read().Position.Differences)
}

func TestTasksWithoutAProgram(t *testing.T) {
	for _, test := range []struct {
		pid  uint64
		mode Mode
	}{{0, Idle}, {7, KernelThread}} {
		r := newRig(t).at(kernelText, top-0x400)
		r.put(taskAt+32, test.pid)
		r.put(taskAt+40, 0) // mm
		r.put(taskAt+56, flagKThread)
		r.put(taskAt+80, 0)
		x := r.read()
		require.Equal(t, test.mode, x.Position.Mode)
		require.True(t, x.Position.Agree())
		require.Zero(t, x.OutermostAt)
		r.put(taskAt+80, 1)
		require.Equal(t, []string{"a task without a program, while ukl_thread is 1 (kernel)"}, r.read().Position.Differences)
	}
}

// do_exit gives the mm back before it ends what is UKL's.
func TestTaskAtItsEndIsNoKernelThread(t *testing.T) {
	r := newRig(t).at(kernelText, top-0x400)
	r.put(taskAt+40, 0)
	x := r.read()
	require.Equal(t, Kernel, x.Position.Mode)
	require.True(t, x.Position.Agree())
	delete(r.fields, "task_struct.flags")
	require.Equal(t, KernelThread, r.read().Position.Mode, "nothing else can be said without the flags")
}

func TestKernelsWithoutTheMark(t *testing.T) {
	r := newRig(t).at(kernelText, top-0x400)
	delete(r.fields, "task_struct.ukl_thread")
	x := r.read()
	require.Equal(t, "none", x.Tracking.String())
	require.Equal(t, Undecided, x.Position.ByTracking)
	require.True(t, x.Position.Agree())

	r.fields["task_struct.in_user"] = 80 // the tree for 5.14
	require.Equal(t, Tracking{true, InKernel}, r.read().Tracking)
	r.unmarked = true // KML: it may have the field, and doesn't use it
	require.Equal(t, Tracking{}, r.read().Tracking)
}

func TestNoTaskYet(t *testing.T) {
	r := newRig(t).at(kernelText, 0x9000)
	r.put(kernelData, 0)
	x := r.read()
	require.Zero(t, x.Address)
	require.Equal(t, Kernel, x.Position.Mode)
	require.Contains(t, x.Text(), "no current task")
}
