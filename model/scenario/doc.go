// SPDX-License-Identifier: GPL-2.0-or-later

// Package scenario makes an application do things: system calls, accesses to
// memory, signals, with interrupts and faults where they hurt, so that there is
// something to see for package invariant.
//
// It reaches in as hardware or a debugger could: the application stands at the
// start of its main; a piece of code of ours, the board, is put there, and registers
// are set at instruction boundaries. From there on, the kernel does what it does.
package scenario
