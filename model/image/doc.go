// SPDX-License-Identifier: GPL-2.0-or-later

// Package image knows what is in a kernel's vmlinux: its symbols and types,
// its version and configuration, which options of Unikernel Linux (UKL) it was
// built with, where the application is that is linked into it, where the CPU
// enters, what is fixed up when it faults, and what was patched at boot.
//
//	img, err := image.Open("vmlinux")
//	img.Version.Release                        // "6.1.0"
//	img.UKL.UseRet                             // true if CONFIG_UKL_USE_RET
//	img.Class(rip)                             // image.Application, image.EntryText, ...
//	img.Offset("task_struct", "ukl_thread")    // 32, true
//
// A kernel without UKL is an image too: it has no application, and Flavor is
// None. Only the file is looked at, but for [Image.Alternatives], which compares it with a
// machine's memory.
package image
