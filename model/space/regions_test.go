// SPDX-License-Identifier: GPL-2.0-or-later

package space

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/emu/symbols"
	"github.com/uklemu/uklemu/emu/x86"
)

// Documentation/x86/x86_64/mm.rst, both tables.
func TestRegionsOfTheKernelHalf(t *testing.T) {
	top := map[uint64]Kind{
		0xffff_fe00_0000_0000: CPUEntryArea, 0xffff_ff00_0000_0000: ESPFix, 0xffff_ffef_0000_0000: EFI, 0xffff_ffff_8000_0000: KernelImage,
		0xffff_ffff_a000_0000: Modules, 0xffff_ffff_feff_f000: Modules, 0xffff_ffff_ff57_8000: FixMap, 0xffff_ffff_ff60_0000: VSyscall,
		0xffff_ffff_ffe0_0000: Unknown,
	}
	for levels, regions := range map[int]map[uint64]Kind{
		4: {
			0xffff_8000_0000_0000: GuardHole, 0xffff_8800_0000_0000: LDTRemap, 0xffff_8880_0000_0000: DirectMap, 0xffff_c87f_ffff_f000: DirectMap,
			0xffff_c880_0000_0000: Unknown, 0xffff_c900_0000_0000: Vmalloc, 0xffff_ea00_0000_0000: VMemMap, 0xffff_ec00_0000_0000: KASAN,
		},
		5: {
			0xff00_0000_0000_0000: GuardHole, 0xff10_0000_0000_0000: LDTRemap, 0xff11_0000_0000_0000: DirectMap, 0xffa0_0000_0000_0000: Vmalloc,
			0xffd4_0000_0000_0000: VMemMap, 0xffdf_0000_0000_0000: KASAN, 0x00ff_ffff_ffff_f000: UserMapping,
		},
	} {
		w := newWorld(levels)
		for _, all := range []map[uint64]Kind{top, regions} {
			for address := range all {
				w.put(address, 0x1000, 1, rw)
			}
		}
		l := w.read()
		for _, all := range []map[uint64]Kind{top, regions} {
			for address, want := range all {
				r, listed := l.Find(address)
				require.True(t, listed)
				require.Equal(t, want, r.Kind, "%#x, %d levels", address, levels)
			}
		}
	}
}

// CONFIG_RANDOMIZE_MEMORY and KASLR of memory regions: the kernel's variables
// say where they begin.
func TestRegionsThatTheKernelHasPlaced(t *testing.T) {
	k := byHand()
	w := k.inWorld()
	k.symbols["page_offset_base"] = symbols.Symbol{Address: data + 0x6000}
	k.symbols["vmalloc_base"] = symbols.Symbol{Address: data + 0x6008}
	w.write(data+0x6000, 0xffff_9000_0000_0000, 0x1234) // the other isn't set yet
	w.put(0xffff_9000_0000_0000, 0x1000, 1, rw)
	l := ReaderOf(k).Read(w)
	require.Equal(t, DirectMap, kindAt(l, 0xffff_9000_0000_0000))
	require.Equal(t, ThreadStack, kindAt(l, stackOne), "in the vmalloc region")
}

// With SMP, each CPU's variables are a copy of the section's, where GS points.
func TestVariablesOfTheCPU(t *testing.T) {
	const area = 0xffff_8880_0f00_0000
	k := byHand()
	w := k.inWorld()
	k.symbols["__per_cpu_start"] = symbols.Symbol{Absolute: true}
	k.symbols["__per_cpu_end"] = symbols.Symbol{Absolute: true, Address: 0x2_4000}
	w.state.Seg[x86.GS].Base = area
	l := ReaderOf(k).Read(w)
	r, _ := l.Find(area + 0x100)
	require.Equal(t, PerCPU, r.Kind)
	require.Equal(t, uint64(area), r.Start)
	require.EqualValues(t, 0x2_4000, r.Size)
	require.Equal(t, DirectMap, kindAt(l, area+0x2_4000))
}
