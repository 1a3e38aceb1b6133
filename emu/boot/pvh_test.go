// SPDX-License-Identifier: GPL-2.0-or-later

package boot

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/emu/x86"
)

// startInfo is struct hvm_start_info with what it points at.
type startInfo struct {
	Magic, Version, Flags, Modules uint64
	Line                           string
	RSDP                           uint64
	Module                         string
	Map                            []e820
}

func startInfoOf(m *sparse, at uint64) startInfo {
	info := startInfo{Magic: m.u32(at), Version: m.u32(at + 4), Flags: m.u32(at + 8), Modules: m.u32(at + 12),
		Line: m.text(m.u64(at + 24)), RSDP: m.u64(at + 32)}
	if list := m.u64(at + 16); list != 0 {
		info.Module = string(m.read(m.u64(list), m.u64(list+8)))
	}
	for i := range m.u32(at + 48) {
		line := m.u64(at+40) + 24*i
		info.Map = append(info.Map, e820{m.u64(line), m.u64(line + 8), m.u32(line + 16)})
	}
	return info
}

// Xen's docs/misc/pvh.pandoc, "x86/HVM direct boot ABI".
func TestPVHKernelsAreEnteredInProtectedMode(t *testing.T) {
	m, entry := load(t, vmlinux().bytes(), Options{Protocol: ProtocolPVH, CommandLine: "quiet", Initrd: []byte("initrd"), RSDP: 0xe0000})
	s := entry.State
	require.Equal(t, ProtocolPVH, entry.Protocol)
	require.EqualValues(t, 0x1000000, s.RIP)
	require.EqualValues(t, cr0PE|cr0ET, s.CR0, "PE set, every other writable bit clear")
	require.Zero(t, s.CR4)
	require.Zero(t, s.EFER)
	require.EqualValues(t, 2, s.RFLAGS)
	require.EqualValues(t, 0xc09b00, s.Seg[x86.CS].Attr)
	require.Equal(t, x86.Segment{Limit: 0x67, Attr: 0x8b00}, s.TR)
	require.Empty(t, cmp.Diff(startInfo{
		Magic: 0x336ec578, Version: 1, Modules: 1, Line: "quiet", RSDP: 0xe0000, Module: "initrd",
		Map: []e820{{0, 0x9fc00, 1}, {0x9fc00, 0x60400, 2}, {0x100000, testMemory - 0x100000, 1}},
	}, startInfoOf(m, s.GPR[x86.RBX])))
}

func TestPVHNoteIsKnownByOwnerAndType(t *testing.T) {
	kernel := func(notes []byte) []byte {
		w := freestanding()
		w.segments = append(w.segments, testSegment{typ: segmentNote, data: notes})
		return w.bytes()
	}
	entry32, entry64 := le32(0x200000), le64(0x200000)
	for _, test := range []struct {
		name  string
		notes []byte
		want  []string
	}{
		{"4 bytes", elfNote("Xen", 18, entry32), []string{ProtocolPVH, ProtocolELF}},
		{"8 bytes", elfNote("Xen", 18, entry64), []string{ProtocolPVH, ProtocolELF}},
		{"behind another note", append(elfNote("GNU", 3, []byte{1, 2, 3}), elfNote("Xen", 18, entry32)...), []string{ProtocolPVH, ProtocolELF}},
		{"another owner", elfNote("Yen", 18, entry32), []string{ProtocolELF}},
		{"another type", elfNote("Xen", 17, entry32), []string{ProtocolELF}},
		{"a name beyond the segment", append(le32(0xfffffff0), elfNote("Xen", 18, entry32)[4:]...), []string{ProtocolELF}},
		{"a description beyond the segment", elfNote("Xen", 18, entry32)[:17], []string{ProtocolELF}},
		{"half a note", []byte{1, 2, 3}, []string{ProtocolELF}},
		{"3 bytes", elfNote("Xen", 18, []byte{1, 2, 3}), []string{ProtocolELF}},
		{"an entry outside the image", elfNote("Xen", 18, le32(0x300000)), []string{ProtocolELF}},
		{"an entry above 4 GiB", elfNote("Xen", 18, le64(1<<32|0x200000)), []string{ProtocolELF}},
	} {
		t.Run(test.name, func(t *testing.T) {
			require.Equal(t, test.want, parse(t, kernel(test.notes)).Protocols())
		})
	}
}

func TestRefusedPVHNoteIsExplainedWhenAskedFor(t *testing.T) {
	w := freestanding()
	w.segments = append(w.segments, testSegment{typ: segmentNote, data: elfNote("Xen", 18, le32(0x300000))})
	_, err := parse(t, w.bytes()).Load(newMemory(testMemory), Options{Protocol: ProtocolPVH})
	require.ErrorIs(t, err, ErrEntry)
	require.EqualError(t, err, "image: the entry point is not in the image: the note XEN_ELFNOTE_PHYS32_ENTRY is 0x300000; "+
		"accepted: a physical address below 4 GiB in a PT_LOAD segment")
}

func TestPVHKernelMayBeELF32(t *testing.T) {
	b := elfWriter{is32: true, entry: 0x100000, segments: []testSegment{
		{flags: 5, virtual: 0xc0100000, physical: 0x100000, data: []byte{0xf4}},
		{typ: segmentNote, data: elfNote("Xen", 18, le32(0x100000))},
	}}.bytes()
	_, entry := load(t, b, Options{})
	require.Equal(t, ProtocolPVH, entry.Protocol)
	require.EqualValues(t, 0x100000, entry.State.RIP)
}
