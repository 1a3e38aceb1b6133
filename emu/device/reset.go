// SPDX-License-Identifier: GPL-2.0-or-later

package device

// Port92 is system control port A of the PS/2: fast A20 and fast reset. The
// A20 gate is open when either this port or the keyboard controller opens it.
type Port92 struct {
	state Port92State
	a20   Line
	reset func()
}

// Port92State is all of a [Port92] that changes.
type Port92State struct {
	Control  uint8
	Keyboard bool // the keyboard controller's A20 output
}

const (
	port92Reset = 1 << 0
	port92A20   = 1 << 1
)

// NewPort92 has A20 enabled, as every boot protocol wants it.
func NewPort92(a20 Line, reset func()) *Port92 {
	return &Port92{state: Port92State{Control: port92A20, Keyboard: true}, a20: a20, reset: reset}
}

func (p *Port92) Name() string      { return "port92" }
func (p *Port92) State() any        { return &p.state }
func (p *Port92) Regions() []Region { return []Region{{Ports, 0x92, 1}} }

// KeyboardA20 is the line for the keyboard controller's output.
func (p *Port92) KeyboardA20(level bool) {
	p.state.Keyboard = level
	p.update()
}

func (p *Port92) update() { p.a20.set(p.state.Keyboard || p.state.Control&port92A20 != 0) }

func (p *Port92) Read(a Access) uint64 {
	if a.Address != 0x92 {
		return truncate(^uint64(0), a.Size)
	}
	return uint64(p.state.Control)
}

// Write resets the CPU when bit 0 goes from 0 to 1.
func (p *Port92) Write(a Access, value uint64) {
	if a.Address != 0x92 {
		return
	}
	rising := uint8(value) &^ p.state.Control & port92Reset
	p.state.Control = uint8(value) & (port92A20 | port92Reset)
	p.update()
	if rising != 0 && p.reset != nil {
		p.reset()
	}
}

// ResetControl is the PIIX's reset control register at port 0xcf9: bit 1 says
// hard or soft, and bit 2 going from 0 to 1 does it (PIIX4, "RC").
type ResetControl struct {
	state ResetControlState
	reset func()
}

// ResetControlState is all of a [ResetControl] that changes.
type ResetControlState struct{ Control uint8 }

const (
	// ResetPort and ResetValue are what ACPI's FADT tells to write where.
	ResetPort  = 0xcf9
	ResetValue = 0x06

	resetCPU      = 1 << 2
	resetWritable = 0x06
)

func NewResetControl(reset func()) *ResetControl { return &ResetControl{reset: reset} }

func (r *ResetControl) Name() string      { return "reset-control" }
func (r *ResetControl) State() any        { return &r.state }
func (r *ResetControl) Regions() []Region { return []Region{{Ports, ResetPort, 1}} }

func (r *ResetControl) Read(a Access) uint64 {
	if a.Address != ResetPort {
		return truncate(^uint64(0), a.Size)
	}
	return uint64(r.state.Control)
}

func (r *ResetControl) Write(a Access, value uint64) {
	if a.Address != ResetPort {
		return
	}
	rising := uint8(value) &^ r.state.Control & resetCPU
	r.state.Control = uint8(value) & resetWritable
	if rising != 0 && r.reset != nil {
		r.reset()
	}
}
