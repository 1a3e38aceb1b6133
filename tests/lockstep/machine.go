// SPDX-License-Identifier: GPL-2.0-or-later

package lockstep

import "github.com/uklemu/uklemu/emu/gdb"

// Registers is what is compared at an instruction boundary.
type Registers = gdb.Registers

// Machine is one of the two sides.
type Machine interface {
	Registers() (Registers, error)
	SetRegisters(Registers) error

	// Step goes to the next instruction boundary: past one instruction, one
	// iteration of a REP instruction, or one delivery of an exception or
	// interrupt. A machine may take several iterations of a REP at a time.
	Step() error
	// RunTo executes at full speed until RIP is one of the addresses, and at
	// least one instruction.
	RunTo(addresses ...uint64) error

	// Physical memory, as a bus would see it.
	ReadPhysical(address uint64, p []byte) error
	WritePhysical(address uint64, p []byte) error

	Close() error
}
