// SPDX-License-Identifier: GPL-2.0-or-later

package debug

import (
	"bytes"
	"context"
	"encoding/hex"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/emu"
	"github.com/uklemu/uklemu/emu/boot"
	"github.com/uklemu/uklemu/emu/gdb"
	"github.com/uklemu/uklemu/emu/symbols"
	"github.com/uklemu/uklemu/internal/testelf"
	"github.com/uklemu/uklemu/internal/testguest"
)

// Where the small programs are. All of the first GiB is mapped one to one;
// there is no IDT.
const (
	programAt = 0x200000
	dataAt    = 0x300000
)

// rig is a machine under the debugger, with what it has written.
type rig struct {
	*Machine
	t       testing.TB
	console bytes.Buffer
}

func newRig(t testing.TB, options Options, config emu.Config, image *boot.Image, with boot.Options) *rig {
	t.Helper()
	r := &rig{Machine: New(options), t: t}
	config.Console = &r.console
	m, err := emu.New(r.Config(config))
	require.NoError(t, err)
	t.Cleanup(m.Close)
	require.NoError(t, m.Boot(image, with))
	require.NoError(t, r.Attach(m))
	return r
}

// program is a machine at the start of a listing of code, as objdump prints
// it: bytes, two blanks, and the instruction for the reader.
func program(t testing.TB, options Options, text string) *rig {
	t.Helper()
	code := listing(t, text)
	file := testelf.Image{
		Entry:    programAt,
		Segments: []testelf.Segment{{Flags: 7, Virtual: programAt, Physical: programAt, Data: code}},
		Sections: []testelf.Section{{Name: ".text", Type: testelf.Progbits, Flags: testelf.Alloc | testelf.Exec, Address: programAt, Size: uint64(len(code))}},
		Symbols: []testelf.Symbol{
			{Name: "start", Info: testelf.Global | testelf.Function, Section: 1, Address: programAt, Size: uint64(len(code))},
		},
	}.Bytes()
	image, err := boot.Parse("program", bytes.NewReader(file), int64(len(file)))
	require.NoError(t, err)
	if options.Symbols == nil {
		options.Symbols, err = symbols.Load(image, image.Size())
		require.NoError(t, err)
	}
	return newRig(t, options, emu.Config{Memory: 8 << 20}, image, boot.Options{})
}

func listing(t testing.TB, text string) (code []byte) {
	t.Helper()
	for line := range strings.Lines(text) {
		digits, _, _ := strings.Cut(strings.TrimSpace(line), "  ")
		b, err := hex.DecodeString(strings.ReplaceAll(digits, " ", ""))
		require.NoError(t, err)
		code = append(code, b...)
	}
	return code
}

// linux is the stock guest in front of its first instruction.
func linux(t testing.TB, options Options, more string) (*rig, *symbols.Table) {
	t.Helper()
	image, err := boot.Open(testguest.Path(t, "stock", "vmlinux"))
	require.NoError(t, err)
	t.Cleanup(func() { image.Close() })
	table, err := symbols.Load(image, image.Size())
	require.NoError(t, err)
	options.Symbols = table
	r := newRig(t, options, emu.Config{}, image, boot.Options{
		Initrd:      testguest.Read(t, "stock", "tour.cpio"),
		CommandLine: "console=ttyS0 panic=-1 printk.time=0 " + more,
	})
	return r, table
}

func (r *rig) must(stop gdb.Stop, err error) gdb.Stop {
	r.t.Helper()
	require.NoError(r.t, err)
	return stop
}

func (r *rig) step() gdb.Stop     { r.t.Helper(); return r.must(r.Step(r.t.Context())) }
func (r *rig) stepBack() gdb.Stop { r.t.Helper(); return r.must(r.StepBack(r.t.Context())) }

// run goes on; a guest that gets lost does not hold the tests for ever.
func (r *rig) run() gdb.Stop {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), time.Minute)
	defer cancel()
	return r.must(r.Continue(ctx))
}

func (r *rig) runBack() gdb.Stop { r.t.Helper(); return r.must(r.ContinueBack(r.t.Context())) }

func (r *rig) registers() gdb.Registers {
	r.t.Helper()
	regs, err := r.Registers()
	require.NoError(r.t, err)
	return regs
}

// state is all that a debugger sees: registers and the page of data.
func (r *rig) state() (gdb.Registers, string) {
	r.t.Helper()
	page := make([]byte, 4096)
	_, err := r.ReadMemory(dataAt, page)
	require.NoError(r.t, err)
	return r.registers(), string(page)
}

func (r *rig) breakAt(address uint64) gdb.Breakpoint {
	r.t.Helper()
	b := gdb.Breakpoint{Kind: gdb.SoftwareBreakpoint, Address: address, Length: 1}
	require.NoError(r.t, r.SetBreakpoint(b))
	return b
}

func (r *rig) watch(kind gdb.Kind, address, length uint64) gdb.Breakpoint {
	r.t.Helper()
	b := gdb.Breakpoint{Kind: kind, Address: address, Length: length}
	require.NoError(r.t, r.SetBreakpoint(b))
	return b
}

// after calls f once, in the machine's goroutine, when the console says text.
func (r *rig) after(text string, f func()) func(emu.Event) {
	said := false
	return func(e emu.Event) {
		if !said && e.Kind == emu.EventPort && strings.Contains(r.console.String(), text) {
			said = true
			f()
		}
	}
}
