// SPDX-License-Identifier: GPL-2.0-or-later

package boot

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// firmware is a reserved range of the fuzzed machine.
var firmware = Range{0x1f00000, 0x1f10000}

// checked is memory that stores nothing: it only makes sure that what is
// written is inside, and that nothing is written twice.
type checked struct {
	size    uint64
	written []Range
}

func (m *checked) Size() uint64 { return m.size }

func (m *checked) WriteAt(p []byte, physical int64) (int, error) {
	if err := inside(p, physical, m.size); err != nil {
		panic(err)
	}
	r := Range{uint64(physical), uint64(physical) + uint64(len(p))}
	if r.End > firmware.Start && r.Start < firmware.End && r.Start != r.End {
		panic(fmt.Sprintf("a write to %v, which is reserved", r))
	}
	m.written = append(m.written, r)
	return len(p), nil
}

// overlap finds two writes to the same byte.
func (m *checked) overlap() error {
	for i, a := range m.written {
		for _, b := range m.written[:i] {
			if a.Start < b.End && b.Start < a.End {
				return fmt.Errorf("writes to %v and %v", b, a)
			}
		}
	}
	return nil
}

// FuzzLoad: whatever the bytes, Parse and Load return a value or a typed
// error, write only inside memory, and write no byte twice.
func FuzzLoad(f *testing.F) {
	for _, seed := range seeds() {
		f.Add(seed.file)
	}
	initrd := make([]byte, page+1)
	sentinels := []error{ErrEmpty, ErrNotKernel, ErrCompressed, ErrForeign, ErrClass, ErrMachine, ErrHeader, ErrTruncated,
		ErrSegment, ErrOutside, ErrOverlap, ErrEntry, ErrInitrd, ErrCommandLine, ErrMemory}
	typed := func(t *testing.T, err error) {
		var e *Error
		if !errors.As(err, &e) || e.File != "image" || e.Error() == "" {
			t.Fatalf("not a typed error: %v", err)
		}
		for _, s := range sentinels {
			if e.Err == s {
				return
			}
		}
		t.Fatalf("an error without a sentinel: %v", err)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		img, err := parseBytes(b)
		if err != nil {
			typed(t, err)
			return
		}
		for _, protocol := range img.Protocols() {
			m := &checked{size: 32 << 20}
			entry, err := img.Load(m, Options{Protocol: protocol, CommandLine: "quiet", Initrd: initrd, Reserved: []Range{firmware}})
			switch {
			case err != nil:
				typed(t, err)
			case entry.Protocol != protocol:
				t.Fatalf("%s was asked for, %s was loaded", protocol, entry.Protocol)
			case len(m.written) < 200:
				if err := m.overlap(); err != nil {
					t.Fatal(err)
				}
			}
		}
	})
}

type seed struct {
	name string
	file []byte
}

// seeds are one good image of each kind, and some that are nearly good.
func seeds() []seed {
	plain, high := freestanding(), freestanding()
	plain.segments = append(plain.segments, testSegment{typ: segmentNote, data: elfNote("Xen", 18, le32(0x200000))})
	high.segments = append(high.segments, testSegment{flags: 6, virtual: 0xffffffff80000000, physical: 0x400000, data: []byte("high"), size: 0x3000})
	return []seed{
		{"vmlinux", vmlinux().bytes()},
		{"vmlinux-low-segment", vmlinux().with(func(w *elfWriter) {
			w.segments = append(w.segments, testSegment{physical: 0x1000, data: []byte("low"), size: 0x9e000})
		})},
		{"bzimage", bzFile(bzPayload(), nil)},
		{"bzimage-fixed", bzFile(bzPayload(), func(b []byte) { b[offRelocatable] = 0 })},
		{"pvh", plain.bytes()},
		{"pvh-elf32", elfWriter{is32: true, entry: 0x100000, segments: []testSegment{
			{flags: 5, virtual: 0xc0100000, physical: 0x100000, data: []byte{0xf4}},
			{typ: segmentNote, data: elfNote("Xen", 18, le32(0x100000))},
		}}.bytes()},
		{"multiboot-elf32", multibootELF(true, multibootHeader(3)).bytes()},
		{"multiboot-elf64", multibootELF(false, multibootHeader(3)).bytes()},
		{"multiboot-flat", append(multibootHeader(hasAddresses|3, 0x100000, 0x100000, 0x100024, 0x103000, 0x100020), "text"...)},
		{"elf", freestanding().bytes()},
		{"elf-high", high.bytes()},
		{"elf-overlap", freestanding().with(func(w *elfWriter) { w.segments = append(w.segments, w.segments[0]) })},
		{"gzip", []byte("\x1f\x8b\x08\x00rest")},
	}
}

var update = flag.Bool("update", false, "write the seeds to testdata/fuzz/FuzzLoad")

// The seed corpus is committed so that other fuzzers start from it too.
func TestSeedCorpusIsCommitted(t *testing.T) {
	for _, s := range seeds() {
		path := filepath.Join("testdata", "fuzz", "FuzzLoad", s.name)
		want := fmt.Sprintf("go test fuzz v1\n[]byte(%q)\n", s.file)
		if *update {
			require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
			require.NoError(t, os.WriteFile(path, []byte(want), 0o644))
		}
		got, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, want, string(got), "run the test with -update")
	}
}
