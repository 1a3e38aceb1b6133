// SPDX-License-Identifier: GPL-2.0-or-later

// Package debug puts a machine under a debugger: it is what gdb's server
// drives, forwards and backwards, and it says what can be said of a guest that
// has ended badly.
//
//	d := debug.New(debug.Options{})
//	machine, err := emu.New(d.Config(emu.Config{Console: os.Stdout}))
//	err = machine.Boot(image, options)
//	err = d.Attach(machine)
//	err = gdb.Serve(ctx, listener, d)
//
// A step is what [emu.Machine.Step] does: one instruction, one iteration of a
// repeated one, or the delivery of one exception or interrupt. So stepping an
// instruction that faults ends at the first instruction of the handler, and an
// interrupt that is due is a step of its own, as in QEMU.
//
// Backwards goes by snapshots and replay. A machine is deterministic, so that
// a [Position] and what came from outside until then (characters typed,
// registers and memory written by the debugger) name a state. Snapshots are
// taken at intervals and thinned with age.
package debug
