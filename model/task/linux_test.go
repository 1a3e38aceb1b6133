// SPDX-License-Identifier: GPL-2.0-or-later

package task_test

import (
	"os"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/corpus"
	"github.com/uklemu/uklemu/emu"
	"github.com/uklemu/uklemu/emu/boot"
	"github.com/uklemu/uklemu/emu/x86"
	"github.com/uklemu/uklemu/model/image"
	"github.com/uklemu/uklemu/model/task"
)

// guest is a kernel that "make guests" has built, booted once for all tests,
// up to a symbol.
type guest struct {
	name, until string
	once        sync.Once
	image       *image.Image
	at          *emu.Snapshot
	reader      *task.Reader
}

var (
	ukl   = &guest{name: "ukl-syscalls", until: "ukl_main"}
	stock = &guest{name: "stock", until: "__x64_sys_getppid"}
)

func (g *guest) boot(t testing.TB) {
	found, err := corpus.Find("guest:" + g.name)
	require.NoError(t, err)
	g.image, err = image.Open(found.Guest.Vmlinux)
	require.NoError(t, err)
	kernel, err := boot.Open(found.Guest.Vmlinux)
	require.NoError(t, err)
	initrd, err := os.ReadFile(found.Guest.Initrd)
	require.NoError(t, err)
	cpu, err := x86.ParseCPU("")
	require.NoError(t, err)
	m, err := emu.New(emu.Config{CPU: cpu})
	require.NoError(t, err)
	defer m.Close()
	require.NoError(t, m.Boot(kernel, boot.Options{Initrd: initrd, CommandLine: found.Guest.Append}))
	m.Probe(g.address(t, g.until), nil)
	require.Equal(t, emu.StopProbe, m.Run(emu.Until{Instructions: 4_000_000_000}).Why)
	g.at, err = m.Snapshot()
	require.NoError(t, err)
	g.reader = task.NewReader(g.image)
}

func (g *guest) address(t testing.TB, symbol string) uint64 {
	t.Helper()
	a, ok := g.image.Address(symbol)
	require.True(t, ok, symbol)
	return a
}

// start is a machine of the guest, standing at the symbol.
func (g *guest) start(t testing.TB) *emu.Machine {
	t.Helper()
	g.once.Do(func() { g.boot(t) })
	require.NotNil(t, g.at, "it did not boot")
	m, err := g.at.Start()
	require.NoError(t, err)
	t.Cleanup(m.Close)
	return m
}

// bound is far more than what a test waits for takes.
const bound = 4_000_000_000

func TestWhereTheApplicationsMainIs(t *testing.T) {
	m := ukl.start(t)
	x := ukl.reader.Read(m)
	require.Equal(t, "UKL", x.Name)
	require.Equal(t, x.PID, x.TGID)
	require.NotZero(t, x.MM)
	require.Equal(t, x.MM, x.ActiveMM)
	require.Equal(t, task.Tracking{Present: true, Value: task.InApplication}, x.Tracking)
	require.Equal(t, task.Application, x.Position.Mode)
	require.True(t, x.Position.Agree(), "%s", x.Position.Text())
	require.Equal(t, task.OnApplicationStack, x.Position.Stack.Kind)
	require.Equal(t, "ukl_main", x.Position.Symbol)
	require.Empty(t, x.Entries)
	require.Empty(t, x.Signals)
	require.True(t, x.FPU.InRegisters && x.FPU.Owner)
	require.Equal(t, x.Stack+0x4000, x.TopOfStack)
	require.Contains(t, x.Text(), `task "UKL" (process `)
}

// The application's registers at each call are those of the frame that
// do_syscall_64 gets.
func TestFramesOfSystemCalls(t *testing.T) {
	m := ukl.start(t)
	var before task.Registers
	m.Probe(ukl.address(t, "ukl_entry_SYSCALL_64"), func(m *emu.Machine) bool {
		s := m.State()
		before = task.Interrupted(&s)
		return false
	})
	calls := 0
	m.Probe(ukl.address(t, "do_syscall_64"), func(m *emu.Machine) bool {
		s := m.State()
		x := ukl.reader.Read(m)
		if x.Entries[len(x.Entries)-1].From != task.Application {
			return false // a program in CPL 3 beside it
		}
		require.Len(t, x.Entries, 1)
		e := x.Entries[0]
		require.Equal(t, "ukl_entry_SYSCALL_64", e.Name)
		require.Equal(t, image.UKLCall, e.Kind)
		require.Equal(t, s.GPR[x86.RDI], e.At, "do_syscall_64's argument")
		require.Equal(t, x.OutermostAt, e.At)
		require.True(t, e.Complete)

		want := before
		want.CS, want.SS, want.OrigAX, want.AX = task.UKLCS, task.KernelDS, before.AX, ^uint64(37) // -ENOSYS
		var back [8]byte
		_, err := m.ReadMemory(before.SP, back[:])
		require.NoError(t, err)
		for i, b := range back {
			want.IP = want.IP&^(0xff<<(8*i)) | uint64(b)<<(8*i)
		}
		want.SP += 8
		require.Equal(t, want, e.Registers)
		require.True(t, x.Position.Agree(), "%s", x.Position.Text())
		require.True(t, x.Restart.InCall)
		require.EqualValues(t, before.AX, x.Restart.Number)
		calls++
		return calls == 200
	})
	require.Equal(t, emu.StopProbe, m.Run(emu.Until{Instructions: bound}).Why)
}

// C functions of entries get their pt_regs in RDI. Each that isn't an NMI's is
// interrupted by one.
func TestFramesOfNestedEntries(t *testing.T) {
	m := ukl.start(t)
	depth := map[int]int{}
	var deepest []task.Entry
	for _, handler := range []string{"exc_page_fault", "sysvec_apic_timer_interrupt", "exc_int3", "exc_invalid_op", "exc_general_protection", "exc_nmi"} {
		name := "asm_" + handler
		m.Probe(ukl.address(t, handler), func(m *emu.Machine) bool {
			s := m.State()
			x := ukl.reader.Read(m)
			require.NotEmpty(t, x.Entries)
			e := x.Entries[0]
			require.Equal(t, name, e.Name)
			require.Equal(t, s.GPR[x86.RDI], e.At)
			require.True(t, e.Complete)
			if !x.KernelThread() {
				require.NotEqual(t, task.Kernel, x.Entries[len(x.Entries)-1].From, "%s", x.Text())
				require.Equal(t, x.OutermostAt, x.Entries[len(x.Entries)-1].At)
			}
			require.True(t, x.Position.Agree(), "%s", x.Position.Text())
			depth[len(x.Entries)]++
			if handler != "exc_nmi" {
				m.NMIAt(uint64(10 * len(depth)))
			}
			if len(x.Entries) > len(deepest) {
				deepest = x.Entries
			}
			return depth[2] >= 20 && depth[3] >= 10
		})
	}
	require.Equal(t, emu.StopProbe, m.Run(emu.Until{Instructions: bound}).Why, "%v", depth)
	for i, e := range deepest[1:] {
		require.NotEqual(t, deepest[i].At, e.At)
	}
}

// A stock kernel has neither the mark nor an application.
func TestProgramsOfAStockKernel(t *testing.T) {
	m := stock.start(t)
	x := stock.reader.Read(m)
	require.False(t, x.Tracking.Present)
	require.Equal(t, "init", x.Name)
	require.Equal(t, task.Kernel, x.Position.Mode)
	require.Len(t, x.Entries, 1)
	e := x.Entries[0]
	require.Equal(t, "entry_SYSCALL_64", e.Name)
	require.Equal(t, task.User, e.From)
	require.EqualValues(t, 110, x.Restart.Number, "getppid")
	require.EqualValues(t, task.UserCS, e.Registers.CS)
	require.Equal(t, e.Registers.IP, e.Registers.CX, "SYSCALL")

	s := m.State()
	for ; s.CPL() != 3; s = m.State() {
		require.Equal(t, emu.StopLimit, m.Step().Why)
		p := stock.reader.Position(m)
		require.True(t, p.Agree(), "%s", p.Text())
	}
	x = stock.reader.Read(m)
	require.Equal(t, task.User, x.Position.Mode)
	require.Equal(t, e.Registers.IP, s.RIP)
	require.Equal(t, e.Registers.SP, s.GPR[x86.RSP])
	require.Empty(t, x.Entries)
}

func BenchmarkTaskOfARealKernel(b *testing.B) {
	m := ukl.start(b)
	m.Probe(ukl.address(b, "do_syscall_64"), nil)
	require.Equal(b, emu.StopProbe, m.Run(emu.Until{Instructions: bound}).Why)
	b.Run("task", func(b *testing.B) {
		for b.Loop() {
			ukl.reader.Read(m)
		}
	})
	b.Run("position", func(b *testing.B) {
		for b.Loop() {
			ukl.reader.Position(m)
		}
	})
}
