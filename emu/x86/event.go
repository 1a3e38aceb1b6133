// SPDX-License-Identifier: GPL-2.0-or-later

package x86

// Kind is where an event comes from, in the words of SDM vol. 3A 7.3 and
// 7.4 and of the INT n page of vol. 2A.
type Kind uint8

const (
	// HardwareException is an exception that the CPU raised. State.RIP is
	// the faulting instruction for a fault, the next one for a trap.
	HardwareException Kind = iota
	// ExternalInterrupt is a maskable interrupt. Whether one may be taken
	// now, by IF and the interrupt shadow, is the caller's to decide.
	ExternalInterrupt
	// NMI is a non-maskable interrupt, vector 2 whatever Event.Vector says.
	NMI
	// SoftwareInterrupt is INT n; State.RIP is the instruction.
	SoftwareInterrupt
	// SoftwareException is INT3 or INTO; State.RIP is the instruction.
	SoftwareException
	// PrivilegedSoftwareException is INT1; State.RIP is the instruction.
	PrivilegedSoftwareException
)

// Event is something to be delivered through the IDT.
type Event struct {
	Kind Kind
	Exception
	// Length of the instruction, for the three software kinds: they save
	// the RIP after it.
	Length uint8
	// MidRepeat is set where the event arrived after an iteration of a
	// repeated string instruction that isn't its last: the saved RF is set
	// (SDM vol. 3B, "Instruction-Breakpoint Exception Condition").
	MidRepeat bool
}

// software says whether the program asked for the event, so that the gate's
// DPL is checked and EXT is clear in error codes.
func (ev *Event) software() bool {
	return ev.Kind == SoftwareInterrupt || ev.Kind == SoftwareException
}

// ext is the EXT bit of the error code of an exception during delivery (SDM
// vol. 3A 7.13): clear for INT n, INT3 and INTO only.
func (ev *Event) ext() uint32 {
	if ev.software() {
		return 0
	}
	return ErrorEXT
}

// class is the event's row in SDM vol. 3A, table 7-4; there INT n and
// interrupts are benign whatever the vector.
func (ev *Event) class() Class {
	if ev.Kind == HardwareException {
		return ev.Vector.Info().Class
	}
	return Benign
}

// savedRIP is what the frame's RIP is.
func (ev *Event) savedRIP(s *State) uint64 {
	switch ev.Kind {
	case SoftwareInterrupt, SoftwareException, PrivilegedSoftwareException:
		rip := s.RIP + uint64(ev.Length)
		if !s.Code64() {
			rip &= 0xffffffff
		}
		return rip
	}
	return s.RIP
}

// savedFlags is what the frame's RFLAGS is, after SDM vol. 3B,
// "Instruction-Breakpoint Exception Condition": RF is set by every fault but
// the #DB of an instruction breakpoint, and between the iterations of a
// repeated string instruction; it is clear in the frame of a software
// interrupt, as executing it cleared it; else it is what it was. By the
// letter that leaves #DF, an abort, as it was, and sets RF for general
// detect; Bochs has both the other way round.
func (ev *Event) savedFlags(s *State) uint64 {
	flags := s.RFLAGS | FlagFixed
	switch {
	case ev.MidRepeat:
		return flags | FlagRF
	case ev.Kind == ExternalInterrupt || ev.Kind == NMI:
		return flags
	case ev.Kind != HardwareException:
		return flags &^ FlagRF
	case ev.Vector == VectorDB && ev.DR6&DR6BD != 0:
		return flags | FlagRF // general detect: a fault, and no breakpoint
	case ev.Vector.Info().Type == Fault:
		return flags | FlagRF
	}
	return flags
}

// recognize makes the changes that come before delivery and stay even if it
// fails: CR2 of #PF (SDM vol. 3A 5.7), DR6 and DR7.GD of #DB (vol. 3B, "Debug
// Status Register (DR6)" and "Debug Control Register (DR7)"), the blocking of
// NMIs (vol. 3A 7.7.1).
func (ev *Event) recognize(s *State) {
	switch {
	case ev.Kind == NMI:
		s.NMIBlocked = true
	case ev.Kind != HardwareException:
	case ev.Vector == VectorPF:
		s.CR2 = ev.CR2
	case ev.Vector == VectorDB:
		s.DR[6] = ComposeDR6(s.DR[6], ev.DR6)
		s.DR[7] &^= DR7GD
	}
}

// Outcome says how a delivery ended.
type Outcome struct {
	// Shutdown is set when #DF could not be delivered (SDM vol. 3A 7.15,
	// "Interrupt 8"). Then the state is the one before, but for CR2, DR6,
	// DR7 and NMI blocking.
	Shutdown bool
	// Count is how many of Events are used.
	Count int
	// Events are all that happened, in order: what was to be delivered, each
	// exception on the way, the #DF that two of them became. Unless Shutdown
	// is set, the last one is the event whose handler was entered.
	Events [maxEvents]Event
}

// maxEvents is the longest chain: a benign event, a contributory fault in its
// delivery, a #PF in that one's, a fault in the #PF's, the #DF, and the fault
// that ends in shutdown.
const maxEvents = 6

// List is the used part of Events.
func (o *Outcome) List() []Event { return o.Events[:o.Count] }

// Last is the event whose handler was entered or, after a shutdown, the
// exception that could not be delivered any more.
func (o *Outcome) Last() Event {
	if o.Count == 0 {
		return Event{}
	}
	return o.Events[o.Count-1]
}

func (o *Outcome) add(ev Event) {
	if o.Count < len(o.Events) {
		o.Events[o.Count] = ev
		o.Count++
	}
}
