// SPDX-License-Identifier: GPL-2.0-or-later

package emu

import (
	"fmt"

	"github.com/uklemu/uklemu/emu/device"
	"github.com/uklemu/uklemu/emu/unicorn"
	"github.com/uklemu/uklemu/emu/x86"
)

// bus carries out an instruction that accesses physical memory which is not
// RAM. It runs twice: first to see what it reads, with ones for an answer,
// then, from the same state, with what the devices say; the writes of the
// second time go to the devices.
func (m *Machine) bus(exit unicorn.Exit) {
	if exit.Kind == unicorn.Fetch {
		m.halt(Stop{Why: StopError, Err: fmt.Errorf("the CPU executes at %#x, physical %#x, where there is no memory", exit.Address, exit.Physical)})
		return
	}
	before, count := m.state, m.cpu.Count()
	m.cpu.Answer(nil)
	first, records := m.assist()
	var answers []uint64
	for _, r := range records {
		if r.Kind == unicorn.Read && !m.isRAM(r.Physical) {
			answers = append(answers, m.readDevice(r.Physical, r.Size))
		}
	}
	if len(answers) > 0 {
		m.SetState(&before)
		m.cpu.SetCount(count)
		m.cpu.Answer(answers)
		first, records = m.assist()
	}
	for _, r := range records {
		if r.Kind == unicorn.Write && !m.isRAM(r.Physical) {
			m.writeDevice(r.Physical, r.Size, r.Value)
		}
	}
	m.finishAssist(first, records)
}

// assist executes one instruction, with accesses to refused pages let through
// and recorded.
func (m *Machine) assist() (unicorn.Exit, []unicorn.Record) {
	all := m.params.RAMOnly
	m.params.Assist, m.params.RAMOnly = true, false
	m.params.Limit, m.params.Window = unicorn.NoLimit, false
	m.cpu.FlushTLB()
	exit := m.enter()
	m.params.Assist, m.params.RAMOnly = false, all
	m.cpu.FlushTLB()
	return exit, m.cpu.Records()
}

// finishAssist goes on after an assisted instruction: it is done, or it ended
// in something else.
func (m *Machine) finishAssist(exit unicorn.Exit, records []unicorn.Record) {
	var bits uint64
	switch {
	case exit.Reason == unicorn.ExitException && exit.Vector == uint8(x86.VectorDB): // done, under the guest's TF
		bits = x86.DR6BS
	case exit.Reason != unicorn.ExitStep:
		m.handle(exit)
		return
	}
	m.traced = records
	if m.every.f != nil {
		m.cpu.SawStep()
	}
	bits |= m.matchData(records)
	if m.state.Shadow == x86.ShadowMOVSS {
		m.core.Pended |= bits
	} else {
		m.trap(bits)
	}
	m.reportWatches(records)
}

func (m *Machine) isRAM(at uint64) bool { return at < uint64(len(m.ram.Bytes())) }

func (m *Machine) readDevice(at uint64, size int) uint64 {
	v := ^uint64(0) >> (64 - 8*size)
	if d := m.pc.at(at); d != nil {
		v &= d.Read(device.Access{Space: device.Memory, Address: at, Size: size})
		m.pc.touched()
	}
	m.publish(Event{Kind: EventDevice, Address: at, Value: v, Size: size})
	return v
}

func (m *Machine) writeDevice(at uint64, size int, v uint64) {
	if d := m.pc.at(at); d != nil {
		d.Write(device.Access{Space: device.Memory, Address: at, Size: size}, v)
		m.pc.touched()
	}
	m.publish(Event{Kind: EventDevice, Address: at, Value: v, Write: true, Size: size})
}

// at finds the device at a physical address.
func (p *platform) at(address uint64) device.Device {
	for _, d := range p.devices {
		for _, r := range d.Regions() {
			if r.Space == device.Memory && address-r.Base < r.Size {
				return d
			}
		}
	}
	return nil
}

// The registers that have effects outside of the CPU: x86.Platform.

var _ x86.Platform = (*platform)(nil)

func (p *platform) TSC() uint64 { return uint64(p.m.Now()) + p.m.core.MSRs.TSCOffset }

func (p *platform) TSCDeadline() uint64 {
	if l := p.interrupts.LAPIC(); l != nil {
		return l.TSCDeadline()
	}
	return 0
}

func (p *platform) SetTSCDeadline(v uint64) {
	if l := p.interrupts.LAPIC(); l != nil {
		l.SetTSCDeadline(v)
		p.touched()
	}
}

func (p *platform) APICBase() uint64 {
	if l := p.interrupts.LAPIC(); l != nil {
		return l.Base()
	}
	return 0
}

func (p *platform) SetAPICBase(v uint64) {
	if l := p.interrupts.LAPIC(); l != nil {
		l.SetBase(v)
		p.touched()
	}
}

func (p *platform) taskPriority() uint8 {
	if l := p.interrupts.LAPIC(); l != nil {
		return l.CR8()
	}
	return uint8(p.m.state.CR8)
}

func (p *platform) setTaskPriority(v uint8) {
	if l := p.interrupts.LAPIC(); l != nil {
		l.SetCR8(v)
		p.touched()
	}
}
