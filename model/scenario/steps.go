// SPDX-License-Identifier: GPL-2.0-or-later

package scenario

import (
	"github.com/uklemu/uklemu/emu"
	"github.com/uklemu/uklemu/emu/x86"
	"github.com/uklemu/uklemu/model/image"
)

// Go is Do for those who keep the state themselves: the application goes on with
// all of it, from the label. It allocates nothing.
func (d *Driver) Go(at Label, state *x86.State) (x86.State, error) {
	state.RIP = d.Board.At(at)
	d.Machine.SetState(state)
	return d.finish(Step{At: at})
}

// GoChanged is Go with a change of the state so many instructions further on, if the
// application is not back by then: what a debugger could do there. One instruction
// later it is taken back.
func (d *Driver) GoChanged(at Label, state *x86.State, after uint64, change, back func(*x86.State)) (x86.State, error) {
	state.RIP = d.Board.At(at)
	d.Machine.SetState(state)
	if after > 0 {
		if stop := d.Machine.Run(emu.Until{Instructions: after}); stop.Why != emu.StopLimit {
			return d.arrive(at, stop)
		}
	}
	for _, f := range []func(*x86.State){change, back} {
		now := d.Machine.State()
		f(&now)
		d.Machine.SetState(&now)
		if stop := d.Machine.Run(emu.Until{Instructions: 1}); stop.Why != emu.StopLimit {
			return d.arrive(at, stop)
		}
	}
	return d.finish(Step{At: at})
}

// OnClone says what each new task does before it exits.
func (d *Driver) OnClone(steps []Step) { d.newcomers = steps }

// Away says whether another task than the application's first is running.
func (d *Driver) Away() bool { return d.stream.Current() != d.task }

// Harmless is the vector of an interrupt whose handler does little and asks no
// device.
func Harmless(img *image.Image) (x86.Vector, error) { return harmless(img) }
