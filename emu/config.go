// SPDX-License-Identifier: GPL-2.0-or-later

package emu

import (
	"fmt"
	"io"
	"time"

	"github.com/uklemu/uklemu/emu/device"
	"github.com/uklemu/uklemu/emu/unicorn"
	"github.com/uklemu/uklemu/emu/x86"
)

// DefaultMemory is the RAM of a machine whose [Config] names none, in bytes.
const DefaultMemory = 256 << 20

// Config says what machine to make. The zero value is a PC with 256 MiB.
type Config struct {
	Memory  uint64    // in bytes, a multiple of 4 KiB, at most 3 GiB; 0 is DefaultMemory
	CPU     x86.CPU   // the zero value is x86.DefaultCPU
	Console io.Writer // gets what the guest writes to its first serial port; may be nil
	// Input is what is typed on that port; more comes by [Machine.Type].
	Input []byte
	// RTC is the date that the real-time clock starts with; the zero value is
	// 2026-01-01 00:00:00 UTC.
	RTC time.Time
	// NoACPI leaves the ACPI tables and registers out.
	NoACPI bool
	// Seed is what RDRAND and RDSEED draw from, where the CPU has them.
	Seed uint64
	// Idle is called when the guest waits for an interrupt and nothing is due
	// before the delay has passed in its time (device.Never: ever). It may
	// wait, as long as it likes, and returns true if there is new input. With
	// nil, time skips ahead.
	Idle func(delay device.Time) bool
	// Devices are more hardware, made when the machine is wired.
	Devices []func(Board) (device.Device, error)
}

// Board is what a device of the user's is wired to.
type Board struct {
	Clock device.Clock
	IRQ   func(n int) device.Line // 0 to 23
	NMI   device.Line
}

func (c *Config) complete() error {
	if c.Memory == 0 {
		c.Memory = DefaultMemory
	}
	if c.Memory%unicorn.PageSize != 0 || c.Memory > unicorn.MaxRAM || c.Memory < 1<<20 {
		return fmt.Errorf("memory of %d bytes: want a multiple of 4096 between 1 MiB and 3 GiB", c.Memory)
	}
	if c.CPU.Features == 0 {
		c.CPU = x86.DefaultCPU()
	}
	return nil
}
