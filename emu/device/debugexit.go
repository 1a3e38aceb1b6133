// SPDX-License-Identifier: GPL-2.0-or-later

package device

// DebugExitPort is where QEMU's isa-debug-exit is by convention.
const DebugExitPort = 0xf4

// DebugExit ends the run with a status when it is written to, as QEMU's
// isa-debug-exit does, four ports wide.
type DebugExit struct {
	state DebugExitState
	exit  func(value uint32)
}

// DebugExitState is all of a [DebugExit] that changes: nothing does.
type DebugExitState struct{}

func NewDebugExit(exit func(value uint32)) *DebugExit { return &DebugExit{exit: exit} }

func (d *DebugExit) Name() string      { return "debug-exit" }
func (d *DebugExit) State() any        { return &d.state }
func (d *DebugExit) Regions() []Region { return []Region{{Ports, DebugExitPort, 4}} }
func (d *DebugExit) Read(Access) uint64 {
	return 0
}

func (d *DebugExit) Write(a Access, value uint64) {
	if d.exit != nil {
		d.exit(uint32(truncate(value, a.Size)))
	}
}
