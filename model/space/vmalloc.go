// SPDX-License-Identifier: GPL-2.0-or-later

package space

import "strings"

// Flags of a vm_struct (include/linux/vmalloc.h).
const (
	vmIOREMAP = 0x1
	vmNoGuard = 0x40
)

// mostVmalloc bounds how many areas are listed.
const mostVmalloc = 1 << 14

// vmalloc paints what the kernel has allocated in its vmalloc and modules
// regions, each with the function that asked for it, and the page behind it
// that catches an overrun. The list is there up to Linux 6.8.
func (k *kernel) vmalloc() {
	head, ok := k.image.Symbol("vmap_area_list")
	if !ok {
		return
	}
	for _, va := range k.fields.List(head.Address, "vmap_area", "list", mostVmalloc) {
		start, ok := k.fields.FieldWord(va, "vmap_area", "va_start")
		end, also := k.fields.FieldWord(va, "vmap_area", "va_end")
		if !ok || !also || end <= start || int64(start) >= 0 {
			continue
		}
		name, guard := "", false
		if vm, ok := k.fields.FieldWord(va, "vmap_area", "vm"); ok && vm != 0 {
			flags, _ := k.fields.FieldWord(vm, "vm_struct", "flags")
			caller, _ := k.fields.FieldWord(vm, "vm_struct", "caller")
			guard = flags&vmNoGuard == 0 && end-start > pageSize
			if name, _, _ = strings.Cut(k.image.Name(caller), "+"); flags&vmIOREMAP != 0 {
				name = "of a device, " + name
			}
		}
		kind := Vmalloc
		if a, ok := k.at(start); ok && a.kind == Modules {
			kind = Modules
		}
		if guard {
			k.owned(end-pageSize, pageSize, VmallocGuard, "")
			end -= pageSize
		}
		k.owned(start, end-start, kind, name)
	}
}
