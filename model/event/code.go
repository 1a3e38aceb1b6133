// SPDX-License-Identifier: GPL-2.0-or-later

package event

import (
	"slices"
	"strings"

	"golang.org/x/arch/x86/x86asm"

	"github.com/uklemu/uklemu/emu/symbols"
	"github.com/uklemu/uklemu/model/image"
)

// rets are the addresses of a function's RET instructions, as they are linked.
func rets(img *image.Image, name string) (found []uint64) {
	start, ok := img.Address(name)
	if !ok {
		return nil
	}
	end := functionEnd(img, start)
	code := make([]byte, end-start)
	n, _ := img.ReadMemory(start, code)
	code = code[:n]
	for at := 0; at < len(code); {
		i, err := x86asm.Decode(code[at:], 64)
		if err != nil || i.Len == 0 {
			at++
			continue
		}
		if i.Op == x86asm.RET {
			found = append(found, start+uint64(at))
		}
		at += i.Len
	}
	return found
}

// functionEnd is where the code of a symbol ends: at its size, or where it has
// none, at the next symbol.
func functionEnd(img *image.Image, start uint64) uint64 {
	s, _, ok := img.Symbols.Lookup(start)
	if ok && s.Address == start && s.Size > 0 {
		return start + s.Size
	}
	all := img.Symbols.Symbols()
	i, _ := slices.BinarySearchFunc(all, start+1, func(s symbols.Symbol, at uint64) int {
		if s.Address < at {
			return -1
		}
		return 1
	})
	const limit = 4096
	if i < len(all) && all[i].Address-start < limit {
		return all[i].Address
	}
	return start + limit
}

// handlers are the C functions that the vectors' stubs call with their
// pt_regs: exc_page_fault of asm_exc_page_fault (arch/x86/include/asm/idtentry.h).
func handlers(img *image.Image) (found []symbols.Symbol) {
	for _, name := range []string{"exc_double_fault_ukl", "exc_bad_ukl_call"} { // what stubs call for the application alone
		if handler, ok := img.Symbols.Symbol(name); ok {
			found = append(found, handler)
		}
	}
	for _, s := range img.Symbols.Symbols() {
		name, ok := strings.CutPrefix(s.Name, "asm_")
		if !ok || !(strings.HasPrefix(name, "exc_") || strings.HasPrefix(name, "sysvec_") || strings.HasSuffix(name, "_interrupt")) {
			continue
		}
		if handler, ok := img.Symbols.Symbol(name); ok {
			found = append(found, handler)
		}
	}
	return found
}

// fixups are the addresses at which the exception table goes on.
func fixups(img *image.Image) map[uint64]bool {
	found := map[uint64]bool{}
	for _, f := range img.ExceptionTable() {
		found[f.Fixup] = true
	}
	return found
}
