// SPDX-License-Identifier: GPL-2.0-or-later

// Package cost measures what a system call costs by UKL's entry, against the
// SYSCALL of the same kernel in CPL 3: in instructions, which are the same in the
// emulator and under QEMU, and in time in each of the two. The application that
// makes the calls is corpus/linux/apps/null; every guest that has it is measured.
// The tables are those of docs/ukl-kernel.md:
//
//	go run ./tests/ukl/cost/cmd
//
// Times are those of a computer that emulates another. What may be compared is one column
// with the next.
package cost
