// SPDX-License-Identifier: GPL-2.0-or-later

// Package lockstep runs the same guest on two machines that know nothing of
// each other and says where they part: the emulator, and QEMU's TCG behind
// its GDB server.
//
// What they run is made here, from a seed: a multiboot kernel of thousands of
// short cases at CPL 0 and 3, each a few instructions and the exceptions that
// they cause. There are two ways to compare:
//
//   - [CompareLogs]: the guest runs at full speed and writes every event, the
//     frame, CR2, DR6 and all registers to a log in its memory. That is the
//     way to hundreds of thousands of exceptions.
//   - [Compare]: both machines are stepped from case to case, and all registers
//     compared at every instruction boundary.
//
// A difference that is QEMU's fault is listed in known.go with the manual's
// word on it.
package lockstep
