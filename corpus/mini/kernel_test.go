// SPDX-License-Identifier: GPL-2.0-or-later

package mini

import (
	"bytes"
	"debug/elf"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/asm"
)

func TestEveryVariantIsMade(t *testing.T) {
	seen := map[string]string{}
	for _, o := range Variants() {
		b, err := Build(o)
		require.NoError(t, err, o)
		require.Empty(t, seen[string(b)], "%q is the same as another", o)
		seen[string(b)] = o.String()
		f, err := elf.NewFile(bytes.NewReader(b))
		require.NoError(t, err)
		last := f.Section(".bss")
		require.Less(t, last.Addr+last.Size, uint64(kernelMap+physicalStart+4<<20), "the kernel maps 4 MiB")
	}
}

// loaded are the bytes that run: without the configuration and the banner, which
// name the defect.
func loaded(t *testing.T, o Options) []byte {
	t.Helper()
	k, err := kernel()
	require.NoError(t, err)
	x, err := build(k, o)
	require.NoError(t, err, o)
	var b []byte
	for _, s := range x.sections {
		switch {
		case s.name == ".rodata":
			b = append(b, s.bytes[generatedMost:]...)
		case s.flags&flagAlloc != 0:
			b = append(b, s.bytes...)
		}
	}
	return b
}

// Each defect can be switched on, and changes what runs: with as few options as
// possible, and with as many.
func TestEveryDefectIsMade(t *testing.T) {
	healthy := map[string][]byte{}
	for _, d := range Defects() {
		for _, ill := range []Options{d.Least(), d.most()} {
			well := ill
			well.Defects = nil
			if healthy[well.String()] == nil {
				healthy[well.String()] = loaded(t, well)
			}
			if bytes.Equal(healthy[well.String()], loaded(t, ill)) {
				t.Errorf("%s changes nothing", ill)
			}
		}
	}
}

// In every other variant in which it makes sense, it changes the sources too.
func TestEveryDefectIsOneInEveryVariant(t *testing.T) {
	k, err := kernel()
	require.NoError(t, err)
	text := func(o Options) string {
		p, err := k.expand(o)
		require.NoError(t, err, o)
		return p.text.String()
	}
	for _, o := range Variants() {
		healthy := text(o)
		for _, d := range Defects() {
			if d.Fits(o) == nil {
				ill := o
				ill.Defects = []string{d.Name}
				if healthy == text(ill) {
					t.Errorf("%s changes nothing", ill)
				}
			}
		}
	}
}

// most are the options with which the defect shows that are the most.
func (d Defect) most() Options {
	var best Options
	for _, o := range Variants() {
		if d.Fits(o) == nil && len(o.Names()) >= len(best.Names()) {
			best = o
		}
	}
	best.Defects = []string{d.Name}
	return best
}

var asked = regexp.MustCompile(`defect "([^"]*)"`)

func TestTheSourcesAskForTheDefectsOfTheCatalogue(t *testing.T) {
	files, err := sources(embedded)
	require.NoError(t, err)
	used := map[string]bool{}
	for _, f := range files {
		for _, m := range asked.FindAllStringSubmatch(f.text, -1) {
			used[m[1]] = true
		}
	}
	for _, d := range Defects() {
		if !used[d.Name] {
			t.Errorf("%s (%s) is in no source", d.Name, d.ID)
		}
		delete(used, d.Name)
	}
	require.Empty(t, used)
}

// Nothing more is needed than libkeystone, or than GNU as, and both make the
// same guest.
func TestEitherAssemblerWillDo(t *testing.T) {
	k, err := kernel()
	require.NoError(t, err)
	for _, o := range []Options{{}, {UseRet: true, ISTPF: true}, {Stock: true}} {
		p, err := k.expand(o)
		require.NoError(t, err)
		types, err := layOut(structures)
		require.NoError(t, err)
		more, err := data(o)
		require.NoError(t, err)
		p = link(p, more, o)
		byKeystone, err := assemble(p, types, o, asm.OnlyKeystone)
		require.NoError(t, err)
		byGNU, err := assemble(p, types, o, asm.OnlyGNU)
		require.NoError(t, err)
		require.Equal(t, byKeystone.Sections, byGNU.Sections)
	}
}
