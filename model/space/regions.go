// SPDX-License-Identifier: GPL-2.0-or-later

package space

const (
	mib = uint64(1) << 20
	gib = uint64(1) << 30
	tib = uint64(1) << 40
	pib = uint64(1) << 50
)

// region is a part of the kernel half with a fixed use.
type region struct {
	start, size uint64
	kind        Kind
	// base is the kernel's variable that holds the start where the kernel was
	// built to choose it at boot.
	base string
}

// regions4 is the kernel half with 4-level paging, regions5 with 5-level
// paging (Documentation/x86/x86_64/mm.rst).
var (
	regions4 = []region{
		{0xffff_8000_0000_0000, 8 * tib, GuardHole, ""},
		{0xffff_8800_0000_0000, tib / 2, LDTRemap, ""},
		{0xffff_8880_0000_0000, 64 * tib, DirectMap, "page_offset_base"},
		{0xffff_c900_0000_0000, 32 * tib, Vmalloc, "vmalloc_base"},
		{0xffff_ea00_0000_0000, tib, VMemMap, "vmemmap_base"},
		{0xffff_ec00_0000_0000, 16 * tib, KASAN, ""},
	}
	regions5 = []region{
		{0xff00_0000_0000_0000, 4 * pib, GuardHole, ""},
		{0xff10_0000_0000_0000, pib / 4, LDTRemap, ""},
		{0xff11_0000_0000_0000, 32 * pib, DirectMap, "page_offset_base"},
		{0xffa0_0000_0000_0000, 12*pib + pib/2, Vmalloc, "vmalloc_base"},
		{0xffd4_0000_0000_0000, pib / 2, VMemMap, "vmemmap_base"},
		{0xffdf_0000_0000_0000, 7 * pib, KASAN, ""}, // and on to fffffbffffffffff
	}
	// regionsTop are at the same addresses with both.
	regionsTop = []region{
		{cpuEntryArea, tib / 2, CPUEntryArea, ""},
		{0xffff_ff00_0000_0000, tib / 2, ESPFix, ""},
		{0xffff_ffef_0000_0000, 64 * gib, EFI, ""},
		{kernelImage, 512 * mib, KernelImage, ""},
		{0xffff_ffff_a000_0000, 1520 * mib, Modules, ""},
		{0xffff_ffff_ff00_0000, 8 * mib, FixMap, ""},
		{vsyscallPage, pageSize, VSyscall, ""},
	}
)

const (
	cpuEntryArea = 0xffff_fe00_0000_0000
	kernelImage  = 0xffff_ffff_8000_0000
	vsyscallPage = 0xffff_ffff_ff60_0000
	// fixmapTop is FIXADDR_TOP of arch/x86/include/asm/fixmap.h: what fixed
	// addresses count down from.
	fixmapTop = 0xffff_ffff_ff7f_f000
)

// fixed are the pages of the fix map that get a name: the enumerators of
// fixed_addresses.
var fixed = []struct{ enumerator, name string }{
	{"FIX_APIC_BASE", "local APIC"},
	{"FIX_IO_APIC_BASE_0", "IO-APIC"},
	{"FIX_TEXT_POKE0", "text poke"},
	{"FIX_TEXT_POKE1", "text poke"},
	{"FIX_PARAVIRT_BOOTMAP", "paravirt"},
}

// regions paints both halves with what they are for.
func (k *kernel) regions() {
	k.paint(area{start: 0, last: k.tables.halfSize() - 1, kind: UserMapping})
	low := regions4
	if k.tables.Levels == 5 {
		low = regions5
	}
	for _, list := range [][]region{low, regionsTop} {
		for _, r := range list {
			if base, ok := k.variable(r.base); ok && base >= -k.tables.halfSize() {
				r.start = base
			}
			k.region(r.start, r.size, r.kind, "")
		}
	}
	for _, f := range fixed {
		if n, ok := k.image.EnumValue(f.enumerator); ok && n > 0 && n < 2048 {
			k.region(fixmapTop-uint64(n)*pageSize, pageSize, FixMap, f.name)
		}
	}
}

// variable is the value of a word in the kernel's data.
func (k *kernel) variable(name string) (uint64, bool) {
	s, ok := k.image.Symbol(name)
	if !ok || name == "" {
		return 0, false
	}
	return k.fields.Word(s.Address)
}
