// SPDX-License-Identifier: GPL-2.0-or-later

package space

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"flag"
	"html"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/emu/x86"
)

var update = flag.Bool("update", false, "write what the tests compare with")

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Empty(t, cmp.Diff(string(want), got), "%s; -update accepts it", path)
}

func TestLayoutOfAKernelByHand(t *testing.T) {
	k := byHand()
	w := k.inWorld()
	r := ReaderOf(k)
	l := r.Read(w)
	require.Empty(t, l.Problems)
	golden(t, "table.txt", l.Table())
	golden(t, "picture.txt", l.Picture())
	golden(t, "picture.svg", l.SVG())
	j, err := json.MarshalIndent(l.Ranges, "", "\t")
	require.NoError(t, err)
	golden(t, "layout.json", string(j)+"\n")

	require.Empty(t, cmp.Diff(l.Ranges, r.Read(w).Ranges), "the same again")
	require.False(t, l.Isolated)
}

func TestLinkedBesideRunning(t *testing.T) {
	k := byHand()
	l := linked(k)
	golden(t, "linked.txt", l.Table())
	d := Compare(l, ReaderOf(k).Read(k.inWorld()))
	golden(t, "beside.txt", SideBySide(d))
	golden(t, "beside.svg", SideBySideSVG(d))
	r, listed := l.Find(text + 0x5001)
	require.True(t, listed)
	require.Equal(t, ApplicationText, r.Kind)
	_, listed = l.Find(0)
	require.False(t, listed)
}

func TestDrawingsAreWellFormed(t *testing.T) {
	k := byHand()
	l := ReaderOf(k).Read(k.inWorld())
	for _, drawing := range []string{l.SVG(), SideBySideSVG(Compare(linked(k), l)), new(Layout).SVG()} {
		d := xml.NewDecoder(strings.NewReader(drawing))
		for {
			if _, err := d.Token(); err != nil {
				require.True(t, errors.Is(err, io.EOF), "%v", err)
				break
			}
		}
		require.Contains(t, drawing, "prefers-color-scheme:dark")
		require.NotContains(t, drawing, "href", "it needs no other file")
	}
}

// At a width of 400 pixels, letters of 12 and 11 pixels with a fixed pitch stay
// in the drawing, and those of the left column in it.
func TestTextFitsIntoDrawings(t *testing.T) {
	k := byHand()
	l := ReaderOf(k).Read(k.inWorld())
	element := regexp.MustCompile(`<text x="(\d+)" y="\d+" class="(.)">(.*)</text>`)
	for _, test := range []struct {
		drawing string
		column  int
	}{{l.SVG(), svgWidth}, {SideBySideSVG(Compare(linked(k), l)), svgWidth / 2}} {
		for _, m := range element.FindAllStringSubmatch(test.drawing, -1) {
			x, err := strconv.Atoi(m[1])
			require.NoError(t, err)
			pitch := map[string]float64{"t": 7.25, "s": 6.65}[m[2]]
			end := float64(x) + pitch*float64(len([]rune(html.UnescapeString(m[3]))))
			require.LessOrEqual(t, end, float64((x/test.column+1)*test.column), "%s", m[0])
		}
	}
}

func TestEveryAddressHasAnOwner(t *testing.T) {
	k := byHand()
	l := ReaderOf(k).Read(k.inWorld())
	for _, test := range []struct {
		address uint64
		kind    Kind
		name    string
		listed  bool
	}{
		{text, KernelText, "", true},
		{text + 0x1400, EntryText, "", true},
		{text + 0x57ff, ApplicationText, "", true},
		{text + 0x5800, KernelText, "", true},
		{data + 0x28ff, ApplicationData, "", true},
		{bss + 0x100f, ApplicationBSS, "", true},
		{bss + 0x1010, KernelBSS, "", true},
		{data + 0x40, PerCPU, "fixed_percpu_data", true},
		{stackOne, ThreadStack, "UKL (1)", true},
		{stackOne - 1, StackGuard, "of thread stack UKL (1)", true},
		{stackTwo + 4*pageSize, StackGuard, "of thread stack UKL (2)", true},
		{hardirq + 4*pageSize - 1, HardIRQStack, "", true},
		{cea + 2*pageSize - 1, EntryStack, "", true},
		{cea + 0x6fff, ISTStack, "1 #DF", true},
		{cea + 0x8000, ISTStack, "2 NMI, #MC", true},
		{cea + 127, GDT, "", true},
		{cea + 128, CPUEntryArea, "", true},
		{userStack, UserStack, "", true},
		{userStack - 1, UserStackGuard, "", true},
		{userThread, UserStack, "of UKL (2)", true},
		{userText + 0x2fff, ProgramData, "prog?ram", true},
		{userHeap, Heap, "", true},
		{vsyscallPage, VSyscall, "", true},
		{0x1234, UserMapping, "", false},
		{0xffff_c900_0100_0000, Vmalloc, "", false},
		{0xffff_8123_0000_0000, GuardHole, "", false},
		{0x1234_5678_0000_0000, NonCanonical, "", false},
		{0xffff_ffff_ffff_ffff, Nothing, "", false},
		{0xffff_fc00_0000_0000, Nothing, "", false},
	} {
		r, listed := l.Find(test.address)
		require.Equal(t, test.kind, r.Kind, "%#x", test.address)
		require.Equal(t, test.name, r.Name, "%#x", test.address)
		require.Equal(t, test.listed, listed, "%#x", test.address)
		require.True(t, r.Contains(test.address), "%#x", test.address)
		below, _ := l.Find(r.Start)
		above, _ := l.Find(r.Last())
		require.Equal(t, r, below)
		require.Equal(t, r, above)
	}
}

func TestRangesDoNotOverlap(t *testing.T) {
	k := byHand()
	l := ReaderOf(k).Read(k.inWorld())
	for i := range l.Ranges[1:] {
		require.Less(t, l.Ranges[i].Last(), l.Ranges[i+1].Start)
	}
}

func TestGuardThatIsMappedIsSaid(t *testing.T) {
	k := byHand()
	l := ReaderOf(k).Read(k.inWorld())
	var mapped []string
	for _, r := range l.Ranges {
		if r.Kind.Guard() && r.Mapped() {
			mapped = append(mapped, r.Title())
		}
	}
	require.Equal(t, []string{"stack guard of IST stack 2 NMI, #MC"}, mapped)
}

// Page table isolation: CPL 3 has tables of its own, without the kernel's data.
func TestIsolatedTablesAreReadAsTheyAre(t *testing.T) {
	k := byHand()
	w := k.inWorld()
	kernel := w.state.CR3
	// The pair is 8 KiB, and the kernel's half of it is the first.
	pair := uint64(0x40_0000)
	*w.page(pair / pageSize) = *w.page(kernel / pageSize)
	user := w.page(pair/pageSize + 1)
	copy(user[:8*256], w.page(kernel / pageSize)[:8*256])
	copy(user[8*508:], w.page(kernel / pageSize)[8*508:8*509]) // cpu_entry_area
	w.state.CR3 = pair | isolated | 0x801                      // with a PCID
	l := ReaderOf(k).Read(w)
	require.True(t, l.Isolated)
	r, _ := l.Find(stackOne)
	require.Equal(t, ThreadStack, r.Kind, "whose it is, is known")
	require.False(t, r.Mapped())
	r, _ = l.Find(cea)
	require.True(t, r.Mapped())
}

func TestKernelGSBaseIsFoundWhereverItIs(t *testing.T) {
	const high, low = 0xffff_8880_0f00_0000, 0x7f00_0000_0000
	for _, test := range []struct {
		cpl              uint16
		active, inactive uint64
		want             uint64
	}{
		{0, high, low, high},
		{0, high, high + 1, high},
		{0, low, high, high}, // before SWAPGS
		{3, low, high, high},
		{3, high + 1, high, high}, // WRGSBASE
		{0, 0, 0, 0},
	} {
		var s x86.State
		s.Seg[x86.CS].Selector = test.cpl
		s.Seg[x86.GS].Base, s.KernelGSBase = test.active, test.inactive
		require.Equal(t, test.want, KernelGSBase(&s))
	}
}
