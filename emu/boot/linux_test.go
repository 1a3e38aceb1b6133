// SPDX-License-Identifier: GPL-2.0-or-later

package boot

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/emu/x86"
)

// Documentation/x86/boot.rst, "64-bit BOOT PROTOCOL", sentence by sentence.
func TestLinuxIsEnteredAs64BitBootProtocolSays(t *testing.T) {
	initrd := bytes.Repeat([]byte("initrd"), 1000)
	m, entry := load(t, vmlinux().bytes(), Options{CommandLine: "console=ttyS0", Initrd: initrd, RSDP: 0xe0000})
	s := entry.State
	require.Equal(t, ProtocolLinux, entry.Protocol)

	t.Run("the entry is the ELF entry, a physical address", func(t *testing.T) {
		require.EqualValues(t, 0x1000000, s.RIP)
	})
	t.Run("the CPU is in 64-bit mode with paging enabled", func(t *testing.T) {
		require.EqualValues(t, cr0PG|cr0PE|cr0ET, s.CR0)
		require.EqualValues(t, cr4PAE, s.CR4)
		require.EqualValues(t, eferLME|eferLMA, s.EFER)
		require.Zero(t, s.CPL())
	})
	t.Run("kernel, zero page and command line are mapped one to one", func(t *testing.T) {
		for _, v := range []uint64{0, 0x1000000, 0x1200000, s.GPR[x86.RSI], testMemory - 1, fourGiB - 1} {
			p, ok := m.translate(s.CR3, v)
			require.True(t, ok, "%#x", v)
			require.Equal(t, v, p)
		}
		_, ok := m.translate(s.CR3, fourGiB)
		require.False(t, ok)
	})
	t.Run("CS is __BOOT_CS and DS, ES and SS are __BOOT_DS, all flat", func(t *testing.T) {
		data := x86.Segment{Selector: 0x18, Limit: 0xffffffff, Attr: 0xc09300}
		require.Equal(t, x86.Segment{Selector: 0x10, Limit: 0xffffffff, Attr: 0xa09b00}, s.Seg[x86.CS])
		for _, i := range []int{x86.DS, x86.ES, x86.SS} {
			require.Equal(t, data, s.Seg[i])
		}
	})
	t.Run("a GDT is loaded with their descriptors", func(t *testing.T) {
		require.EqualValues(t, 31, s.GDTR.Limit)
		require.EqualValues(t, 0x00af9b000000ffff, m.u64(s.GDTR.Base+0x10))
		require.EqualValues(t, 0x00cf93000000ffff, m.u64(s.GDTR.Base+0x18))
	})
	t.Run("interrupts are disabled", func(t *testing.T) {
		require.EqualValues(t, 2, s.RFLAGS)
	})
	t.Run("RSI holds the address of struct boot_params", func(t *testing.T) {
		zero := s.GPR[x86.RSI]
		require.Equal(t, headerMagic, string(m.read(zero+0x202, 4)))
		require.EqualValues(t, 0xaa55, m.u16(zero+0x1fe))
		require.EqualValues(t, 0xff, m.u8(zero+0x210), "type_of_loader: undefined")
		require.EqualValues(t, 0, m.u8(zero+0x1ef), "sentinel")
		require.EqualValues(t, 0xe0000, m.u64(zero+0x70), "acpi_rsdp_addr")
		require.Equal(t, "console=ttyS0", m.text(m.u32(zero+0x228)))
		start, size := m.u32(zero+0x218), m.u32(zero+0x21c)
		require.EqualValues(t, len(initrd), size)
		require.Equal(t, initrd, m.read(start, size))
		require.EqualValues(t, testMemory-2*page, start, "as high as there is memory, on a page")
	})
	t.Run("segments are at their physical addresses", func(t *testing.T) {
		require.EqualValues(t, 0xf4, m.u8(0x1000000))
		require.Equal(t, "data", m.text(0x1200000))
	})
}

type e820 struct{ Start, Size, Type uint64 }

func e820Of(m *sparse, zero uint64) []e820 {
	var lines []e820
	for i := range m.u8(zero + 0x1e8) {
		at := zero + 0x2d0 + 20*i
		lines = append(lines, e820{m.u64(at), m.u64(at + 8), m.u32(at + 16)})
	}
	return lines
}

func TestMemoryMapHasHolesForWhatIsReserved(t *testing.T) {
	for _, test := range []struct {
		name     string
		reserved []Range
		want     []e820
	}{
		{"nothing", nil, []e820{{0, 0x9fc00, 1}, {0x9fc00, 0x60400, 2}, {0x100000, testMemory - 0x100000, 1}}},
		{"within the legacy hole", []Range{{0xe0000, 0xf0000}}, []e820{{0, 0x9fc00, 1}, {0x9fc00, 0x60400, 2}, {0x100000, testMemory - 0x100000, 1}}},
		{"joined to the hole", []Range{{0x9f000, 0xa0000}}, []e820{{0, 0x9f000, 1}, {0x9f000, 0x61000, 2}, {0x100000, testMemory - 0x100000, 1}}},
		{"the end of memory", []Range{{testMemory - 0x10000, testMemory}}, []e820{
			{0, 0x9fc00, 1}, {0x9fc00, 0x60400, 2}, {0x100000, testMemory - 0x110000, 1}, {testMemory - 0x10000, 0x10000, 2}}},
		{"beyond memory, unsorted, overlapping and empty", []Range{{0xfee00000, 0xfee01000}, {5, 5}, {0xfec00000, 0xfec00800}, {0xfec00400, 0xfec01000}}, []e820{
			{0, 0x9fc00, 1}, {0x9fc00, 0x60400, 2}, {0x100000, testMemory - 0x100000, 1}, {0xfec00000, 0x1000, 2}, {0xfee00000, 0x1000, 2}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			m, entry := load(t, vmlinux().bytes(), Options{Reserved: test.reserved})
			require.Empty(t, cmp.Diff(test.want, e820Of(m, entry.State.GPR[x86.RSI])))
		})
	}
}

func TestInitrdGoesAsHighAsTheProtocolAllows(t *testing.T) {
	initrd := make([]byte, 3*page+1)
	for _, test := range []struct {
		name     string
		memory   uint64
		reserved []Range
		want     uint64
	}{
		{"below the end of memory", 64 << 20, nil, 64<<20 - 4*page},
		{"below what is reserved there", 64 << 20, []Range{{63 << 20, 64 << 20}}, 63<<20 - 4*page},
		{"below initrd_addr_max", 3 << 30, nil, 0x80000000 - 4*page},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := newMemory(test.memory)
			entry, err := parse(t, vmlinux().bytes()).Load(m, Options{Initrd: initrd, Reserved: test.reserved})
			require.NoError(t, err)
			require.Equal(t, test.want, m.u32(entry.State.GPR[x86.RSI]+0x218))
		})
	}
}

func TestBootStructuresKeepOutOfEachOthersWay(t *testing.T) {
	// Segments where boot structures usually go push them elsewhere.
	b := vmlinux().with(func(w *elfWriter) {
		w.segments = append(w.segments, testSegment{physical: 0x1000, data: []byte("low"), size: 0x9e000})
	})
	m, entry := load(t, b, Options{CommandLine: "quiet"})
	require.Equal(t, "low", m.text(0x1000))
	require.GreaterOrEqual(t, entry.State.GPR[x86.RSI], uint64(0x100000))
	require.Equal(t, "quiet", m.text(m.u32(entry.State.GPR[x86.RSI]+0x228)))
}

func TestLinuxIsRecognisedByItsBannerOrItsNote(t *testing.T) {
	stripped := vmlinux().with(func(w *elfWriter) { w.segments = w.segments[:2] })
	require.Equal(t, []string{ProtocolLinux}, parse(t, stripped).Protocols())

	silent := vmlinux().with(func(w *elfWriter) { w.segments[0].data = []byte{0xf4} })
	require.Equal(t, []string{ProtocolLinux, ProtocolPVH}, parse(t, silent).Protocols())

	version, err := parse(t, vmlinux().bytes()).LinuxVersion()
	require.NoError(t, err)
	require.Equal(t, "Linux version 6.1.0-test (someone@somewhere) #1", version)
}

func TestBannerIsFoundAcrossChunks(t *testing.T) {
	const banner = "Linux version 5.14.0 (a@b) #2"
	for _, before := range []int{0, 256<<10 - 10, 256 << 10, 700_000} {
		data := strings.Repeat("x", before) + "Linux version %s\n" + banner + "\n"
		b := vmlinux().with(func(w *elfWriter) { w.segments[0].data = []byte(data) })
		version, err := parse(t, b).LinuxVersion()
		require.NoError(t, err)
		require.Equal(t, banner, version)
	}
}

func TestVirtualEntryOfLinuxIsTranslated(t *testing.T) {
	b := vmlinux().with(func(w *elfWriter) { w.entry = 0xffffffff81000010 })
	_, entry := load(t, b, Options{})
	require.EqualValues(t, 0x1000010, entry.State.RIP)
}
