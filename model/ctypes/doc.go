// SPDX-License-Identifier: GPL-2.0-or-later

// Package ctypes reads the layout of C types from an image: from its DWARF or
// from its BTF, with the same result.
//
//	types, err := ctypes.FromDWARF(sections) // or ctypes.FromBTF(bytes)
//	types.Offset("task_struct", "thread.sp") // 5016, true
//	types.Size("pt_regs")                    // 168, true
//	types.EnumValue("PIDTYPE_TGID")          // 1, true
//
// Types are read when they are asked for. DWARF is looked through unit by unit
// up to the first that defines the name, so a structure that the kernel uses
// early costs next to nothing, and a name that nobody has costs one pass.
//
// # Why not debug/dwarf and an existing BTF package?
//
// Images come from anywhere, and no input may end the process. debug/dwarf
// follows chains of types by recursion, and a Go stack that overflows can't be
// recovered from; it also makes an object of each entry, which takes seconds
// for a kernel. Here, entries are skipped by what their abbreviation says,
// nothing recurses without a bound, and a kernel's 40 MB take a tenth of a second. BTF is a
// few tables with a fixed layout (Documentation/bpf/btf.rst): its reader is
// shorter than the glue that would make another package's types ours.
package ctypes
