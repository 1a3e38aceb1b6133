// SPDX-License-Identifier: GPL-2.0-or-later

package emu

import "github.com/uklemu/uklemu/emu/unicorn"

// FPU is the x87 and SSE state.
func (m *Machine) FPU() unicorn.FPU {
	if m.body == nil {
		return unicorn.FPU{}
	}
	m.give()
	return m.cpu.FPU()
}

// SetFPU replaces it.
func (m *Machine) SetFPU(f *unicorn.FPU) {
	if m.body == nil {
		return
	}
	m.give()
	m.cpu.SetFPU(f)
}
