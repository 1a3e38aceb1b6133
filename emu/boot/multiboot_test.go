// SPDX-License-Identifier: GPL-2.0-or-later

package boot

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/emu/x86"
)

// multibootHeader is the magic, the flags, the checksum and what follows.
func multibootHeader(flags uint32, more ...uint32) []byte {
	b := append(le32(multibootMagic), le32(flags)...)
	b = append(b, le32(uint32(0x100000000-uint64(multibootMagic)-uint64(flags)))...)
	for _, v := range more {
		b = append(b, le32(v)...)
	}
	return b
}

func multibootELF(is32 bool, header []byte) elfWriter {
	return elfWriter{is32: is32, entry: 0x100010, segments: []testSegment{
		{flags: 7, virtual: 0x100000, physical: 0x100000, data: append(header, make([]byte, 64)...), size: 0x3000},
	}}
}

// Multiboot Specification 0.6.96, 3.2 "Machine state".
func TestMultibootKernelsAreEnteredInProtectedMode(t *testing.T) {
	for _, test := range []struct {
		name string
		file []byte
	}{
		{"ELF32", multibootELF(true, multibootHeader(3)).bytes()},
		{"ELF64", multibootELF(false, multibootHeader(3)).bytes()},
		{"not ELF, with addresses", append(make([]byte, 16), multibootHeader(wantsAlignment|wantsMemory|hasAddresses, 0x100010, 0x100000, 0, 0x103000, 0x100010)...)},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := newMemory(testMemory)
			entry, err := parse(t, test.file).Load(m, Options{Protocol: ProtocolMultiboot, CommandLine: "a b", Initrd: []byte("module")})
			require.NoError(t, err)
			s := entry.State
			require.EqualValues(t, 0x100010, s.RIP)
			require.EqualValues(t, 0x2BADB002, s.GPR[x86.RAX])
			require.EqualValues(t, cr0PE|cr0ET, s.CR0, "PE set, PG clear")
			require.Zero(t, s.EFER)
			require.EqualValues(t, 2, s.RFLAGS, "IF and VM clear")
			require.Equal(t, x86.Segment{Selector: 0x10, Limit: 0xffffffff, Attr: 0xc09b00}, s.Seg[x86.CS])
			for _, i := range []int{x86.DS, x86.ES, x86.FS, x86.GS, x86.SS} {
				require.Equal(t, x86.Segment{Selector: 0x18, Limit: 0xffffffff, Attr: 0xc09300}, s.Seg[i])
			}

			info := s.GPR[x86.RBX]
			require.EqualValues(t, 0x24d, m.u32(info), "memory, command line, modules, map, loader name")
			require.EqualValues(t, 0x9fc00/1024, m.u32(info+4))
			require.EqualValues(t, (testMemory-0x100000)/1024, m.u32(info+8))
			require.Equal(t, "a b", m.text(m.u32(info+16)))
			require.Equal(t, "uklemu", m.text(m.u32(info+64)))

			require.EqualValues(t, 1, m.u32(info+20))
			module := m.u32(info + 24)
			require.EqualValues(t, 0x103000, m.u32(module), "the page behind the image")
			require.EqualValues(t, 0x103006, m.u32(module+4))
			require.Equal(t, "module", m.text(0x103000))

			want := []e820{{0, 0x9fc00, 1}, {0x9fc00, 0x60400, 2}, {0x100000, testMemory - 0x100000, 1}}
			require.Empty(t, cmp.Diff(want, multibootMap(m, info)))
		})
	}
}

// multibootMap walks the map by its size fields, as a kernel does.
func multibootMap(m *sparse, info uint64) []e820 {
	var lines []e820
	at := m.u32(info + 48)
	for end := at + m.u32(info+44); at < end; at += m.u32(at) + 4 {
		lines = append(lines, e820{m.u64(at + 4), m.u64(at + 12), m.u32(at + 20)})
	}
	return lines
}

func TestMultibootHeaderIsSoughtInTheFirst8KiBOnDoublewords(t *testing.T) {
	header := multibootHeader(hasAddresses, 0x200000, 0x200000, 0, 0, 0x200000)
	at := func(offset int) []byte { return append(make([]byte, offset), header...) }
	for _, offset := range []int{0, 4, 8192 - 32} {
		require.Equal(t, []string{ProtocolMultiboot}, parse(t, at(offset)).Protocols(), "%d", offset)
	}
	for _, offset := range []int{2, 8192} {
		_, err := parseBytes(at(offset))
		require.ErrorIs(t, err, ErrNotKernel, "%d", offset)
	}
}

func TestMultibootAddressesLoadPartOfTheFile(t *testing.T) {
	// 8 bytes of lead that stay behind, then the header at 0x200000, 4 bytes
	// of text, and 4 that load_end_addr leaves out.
	header := multibootHeader(hasAddresses, 0x200000, 0x200000, 0x200000+36, 0, 0x200020)
	file := append(make([]byte, 8), header...)
	file = append(file, "textmore"...)
	m, entry := load(t, file, Options{})
	require.EqualValues(t, 0x200020, entry.State.RIP)
	require.Equal(t, "text", m.text(0x200020))
	require.EqualValues(t, multibootMagic, m.u32(0x200000))
}

// ld -Ttext=0x100000 gives the ELF header a segment of its own, a page below.
func TestTheELFHeaderMayBeLoadedBelow1MiB(t *testing.T) {
	w := multibootELF(true, multibootHeader(3))
	w.segments = append(w.segments, testSegment{flags: 4, virtual: 0xff000, physical: 0xff000, data: []byte("header")})
	m, entry := load(t, w.bytes(), Options{Initrd: []byte("module")})
	require.EqualValues(t, 0x100010, entry.State.RIP)
	require.Equal(t, "header", m.text(0xff000))
	require.Equal(t, "module", m.text(0x103000))
}
