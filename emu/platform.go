// SPDX-License-Identifier: GPL-2.0-or-later

package emu

import (
	"fmt"
	"slices"
	"sync"
	"unsafe"
	"weak"

	"github.com/uklemu/uklemu/emu/device"
	"github.com/uklemu/uklemu/emu/x86"
)

// platform is the PC around the CPU: what there is and how it is wired.
type platform struct {
	m          *Machine // whose it is; nil while it is kept
	interrupts *device.Interrupts
	uart       *device.UART
	devices    []device.Device
	kinds      []deviceKind // of devices, one for one
	states     [][]byte     // the memory of their states
	marks      []weak.Pointer[byte]
	timed      []device.Timed
	ports      [1 << 16]device.Device
	due        device.Time // the earliest Next of all timed devices, if fresh
	fresh      bool

	typed struct {
		sync.Mutex
		bytes []byte
	}
	out [1]byte // a character on its way to the console
}

var _ device.Clock = (*platform)(nil)

// Now is the virtual time: the devices' clock, whosever machine they are in.
func (p *platform) Now() device.Time {
	if p.m == nil {
		return 0
	}
	return p.m.Now()
}

// halt ends the run of whosever machine it is.
func (p *platform) halt(s Stop) {
	if p.m != nil {
		p.m.halt(s)
	}
}

func (p *platform) transmit(b byte) {
	if p.m == nil || p.m.outside.Console == nil {
		return
	}
	p.out[0] = b
	if _, err := p.m.outside.Console.Write(p.out[:]); err != nil {
		p.halt(Stop{Why: StopError, Err: fmt.Errorf("writing the console: %w", err)})
	}
}

func newPlatform(config *Config) (*platform, error) {
	p := new(platform)
	var wiring device.InterruptsConfig
	if config.CPU.Features.Has(x86.APIC) {
		wiring.LAPIC = device.LAPICConfig{Clock: p, ID: config.CPU.APICID, TSC: device.Frequency(config.CPU.TSCHz),
			Bus: device.Frequency(x86.CrystalHz)}
		wiring.IOAPIC = true
	}
	p.interrupts = device.NewInterrupts(wiring)
	irq := p.interrupts.IRQ
	reboot := func() { p.halt(Stop{Why: StopReboot}) }
	p.uart = device.NewUART(device.UARTConfig{Clock: p, IRQ: irq(4), Transmit: p.transmit})
	pit := device.NewPIT(p, irq(0))
	p.devices = append(p.interrupts.Devices(),
		pit,
		device.NewPort61(p, pit),
		p.uart,
		device.NewRTC(device.RTCConfig{Clock: p, IRQ: irq(8), NMIMask: p.interrupts.MaskNMI, Start: config.RTC}),
		device.NewI8042(irq(1), nil, reboot),
		device.NewPort92(nil, reboot),
		device.NewResetControl(reboot),
		device.NewDebugExit(func(v uint32) { p.halt(Stop{Why: StopDebugExit, Code: v}) }),
	)
	if !config.NoACPI {
		p.devices = append(p.devices, device.NewACPIPM(device.ACPIPMConfig{Clock: p, SCI: irq(device.SCI),
			PowerOff: func() { p.halt(Stop{Why: StopPowerOff}) }}))
	}
	for _, make := range config.Devices {
		d, err := make(Board{Clock: p, IRQ: irq, NMI: p.interrupts.NMILine()})
		if err != nil {
			return nil, err
		}
		p.devices = append(p.devices, d)
	}
	return p, p.wire()
}

// restored is after the devices' states were set from outside. No wire needs
// to be driven again: each device's state has the levels of its inputs.
func (p *platform) restored(typed []byte) {
	p.typed.Lock()
	p.typed.bytes = append(p.typed.bytes[:0], typed...)
	p.typed.Unlock()
	p.touched()
}

// pendingInput is what was typed and the UART has had no room for.
func (p *platform) pendingInput() []byte {
	p.typed.Lock()
	defer p.typed.Unlock()
	return slices.Clone(p.typed.bytes)
}

// wire puts every device where it answers.
func (p *platform) wire() error {
	for _, d := range p.devices {
		k, state, err := kindOf(d)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(p.kinds, func(other deviceKind) bool { return other.name == k.name }) {
			return fmt.Errorf("device %s: there is another of that name; a snapshot finds a device's state by its name", k.name)
		}
		p.kinds, p.states = append(p.kinds, k), append(p.states, state)
		p.marks = append(p.marks, weak.Make(unsafe.SliceData(state)))
		if t, ok := d.(device.Timed); ok {
			p.timed = append(p.timed, t)
		}
		for _, r := range d.Regions() {
			if r.Space != device.Ports {
				continue // memory regions may move: looked up at each access
			}
			for port := r.Base; port < r.Base+r.Size; port++ {
				if port > 0xffff {
					return fmt.Errorf("device %s: port %#x is beyond the 64 KiB of I/O ports", d.Name(), port)
				}
				if other := p.ports[port]; other != nil {
					return fmt.Errorf("device %s: port %#x is taken by %s", d.Name(), port, other.Name())
				}
				p.ports[port] = d
			}
		}
	}
	return nil
}

// tables are ACPI's, as firmware would have left them.
func (p *platform) tables() (image []byte, rsdp uint64) {
	apic := p.m.config.CPU.Features.Has(x86.APIC)
	return device.Tables(device.ACPIBase, device.ACPIConfig{LAPIC: apic, IOAPIC: apic, LAPICID: p.m.config.CPU.APICID, COM1: true})
}

// next is when a device has something to do.
func (p *platform) next() device.Time {
	if !p.fresh {
		p.due = device.Never
		for _, t := range p.timed {
			p.due = min(p.due, t.Next())
		}
		p.fresh = true
	}
	return p.due
}

// touched says that a device may have changed its mind about when.
func (p *platform) touched() { p.fresh = false }

// advance does what is due, in order of time.
func (p *platform) advance(now device.Time) {
	for p.next() <= now {
		due := p.due
		for _, t := range p.timed {
			if t.Next() <= due {
				t.Advance(due)
			}
		}
		p.touched()
		p.feed()
		if p.next() <= due { // a device that is always due would hold the machine
			for _, t := range p.timed {
				t.Advance(now)
			}
			p.touched()
			return
		}
	}
}

// feed moves typed characters into the UART as far as there is room.
func (p *platform) feed() bool {
	p.typed.Lock()
	defer p.typed.Unlock()
	if len(p.typed.bytes) == 0 {
		return false
	}
	n := p.uart.Receive(p.typed.bytes[:min(len(p.typed.bytes), p.uart.Room())])
	p.typed.bytes = p.typed.bytes[n:]
	p.touched()
	return n > 0
}

// Type sends characters to the guest's first serial port, as it has room for
// them. It may be called from any goroutine.
func (m *Machine) Type(b []byte) {
	m.gate.Lock()
	defer m.gate.Unlock()
	if m.body == nil {
		return
	}
	m.pc.queue(b)
	m.cpu.Interrupt()
}

func (p *platform) queue(b []byte) {
	p.typed.Lock()
	defer p.typed.Unlock()
	p.typed.bytes = append(p.typed.bytes, b...)
}
