// SPDX-License-Identifier: GPL-2.0-or-later

package boot

import (
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/require"
)

// testSection is a section header, of which three fields matter here.
type testSection struct {
	typ          uint32
	offset, size uint64
}

// withSections puts a section table behind a file.
func withSections(is64 bool, b []byte, sections ...testSection) []byte {
	lay := sections32
	word := func(b []byte, v uint64) { binary.LittleEndian.PutUint32(b, uint32(v)) }
	if is64 {
		lay, word = sections64, binary.LittleEndian.PutUint64
	}
	word(b[lay.shoff:], uint64(len(b)))
	binary.LittleEndian.PutUint16(b[lay.shentsize:], uint16(lay.size))
	binary.LittleEndian.PutUint16(b[lay.shnum:], uint16(len(sections)))
	for _, s := range sections {
		header := make([]byte, lay.size)
		binary.LittleEndian.PutUint32(header[4:], s.typ)
		word(header[lay.offset:], s.offset)
		word(header[lay.length:], s.size)
		b = append(b, header...)
	}
	return b
}

// Linkers put the section headers last: every byte that a file lacks at its
// end is missed.
func TestAFileCutBehindItsSegmentsIsTruncated(t *testing.T) {
	for name, b := range map[string][]byte{
		"ELF64": withSections(true, vmlinux().bytes(), testSection{}, testSection{1, 64, 4}),
		"ELF32": withSections(false, multibootELF(true, multibootHeader(3)).bytes(), testSection{}, testSection{1, 64, 4}),
	} {
		_, err := parseBytes(b)
		require.NoError(t, err, name)
		for n := range b {
			_, err := parseBytes(b[:n])
			require.Error(t, err, "%s cut to %d", name, n)
			if n >= 64 {
				require.ErrorIs(t, err, ErrTruncated, "%s cut to %d", name, n)
			}
		}
	}
}

func TestSectionsAreWithinTheFile(t *testing.T) {
	bare := vmlinux().bytes()
	end := uint64(len(bare) + 2*sections64.size) // of the file with two sections
	for _, test := range []struct {
		name    string
		section testSection
		says    string // "" if the file is fine
	}{
		{"up to its last byte", testSection{1, end - 8, 8}, ""},
		{"one byte more", testSection{1, end - 8, 9}, "0x9, which from offset"},
		{"behind it", testSection{2, end + 1, 0}, "ends beyond the file's"},
		{"at an absurd offset", testSection{3, ^uint64(0), 2}, "from offset 0xffffffffffffffff"},
		{"of an absurd size", testSection{3, 1, ^uint64(0)}, "is 0xffffffffffffffff"},
		{"SHT_NOBITS has nothing there", testSection{sectionNoBits, end, 1 << 30}, ""},
		{"SHT_NULL is no section", testSection{sectionNull, ^uint64(0), 5}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := parseBytes(withSections(true, vmlinux().bytes(), testSection{}, test.section))
			if test.says == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, ErrTruncated)
			require.ErrorContains(t, err, "sh_size of section 1 (file offset 0x")
			require.ErrorContains(t, err, test.says)
		})
	}
}

// Segments that are not loaded are part of the file all the same.
func TestEverySegmentIsWithinTheFile(t *testing.T) {
	const threadLocal, beyond = 7, 1 << 20
	file := vmlinux().with(func(w *elfWriter) {
		w.segments = append(w.segments, testSegment{typ: threadLocal, data: []byte("tls")})
		w.patch = func(b []byte) {
			copy(b[elf64.header+3*elf64.programHeader+elf64.fsize:], le64(beyond))
		}
	})
	_, err := parseBytes(file)
	require.ErrorIs(t, err, ErrTruncated)
	require.ErrorContains(t, err, "p_filesz of segment 3 (file offset 0x108) is 0x100000")
}

// A file without sections says so with e_shoff 0, whatever the other fields.
func TestAStrippedFileNeedsNoSections(t *testing.T) {
	_, err := parseBytes(vmlinux().patched(sections64.shentsize, 64, 0, 200, 0))
	require.NoError(t, err)
}
