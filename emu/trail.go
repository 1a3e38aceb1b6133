// SPDX-License-Identifier: GPL-2.0-or-later

package emu

import (
	"github.com/uklemu/uklemu/emu/unicorn"
	"github.com/uklemu/uklemu/emu/x86"
)

// Trail is the stretches of code that were entered last, oldest first. The
// last one may not have been executed to its end. A [Machine.Restore] empties
// it.
func (m *Machine) Trail() []unicorn.Block {
	if m.body == nil {
		return nil
	}
	return m.cpu.Visited()
}

// CPU is the processor that the machine has.
func (m *Machine) CPU() x86.CPU {
	if m.body == nil {
		return x86.CPU{}
	}
	return m.config.CPU
}

// Halted says whether the CPU waits after a HLT.
func (m *Machine) Halted() bool { return m.body != nil && m.core.Halted }
