// SPDX-License-Identifier: GPL-2.0-or-later

// Package emu is an x86-64 machine: a CPU that follows the Intel SDM, its MMU,
// exceptions and interrupts, and the devices of a PC, enough for an unmodified
// Linux.
//
//	machine, err := emu.New(emu.Config{Memory: 256 << 20, Console: os.Stdout})
//	defer machine.Close()
//	err = machine.Boot(image, boot.Options{CommandLine: "console=ttyS0"})
//	stop := machine.Run(emu.Until{})
//
// A machine runs until it comes back with a [Stop] that says why. Time is what
// was executed: one instruction is one nanosecond, a HLT skips to the next
// event. The same image and the same input give the same run, to the bit.
package emu
