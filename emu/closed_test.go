// SPDX-License-Identifier: GPL-2.0-or-later

package emu_test

import (
	"bytes"
	"reflect"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/emu"
	"github.com/uklemu/uklemu/emu/unicorn"
	"github.com/uklemu/uklemu/emu/x86"
)

// callEverything calls every method of a machine, with arguments that do no
// harm to a closed one and would be noticed on an open one.
func callEverything(t *testing.T, m *emu.Machine, s *emu.Snapshot) {
	t.Helper()
	state := x86.State{RIP: 0x1234}
	arguments := map[string][]any{
		"Boot":          {smallImage(t, 0x90), nil},
		"Cover":         {[]emu.Range{{Begin: 0, Size: ^uint64(0)}}, 64},
		"Edges":         {func([]byte) {}},
		"Inject":        {emu.Boundary{}, emu.Injection{NMI: true}},
		"InterruptAt":   {uint64(0), x86.Vector(3)},
		"Observe":       {func(emu.Event) { t.Error("an observer of a closed machine") }},
		"ObserveFills":  {true},
		"Probe":         {uint64(kernelCode), func(*emu.Machine) bool { t.Error("a probe of a closed machine"); return true }},
		"ProbeRange":    {emu.Range{Begin: kernelCode, Size: 0x1000}, func(*emu.Machine) bool { return true }},
		"ReadMemory":    {uint64(kernelCode), make([]byte, 1)},
		"ReadPhysical":  {uint64(codeAt), make([]byte, 1)},
		"Record":        {uint64(0), ^uint64(0), 64},
		"Restore":       {s},
		"Run":           {emu.Until{Instructions: 5}},
		"SetState":      {&state},
		"Trace":         {uint64(1), func(*emu.Traced) bool { return true }},
		"Translate":     {uint64(kernelCode)},
		"Type":          {[]byte("x")},
		"Watch":         {emu.Watch{Address: kernelData, Size: 8, Read: true, Write: true}},
		"WriteMemory":   {uint64(kernelCode), []byte{0xf4}},
		"WritePhysical": {uint64(codeAt), []byte{0xf4}},
	}
	v := reflect.ValueOf(m)
	for i := range v.NumMethod() {
		name, f := v.Type().Method(i).Name, v.Method(i)
		in := make([]reflect.Value, f.Type().NumIn())
		for n := range in {
			in[n] = reflect.Zero(f.Type().In(n))
			if given := arguments[name]; n < len(given) && given[n] != nil {
				in[n] = reflect.ValueOf(given[n])
			} else if in[n].Kind() == reflect.Pointer {
				in[n] = reflect.New(in[n].Type().Elem())
			}
		}
		var out []reflect.Value
		require.NotPanics(t, func() { out = f.Call(in) }, name)
		for _, o := range out {
			switch o := o.Interface().(type) {
			case error:
				require.ErrorIs(t, o, emu.ErrClosed, name)
			case emu.Stop:
				require.Equal(t, emu.Stop{Why: emu.StopError, Err: emu.ErrClosed}, o, name)
			case func():
				if o != nil {
					require.NotPanics(t, o, name)
				}
			}
		}
		if last := f.Type().NumOut() - 1; last >= 0 && f.Type().Out(last) == reflect.TypeFor[error]() {
			require.False(t, out[last].IsNil(), "%s gives no error", name)
		}
	}
}

// A machine that is made anew and one from a snapshot: after Close they are
// closed, whatever is called and however often.
func TestClosedMachineAnswersThatItIs(t *testing.T) {
	r := scattering(t)
	s := snapshot(t, r.Machine)
	started, err := s.Start()
	require.NoError(t, err)
	for name, m := range map[string]*emu.Machine{"made": r.Machine, "started": started} {
		t.Run(name, func(t *testing.T) {
			m.Close()
			m.Close()
			callEverything(t, m, s)
			callEverything(t, m, s)
			require.Zero(t, m.State())
			require.Zero(t, m.FPU())
			require.Zero(t, m.Instructions())
			require.Zero(t, m.Now())
			require.Nil(t, m.Engine())
		})
	}
}

// What is done to a closed machine does nothing to the one that has its memory
// and its engine by then, nor does what its probes and watches returned.
func TestClosedMachineIsNotTheNext(t *testing.T) {
	r := scattering(t)
	s := snapshot(t, r.Machine)
	r.on(1000)
	want := wholeOf(t, r.Machine)

	first, err := s.Start()
	require.NoError(t, err)
	removeRange, err := first.ProbeRange(emu.Range{Begin: kernelCode, Size: 4}, nil)
	require.NoError(t, err)
	removeWatch, err := first.Watch(emu.Watch{Address: dataAt, Size: 8, Physical: true, Write: true})
	require.NoError(t, err)
	cancel := first.Inject(emu.Boundary{Address: kernelCode + 4}, emu.Injection{NMI: true})
	require.NoError(t, first.Cover([]emu.Range{{Begin: kernelCode, Size: 64}}, 64))
	first.Close()

	second, err := s.Start()
	require.NoError(t, err)
	defer second.Close()
	stops := 0
	_, err = second.ProbeRange(emu.Range{Begin: kernelCode, Size: 1}, func(*emu.Machine) bool { stops++; return false })
	require.NoError(t, err)
	removeRange()
	removeWatch()
	cancel()
	callEverything(t, first, s)
	first.Close()
	second.Run(emu.Until{Instructions: 500})
	callEverything(t, first, s)
	second.Run(emu.Until{Instructions: 500})
	requireSame(t, want, wholeOf(t, second))
	require.Equal(t, 1000/8, stops)
}

// Interrupt and Type may come from another goroutine at any time, while the
// machine is closed and its body is another's: they do nothing then.
func TestInterruptAndTypeOfAClosedMachine(t *testing.T) {
	r := scattering(t)
	s := snapshot(t, r.Machine)
	r.on(2000)
	want := wholeOf(t, r.Machine)
	var others sync.WaitGroup
	defer others.Wait()
	for range 50 {
		m, err := s.Start()
		require.NoError(t, err)
		others.Go(func() {
			for range 20 {
				m.Interrupt()
				m.Type([]byte("x"))
			}
		})
		m.Close()
		next, err := s.Start()
		require.NoError(t, err)
		require.Equal(t, emu.StopLimit, next.Run(emu.Until{Instructions: 2000}).Why)
		requireSame(t, want, wholeOf(t, next))
		next.Close()
	}
}

// Close from within a run ends it; the machine is closed when that has come
// back.
func TestCloseFromWithinARun(t *testing.T) {
	r := scattering(t)
	s := snapshot(t, r.Machine)
	for name, set := range map[string]func(m *emu.Machine) error{
		"a probe": func(m *emu.Machine) error {
			m.Probe(kernelCode, func(m *emu.Machine) bool { m.Close(); return false })
			return nil
		},
		"a watch": func(m *emu.Machine) error {
			_, err := m.Watch(emu.Watch{Address: dataAt, Size: 1 << 18, Physical: true, Write: true,
				Do: func(m *emu.Machine, _ unicorn.Record) bool { m.Close(); m.Close(); return false }})
			return err
		},
		"an observer": func(m *emu.Machine) error {
			m.ObserveFills(true)
			m.Observe(func(emu.Event) { m.Close() })
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			for _, run := range []func(*emu.Machine) emu.Stop{
				func(m *emu.Machine) emu.Stop { return m.Run(emu.Until{Instructions: 1000}) },
				func(m *emu.Machine) emu.Stop { return m.Trace(1000, func(*emu.Traced) bool { return true }) },
			} {
				m, err := s.Start()
				require.NoError(t, err)
				require.NoError(t, set(m))
				stop := run(m)
				require.Equal(t, emu.StopError, stop.Why)
				require.ErrorIs(t, stop.Err, emu.ErrClosed)
				callEverything(t, m, s)
			}
		})
	}
}

// Coverage's map is shown while there is one.
func TestEdgesAreShownWhileThereIsCoverage(t *testing.T) {
	r := scattering(t)
	require.False(t, r.Edges(func([]byte) { t.Error("without coverage") }))
	require.NoError(t, r.Cover([]emu.Range{{Begin: kernelCode, Size: 64}}, 64))
	r.on(100)
	require.True(t, r.Edges(func(edges []byte) {
		require.NotEqual(t, make([]byte, 64), edges)
		clear(edges)
	}))
	require.True(t, r.Edges(func(edges []byte) { require.True(t, bytes.Equal(make([]byte, 64), edges)) }))
	require.Error(t, r.Cover(nil, 3))
	require.True(t, r.Edges(func(edges []byte) {
		require.Len(t, edges, 64)
		r.Close() // not before this returns
		edges[0]++
	}))
	require.False(t, r.Edges(func([]byte) { t.Error("of a closed machine") }))
}
