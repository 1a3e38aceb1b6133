// SPDX-License-Identifier: GPL-2.0-or-later

// Package space shows the address space as it is at one moment: what the page
// tables map, with which rights, and whose it is.
//
//	layout, err := space.Read(machine, kernel)
//	r := layout.Find(0xffffc9000000bff8)
//	r.Kind, r.Name        // space.ThreadStack, "init (1)"
//	r.Rights.String()     // "rw--g"
//	layout.Picture()      // the whole of it, from the top of memory down
//
// Two sources are joined. The page tables say what is mapped and how (SDM
// vol. 3A chapter 5, 4-level and 5-level paging); the walk knows nothing else.
// Who owns an address comes from the manual of the kernel
// (Documentation/x86/x86_64/mm.rst) for the large regions, from the image's
// symbols for the kernel image, and from the kernel's own data for the rest:
// the tasks and their stacks, the TSS, the vmalloc areas, the mappings of the
// current process. What can't be read is left out, and what is mapped there
// appears under the region around it.
//
// A guard is a range like any other, with no rights as long as it is one.
package space
