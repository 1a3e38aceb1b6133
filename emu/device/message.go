// SPDX-License-Identifier: GPL-2.0-or-later

package device

// DeliveryMode is bits 10-8 of a local vector table entry, of the ICR and of
// a redirection table entry (SDM vol. 3A, APIC chapter, "Interrupt Command
// Register"; 82093AA, "DELMOD").
type DeliveryMode uint8

const (
	Fixed          DeliveryMode = 0
	LowestPriority DeliveryMode = 1
	DeliverSMI     DeliveryMode = 2
	DeliverNMI     DeliveryMode = 4
	DeliverINIT    DeliveryMode = 5
	DeliverStartUp DeliveryMode = 6
	DeliverExtINT  DeliveryMode = 7
)

// Message is an interrupt on its way to a local APIC.
type Message struct {
	Vector      uint8
	Mode        DeliveryMode
	Level       bool // level triggered
	Logical     bool // Destination is matched against LDR, else against the ID
	Destination uint8
}

// MessageSink takes an interrupt message and says whether anybody was meant
// and took it.
type MessageSink interface{ Deliver(m Message) bool }

// EOISink is told of the EOI of a level-triggered vector, as the IOAPIC is.
type EOISink interface{ EndOfInterrupt(vector uint8) }
