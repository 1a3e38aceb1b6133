// SPDX-License-Identifier: GPL-2.0-or-later

package scenario

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"github.com/uklemu/uklemu/emu"
	"github.com/uklemu/uklemu/emu/x86"
	"github.com/uklemu/uklemu/model/event"
)

// own is what the application does by itself.
var own = []Scenario{
	{Name: "the application itself", Does: "its own code, from its beginning", Play: itself},
}

// itself runs a million instructions of the application that is linked into the
// kernel, or less if it ends before.
func itself(d *Driver) error {
	if err := d.Back(d.untouched); err != nil {
		return err
	}
	done := d.constructors()
	defer done()
	before := d.OnEvent
	defer func() { d.OnEvent = before }()
	d.OnEvent = func(e *event.Event) {
		if before != nil {
			before(e)
		}
		d.threadBlock(e)
	}
	for left := uint64(1_000_000); left > 0; {
		start := d.Machine.Instructions()
		stop := d.Machine.Run(emu.Until{Instructions: left})
		left -= min(left, d.Machine.Instructions()-start)
		if stop.Why != emu.StopProbe { // the ends of the board mean nothing here
			return nil
		}
	}
	return nil
}

// constructors counts the functions of the init array as they are called, and
// says in the end whether each was, once and in its turn. Those of an
// application whose main comes behind them have been called before.
func (d *Driver) constructors() (done func()) {
	start, _ := d.Image.Address("__init_array_start")
	end, ok := d.Image.Address("__init_array_end")
	if !ok || end <= start || end-start > pageSize {
		return func() {}
	}
	var array, called []uint64
	for at := start; at < end; at += 8 {
		f, err := d.Word(at)
		if err != nil || f == 0 {
			return func() {}
		}
		array = append(array, f)
	}
	for _, f := range array {
		d.Machine.Probe(f, func(*emu.Machine) bool {
			called = append(called, f)
			return false
		})
	}
	return func() {
		for _, f := range array {
			d.Machine.RemoveProbe(f)
		}
		if len(called) == 0 {
			return
		}
		d.Suite.Find("XT-9").That(fmt.Sprint(called) == fmt.Sprint(array), "the functions of the init array that were called", d.names(array), d.names(called))
	}
}

func (d *Driver) names(functions []uint64) string {
	var names []string
	for _, f := range functions {
		names = append(names, d.Image.Symbols.Name(f))
	}
	return fmt.Sprint(names)
}

// threadBlock looks at what the application has made FS base point to: its
// thread-local data ends there, behind it the part that is zero (System V ABI,
// ELF Handling for TLS, variant II).
func (d *Driver) threadBlock(e *event.Event) {
	const setFS = 0x1002
	x := e.Excursion
	if e.Kind != event.Resumed || !e.Machine || x == nil || x.By != event.ByCall || x.Number != sysArchPrctl || x.Entry.GPR[x86.RDI] != setFS {
		return
	}
	from, _ := d.Image.Address("__tls_data_start")
	to, _ := d.Image.Address("__tls_data_end")
	end, ok := d.Image.Address("__tls_bss_end")
	if !ok || to <= from || end < to || end-from > pageSize {
		return
	}
	const align = 8
	want, found := make([]byte, (end-from+align-1)&^(align-1)), make([]byte, (end-from+align-1)&^(align-1))
	d.Image.ReadMemory(from, want[:to-from])
	d.Machine.ReadMemory(e.FSBase-uint64(len(found)), found)
	report := d.Suite.Find("XT-3")
	if report.Holds(bytes.Equal(want, found)) {
		return
	}
	for i := range want {
		if want[i] != found[i] {
			i &^= 7
			report.Broke(fmt.Sprintf("thread-local storage at FS base-%#x", len(want)-i), binary.LittleEndian.Uint64(want[i:]), binary.LittleEndian.Uint64(found[i:]))
			return
		}
	}
}
