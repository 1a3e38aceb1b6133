// SPDX-License-Identifier: GPL-2.0-or-later

package device

// Acknowledger is what the CPU's interrupt acknowledge cycle asks for a
// vector: the 8259 pair, or [Interrupts] for the whole PC.
type Acknowledger interface {
	Pending() bool
	Acknowledge() (vector uint8, ok bool)
}

// set drives the wire, which may lead nowhere.
func (l Line) set(level bool) {
	if l != nil {
		l(level)
	}
}

// readBytes splits a read of an 8-bit device as the ISA bus does: one byte
// after the other, from the lowest address up.
func readBytes(a Access, read func(port uint64) uint8) uint64 {
	var value uint64
	for i := 0; i < a.Size && i < 8; i++ {
		value |= uint64(read(a.Address+uint64(i))) << (8 * i)
	}
	return value
}

// writeBytes is readBytes for a write.
func writeBytes(a Access, value uint64, write func(port uint64, value uint8)) {
	for i := 0; i < a.Size && i < 8; i++ {
		write(a.Address+uint64(i), uint8(value>>(8*i)))
	}
}

// truncate keeps the low size bytes of a value.
func truncate(value uint64, size int) uint64 {
	if size >= 8 {
		return value
	}
	return value & (1<<(8*size) - 1)
}
