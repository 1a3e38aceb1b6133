// SPDX-License-Identifier: GPL-2.0-or-later

package lockstep

import (
	"bytes"
	"context"
	"errors"
	"net"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/uklemu/uklemu/emu/gdb"
)

// ram is a target with memory and nothing else, behind our own GDB server.
type ram struct {
	memory [1 << 14]byte
	stop   gdb.Stop
}

func (m *ram) Registers() (gdb.Registers, error)      { return gdb.Registers{}, nil }
func (m *ram) SetRegisters(gdb.Registers) error       { return nil }
func (m *ram) Step(context.Context) (gdb.Stop, error) { return m.stop, nil }
func (m *ram) Continue(context.Context) (gdb.Stop, error) {
	return gdb.Stop{}, errors.New("this machine cannot go on")
}
func (m *ram) ReadMemory(address uint64, p []byte) (int, error) {
	if address > uint64(len(m.memory)) {
		return 0, errors.New("no such memory")
	}
	return copy(p, m.memory[address:]), nil
}
func (m *ram) WriteMemory(address uint64, p []byte) (int, error) {
	return copy(m.memory[address:], p), nil
}
func (m *ram) Monitor(_ context.Context, command string) (string, error) {
	return "it says " + command + "\n", nil
}

func connect(t *testing.T, target gdb.Target) *stub {
	t.Helper()
	here, there := net.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		gdb.ServeConn(t.Context(), there, target)
	}()
	s := newStub(here)
	t.Cleanup(func() { s.Close(); <-done })
	return s
}

func TestMemoryOfAnyLengthIsReadAndWritten(t *testing.T) {
	m := &ram{}
	s := connect(t, m)
	want := bytes.Repeat([]byte("lockstep"), 1000)
	require.NoError(t, s.writeMemory(0x101, want))
	require.Equal(t, want, m.memory[0x101:][:len(want)])
	got := make([]byte, len(want))
	require.NoError(t, s.readMemory(0x101, got))
	require.Equal(t, want, got)
	require.ErrorContains(t, s.readMemory(1<<20, got), "at 0x100000 cannot be read")
	require.ErrorContains(t, s.readMemory(1<<14-8, got), "cannot be read")
}

func TestStopsThatAreNoneAreErrors(t *testing.T) {
	m := &ram{}
	s := connect(t, m)
	require.NoError(t, s.resume("s"))
	require.ErrorContains(t, s.resume("c"), "this machine cannot go on")
	m.stop = gdb.Stop{Reason: gdb.StopInterrupt}
	require.ErrorContains(t, s.resume("s"), "signal 02")
	m.stop = gdb.Stop{Reason: gdb.StopExited, Code: 1}
	require.ErrorContains(t, s.resume("s"), `the machine ended: "W01"`)
}

func TestMonitorCommandsReturnTheirText(t *testing.T) {
	s := connect(t, &ram{})
	text, err := s.monitor("info pic")
	require.NoError(t, err)
	require.Equal(t, "it says info pic\n", text)
}
