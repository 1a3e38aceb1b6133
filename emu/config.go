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
	// Devices are more hardware, made when the machine is wired: for every
	// machine anew, those that are started from its snapshots included, which
	// may run on other goroutines. What a device's State points at is copied
	// from one to the other.
	Devices []func(Board) (device.Device, error)
}

// Outside is what a machine that is started from a snapshot has for itself:
// what [Config] says of it for one that is made anew. The zero value is a
// machine that nobody listens to.
type Outside struct {
	Console io.Writer
	// Input is what is typed, after what the snapshot has that was typed and
	// not read yet.
	Input []byte
	Idle  func(delay device.Time) bool
	// Seed, if not 0, is what RDRAND and RDSEED draw from here on; with 0 they
	// go on as in the snapshot.
	Seed uint64
	// Devices, if not nil, are made instead of those in the Config of the
	// snapshot's machine: as many, with the same names and states. A machine
	// with devices of its own is not kept by [Machine.Close].
	Devices []func(Board) (device.Device, error)
}

// outside takes what is a single machine's out of a configuration.
func (c *Config) outside() Outside {
	o := Outside{Console: c.Console, Input: c.Input, Idle: c.Idle, Seed: c.Seed}
	c.Console, c.Input, c.Idle, c.Seed = nil, nil, nil, 0
	return o
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
