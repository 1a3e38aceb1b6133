// SPDX-License-Identifier: GPL-2.0-or-later

// Package task says what a CPU is at: whose task runs, in which mode, how it
// got into the kernel, and what it will go back to.
//
//	now := task.NewReader(kernel).Read(machine)
//	now.Name, now.PID            // "UKL", 16
//	now.Position.Mode            // task.Kernel
//	now.Position.Differences     // none: the mark, the code and the stack say the same
//	now.Entries[0].Name          // "asm_exc_page_fault"
//	now.Entries[0].Registers.IP  // where the fault was
//	fmt.Print(now.Text())
//
// All of it is read from memory and from the registers, with nothing that was
// seen before: it can be asked of a machine that has just been stopped, and of
// a snapshot. What memory can't say is left out.
//
// Structures are found by the types of the image. What is in Go is what the
// architecture fixes: the order of pt_regs, the format of FXSAVE, the bits of
// thread_info.flags, the numbers of signals.
package task
