// SPDX-License-Identifier: GPL-2.0-or-later

package emu

import (
	"slices"

	"github.com/uklemu/uklemu/emu/unicorn"
	"github.com/uklemu/uklemu/emu/x86"
)

// EventKind is what happened.
type EventKind uint8

const (
	_              EventKind = iota
	EventException           // on its way through the IDT
	EventInterrupt           // external
	EventNMI
	EventSoftware // INT n, INT3, INTO, INT1
	EventShutdown // a triple fault
	EventIRET     // executed, or tried
	EventSYSCALL  // SYSCALL or SYSENTER
	EventSYSRET   // SYSRET or SYSEXIT
	EventControl  // a write to a control register: Number, Value
	EventDebug    // a write to a debug register: Number, Value
	EventMSR      // WRMSR: Number, Value
	EventPort     // port I/O: Number, Value, Write
	EventDevice   // access to a device's memory: Address, Value, Write
	EventHLT
	EventFill // a TLB miss that the page tables answered: Address, Value (physical), Write, Fetch; see ObserveFills
)

func eventOf(k x86.Kind) EventKind {
	switch k {
	case x86.ExternalInterrupt:
		return EventInterrupt
	case x86.NMI:
		return EventNMI
	case x86.HardwareException:
		return EventException
	}
	return EventSoftware
}

var eventNames = [...]string{"", "exception", "interrupt", "nmi", "software interrupt", "shutdown", "iret", "syscall",
	"sysret", "control register", "debug register", "msr", "port", "device", "hlt",
	"tlb fill"}

func (k EventKind) String() string { return eventNames[k] }

// Event is something the machine did beside executing plain instructions. An
// observer gets it after it happened, with the machine at the next boundary.
type Event struct {
	Kind      EventKind
	Count     uint64 // instructions retired before
	RIP       uint64 // of the instruction, or where the event arrived
	Vector    x86.Vector
	ErrorCode uint32
	Address   uint64 // CR2 of a #PF; of a device's register
	Number    uint32 // of a register, MSR or port
	Value     uint64
	Write     bool
	Fetch     bool
	Size      int // in bytes, of port and device accesses
}

// Observe has f called for every event from now on, in the goroutine that runs
// the machine. Without observers, events cost nothing. The function it
// returns ends it.
func (m *Machine) Observe(f func(Event)) (stop func()) {
	if m.body == nil {
		return func() {}
	}
	p := &f
	m.hooks = append(m.hooks, p)
	return func() { // a new slice: the old one may be in use
		if m.body == nil {
			return
		}
		m.hooks = slices.DeleteFunc(slices.Clone(m.hooks), func(other *func(Event)) bool { return other == p })
	}
}

// ObserveFills has TLB misses among the events, or ends it. They are told when
// the engine comes back, before what it came back for; of more than 4,096 in
// one go only the last are. A miss is where the engine asks the page tables;
// how often that is depends on its TLB, not on the guest alone.
func (m *Machine) ObserveFills(on bool) {
	if m.body == nil {
		return
	}
	m.fills = on
	m.cpu.LogFills(on)
}

func (m *Machine) publishFills() {
	for _, f := range m.cpu.TakeFills() {
		m.send(Event{Kind: EventFill, Count: f.Count, RIP: m.state.RIP, Address: f.Linear, Value: f.Physical,
			Write: f.Kind == unicorn.Write, Fetch: f.Kind == unicorn.Fetch})
	}
}

func (m *Machine) publish(e Event) {
	if len(m.hooks) == 0 {
		return
	}
	e.Count = m.cpu.Count()
	if e.RIP == 0 {
		e.RIP = m.state.RIP
	}
	m.send(e)
}

func (m *Machine) send(e Event) {
	if len(m.hooks) > 0 {
		m.tell()
	}
	for _, f := range m.hooks {
		(*f)(e)
	}
}
