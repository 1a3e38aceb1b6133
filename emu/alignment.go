// SPDX-License-Identifier: GPL-2.0-or-later

package emu

import "github.com/uklemu/uklemu/emu/x86"

// checksAlignment says whether data that is not aligned raises #AC here (SDM
// vol. 3A 7.15, "Interrupt 17").
func (m *Machine) checksAlignment() bool {
	return m.state.RFLAGS&x86.FlagAC != 0 && m.state.CR0&x86.CR0AM != 0 && m.state.CPL() == 3
}
