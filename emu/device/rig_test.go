// SPDX-License-Identifier: GPL-2.0-or-later

package device_test

import (
	"github.com/uklemu/uklemu/emu/device"
)

const (
	microsecond device.Time = 1_000
	millisecond device.Time = 1_000_000
	second      device.Time = 1_000_000_000
)

// fakeClock is a clock that a test turns by hand.
type fakeClock struct{ now device.Time }

func (c *fakeClock) Now() device.Time { return c.now }

// run lets time pass up to a point as the machine does: each device is
// advanced when it asks to be, in order of time.
func (c *fakeClock) run(until device.Time, devices ...device.Timed) {
	for {
		var first device.Timed
		at := until
		for _, d := range devices {
			if next := d.Next(); next <= at {
				first, at = d, next
			}
		}
		if first == nil {
			break
		}
		c.now = max(c.now, at)
		before := first.Next()
		first.Advance(c.now)
		if first.Next() == before {
			break // still due: not a machine's clock but a stuck device
		}
	}
	c.now = until
	for _, d := range devices {
		d.Advance(until)
	}
}

// wire is the far end of a line.
type wire struct {
	level  bool
	rises  int
	clock  *fakeClock
	rising []device.Time // when, if there is a clock
}

func (w *wire) line() device.Line {
	return func(level bool) {
		if level && !w.level {
			w.rises++
			if w.clock != nil {
				w.rising = append(w.rising, w.clock.now)
			}
		}
		w.level = level
	}
}

func in8(d device.Device, port uint64) uint8 {
	return uint8(d.Read(device.Access{Space: device.Ports, Address: port, Size: 1}))
}

func out8(d device.Device, port uint64, values ...uint8) {
	for _, v := range values {
		d.Write(device.Access{Space: device.Ports, Address: port, Size: 1}, uint64(v))
	}
}

func in16(d device.Device, port uint64) uint16 {
	return uint16(d.Read(device.Access{Space: device.Ports, Address: port, Size: 2}))
}

func out16(d device.Device, port uint64, value uint16) {
	d.Write(device.Access{Space: device.Ports, Address: port, Size: 2}, uint64(value))
}

func in32(d device.Device, port uint64) uint32 {
	return uint32(d.Read(device.Access{Space: device.Ports, Address: port, Size: 4}))
}

func load32(d device.Device, address uint64) uint32 {
	return uint32(d.Read(device.Access{Space: device.Memory, Address: address, Size: 4}))
}

func store32(d device.Device, address uint64, value uint32) {
	d.Write(device.Access{Space: device.Memory, Address: address, Size: 4}, uint64(value))
}
