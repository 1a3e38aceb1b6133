// SPDX-License-Identifier: GPL-2.0-or-later

package space

// parts are those of the kernel image, between two symbols each, as the linker
// script has them (arch/x86/kernel/vmlinux.lds.S). A later one is part of an
// earlier one.
var parts = []struct {
	kind       Kind
	start, end string
}{
	{KernelText, "_stext", "_etext"},
	{EntryText, "__entry_text_start", "__entry_text_end"},
	{KernelROData, "__start_rodata", "__end_rodata"},
	{KernelData, "_sdata", "_edata"},
	{KernelInit, "__init_begin", "__init_end"},
	{KernelBSS, "__bss_start", "__bss_stop"},
	{KernelBSS, "__brk_base", "__brk_limit"},
}

// inImage paints the parts of the kernel image.
func inImage(image Source, all *areas) {
	for _, p := range parts {
		start, ok := image.Symbol(p.start)
		end, also := image.Symbol(p.end)
		if ok && also && end.Address > start.Address {
			name := ""
			if p.start == "__brk_base" {
				name = "brk"
			}
			all.owned(start.Address, end.Address-start.Address, p.kind, name)
		}
	}
	app := image.Application()
	if app == nil {
		return
	}
	for _, r := range app.Text {
		all.owned(r.Start, r.End-r.Start, ApplicationText, "")
	}
	for _, r := range app.ROData {
		all.owned(r.Start, r.End-r.Start, ApplicationROData, "")
	}
	for _, r := range app.Data {
		all.owned(r.Start, r.End-r.Start, ApplicationData, "")
	}
	for _, r := range app.BSS {
		all.owned(r.Start, r.End-r.Start, ApplicationBSS, "")
	}
}

// perCPU paints the current CPU's variables. Without SMP they are scattered
// among the others, and only what GS points at is a place of its own.
func (k *kernel) perCPU() {
	if start, ok := k.image.Symbol("__per_cpu_start"); ok && k.gs != 0 {
		if end, ok := k.image.Symbol("__per_cpu_end"); ok && end.Address > start.Address {
			k.owned(k.gs, end.Address-start.Address, PerCPU, "CPU 0")
			return
		}
	}
	if s, ok := k.image.Symbol("fixed_percpu_data"); ok && !s.Absolute {
		k.owned(s.Address, max(s.Size, 48), PerCPU, "fixed_percpu_data")
	}
}
