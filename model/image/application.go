// SPDX-License-Identifier: GPL-2.0-or-later

package image

import (
	"debug/elf"
	"slices"
	"strings"

	"github.com/uklemu/uklemu/emu/symbols"
)

// App is the application: what is linked into the kernel to run in CPL 0.
type App struct {
	Text, ROData, Data, BSS []Range // sorted
	Start                   uint64  // ukl__start, where it is entered
	Main                    uint64  // ukl_main, 0 if it has none
	TLS                     *TLS    // nil if it has no thread-local storage
	Symbols                 []symbols.Symbol
	// BySection is true if the linker put it in one piece in each part, so
	// that ranges are exact; else they were made from the names of symbols.
	BySection bool
}

// TLS is the image that the thread-local storage of each thread begins with.
type TLS struct {
	Address   uint64
	FileSize  uint64 // of .tdata
	Size      uint64 // with .tbss
	Alignment uint64
}

// Application is what is linked into the kernel, nil for a kernel without one.
func (i *Image) Application() *App { return i.app }

// Contains says whether an address is in any part of the application.
func (a *App) Contains(address uint64) bool {
	for _, part := range [][]Range{a.Text, a.ROData, a.Data, a.BSS} {
		if within(part, address) {
			return true
		}
	}
	return false
}

const (
	applicationPrefix = "ukl_"
	uklEntry          = "ukl_entry_SYSCALL_64"
	applicationStart  = "ukl__start"
	applicationMain   = "ukl_main"
)

// kernelsOwn are names of the kernel that begin like the application's: its
// entries, shims and helpers in the trees of the published series. A name that
// ends in * stands for all that begin so.
var kernelsOwn = []string{
	uklEntry, "ukl_ss_u2k", "ukl_ss_k2u", "ukl_state_u2k", "ukl_state_k2u", "ukl_bp_*",
	"ukl_set_bypass_limit", "ukl_set_bypass_syscall", "ukl_get_bypass_syscall",
	"ukl_worker_sleep", "ukl_tsc_log", "ukl_subs", "ukl_pledge*",
}

// applications says whether a symbol's name is one of the application's.
func applications(name string) bool {
	return strings.HasPrefix(name, applicationPrefix) && !slices.ContainsFunc(kernelsOwn, func(own string) bool {
		prefix, many := strings.CutSuffix(own, "*")
		return name == own || many && strings.HasPrefix(name, prefix)
	})
}

// readApplication finds the application: by what the linker script says of it
// (our series, patch 11), else by the names of symbols.
func (i *Image) readApplication() *App {
	a := &App{}
	for _, part := range []struct {
		name   string
		ranges *[]Range
	}{{"text", &a.Text}, {"rodata", &a.ROData}, {"data", &a.Data}, {"bss", &a.BSS}} {
		if r, ok := i.bounded("__ukl_"+part.name+"_start", "__ukl_"+part.name+"_end", ".ukl."+part.name); ok {
			*part.ranges = []Range{r}
			a.BySection = true
		}
	}
	if !a.BySection {
		i.bySymbols(a)
	}
	if a.Text == nil || i.isProgram(a) {
		return nil
	}
	a.Start, _ = i.Address(applicationStart)
	a.Main, _ = i.Address(applicationMain)
	a.TLS = i.readTLS()
	for _, s := range i.Symbols.Symbols() {
		if !s.Absolute && applications(s.Name) && a.Contains(s.Address) {
			a.Symbols = append(a.Symbols, s)
		}
	}
	return a
}

// isProgram says whether what looks like an application is a program in CPL 3
// that comes with a stock kernel (builtin:mini,stock): it is in the lower half,
// and there is no way for it to be anything else.
func (i *Image) isProgram(a *App) bool {
	return !hasSymbol(uklEntry)(i) && !i.kml() &&
		slices.ContainsFunc(i.executable, upperHalf) && !slices.ContainsFunc(a.Text, func(r Range) bool { return upperHalf(section{Range: r}) })
}

func (i *Image) readTLS() *TLS {
	for _, p := range i.file.Progs {
		if p.Type == elf.PT_TLS && p.Memsz != 0 {
			return &TLS{p.Vaddr, p.Filesz, p.Memsz, p.Align}
		}
	}
	return nil
}

// bySymbols makes ranges of neighbours that are all the application's.
func (i *Image) bySymbols(a *App) {
	all := i.Symbols.Symbols()
	for _, s := range i.Symbols.Sections() {
		if !s.Allocated || s.Address == 0 || s.Address+s.Size <= s.Address {
			continue
		}
		part := &a.ROData
		switch {
		case s.Executable:
			part = &a.Text
		case s.NoBits:
			part = &a.BSS
		case s.Writable && s.Name != ".rodata":
			part = &a.Data
		}
		*part = append(*part, runs(symbolsIn(all, s.Address, s.Address+s.Size), s.Address+s.Size)...)
	}
	for _, part := range []*[]Range{&a.Text, &a.ROData, &a.Data, &a.BSS} {
		*part = merged(*part)
	}
}

// symbolsIn are the symbols of a piece of memory.
func symbolsIn(all []symbols.Symbol, start, end uint64) []symbols.Symbol {
	index := func(at uint64) int {
		n, _ := slices.BinarySearchFunc(all, at, func(s symbols.Symbol, at uint64) int {
			if s.Address < at {
				return -1
			}
			return 1
		})
		return n
	}
	return all[index(start):index(end)]
}

// runs are the ranges from a symbol of the application to the next one of the
// kernel. An address that has names of both is the application's: a kernel's
// label may mark its start.
func runs(all []symbols.Symbol, end uint64) []Range {
	var ranges []Range
	for n := 0; n < len(all); {
		at, ours := all[n].Address, false
		for ; n < len(all) && all[n].Address == at; n++ {
			ours = ours || !all[n].Absolute && applications(all[n].Name)
		}
		next := end
		if n < len(all) {
			next = all[n].Address
		}
		switch last := len(ranges) - 1; {
		case !ours:
		case last >= 0 && ranges[last].End == at:
			ranges[last].End = next
		default:
			ranges = append(ranges, Range{at, next})
		}
	}
	return ranges
}
