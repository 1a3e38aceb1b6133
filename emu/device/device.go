// SPDX-License-Identifier: GPL-2.0-or-later

// Package device holds the hardware around the CPU, a file each. A device is
// a small state machine that knows its registers, a clock and the wires it
// pulls; it knows neither the machine nor the engine, and is tested alone, by
// register reads and writes. Another one is a type that implements [Device].
package device

import "math"

// Space is which bus an access is on.
type Space uint8

const (
	Ports  Space = iota // the 64 KiB of I/O ports
	Memory              // physical memory
)

// Region is a range of addresses that a device answers to.
type Region struct {
	Space Space
	Base  uint64
	Size  uint64 // in bytes
}

// Access is one read or write as the device sees it.
type Access struct {
	Space   Space
	Address uint64 // absolute, within one of the device's regions
	Size    int    // 1, 2, 4 or 8 bytes
}

// Device is a piece of hardware on a bus.
type Device interface {
	// Name is no other device's in the machine, and always the same.
	Name() string
	Regions() []Region
	// Read returns the value, in the low Size bytes.
	Read(a Access) uint64
	Write(a Access, value uint64)
	// State points at all that changes while the machine runs, always at the
	// same struct: of fixed-size fields (bools, integers and floats of a stated
	// size, arrays and structs of them; no int, slice, map, string or pointer).
	// A snapshot copies it; a snapshot's file has it under the device's name,
	// with the names and types of its fields, and is read only where these are
	// the same. Fields may be unexported. See [Checker] as well.
	State() any
}

// Timed is a device to which something happens by itself as time passes.
type Timed interface {
	Device
	// Next is when it next has something to do, or [Never].
	Next() Time
	// Advance does what is due at or before now. The machine calls it in
	// order of time.
	Advance(now Time)
}

// Time is virtual time in nanoseconds since the machine started.
type Time uint64

// Never is a time that does not come.
const Never Time = math.MaxUint64

// Clock tells the virtual time.
type Clock interface{ Now() Time }

// Line is a wire to an interrupt controller or the CPU; true is asserted.
// Setting it to the level it has already changes nothing.
type Line func(level bool)
