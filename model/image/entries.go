// SPDX-License-Identifier: GPL-2.0-or-later

package image

import (
	"cmp"
	"slices"
	"strings"

	"github.com/uklemu/uklemu/emu/symbols"
)

// EntryKind is by what the CPU comes to an entry.
type EntryKind uint8

const (
	Syscall   EntryKind = iota // SYSCALL, SYSENTER, INT 0x80 of CPL 3
	UKLCall                    // a CALL of the application
	Exception                  // a vector below 32, but for
	NMI                        // vector 2
	Interrupt                  // a vector from 32 on
	Return                     // a label on the way out of the kernel
)

var entryKindNames = [...]string{"syscall", "call", "exception", "NMI", "interrupt", "return"}

func (k EntryKind) String() string {
	if int(k) >= len(entryKindNames) {
		return "unknown"
	}
	return entryKindNames[k]
}

// NoVector is the vector of an entry that none leads to.
const NoVector = -1

// Entry is a place where the kernel is entered, or left.
type Entry struct {
	Name    string
	Address uint64
	Size    uint64 // 0 if it is not known
	Kind    EntryKind
	Vector  int // NoVector if it has none
	IST     int // of its gate, 1 to 7; 0 for none
}

// Entries are all of them, by address, then vector. The stubs of vectors that
// share a symbol are named "irq_entries_start+0x8" and so on.
func (i *Image) Entries() []Entry { return i.entries() }

// Entry is the one of an exception's or interrupt's vector.
func (i *Image) Entry(vector int) (Entry, bool) {
	n := slices.IndexFunc(i.entries(), func(e Entry) bool { return e.Vector == vector })
	if n < 0 || vector == NoVector {
		return Entry{}, false
	}
	return i.entries()[n], true
}

// called are the entries that have no vector, and the labels of returns
// (arch/x86/entry/entry_64.S, entry_64_compat.S, and ukl_64.S of our series).
var called = []struct {
	kind  EntryKind
	names []string
}{
	{Syscall, []string{"entry_SYSCALL_64", "entry_SYSENTER_compat", "entry_SYSCALL_compat", "executed_ukl_SYSCALL"}},
	{UKLCall, []string{uklEntry, "ukl_ss_u2k", "ukl_state_u2k"}},
	{Return, []string{
		"entry_SYSRETQ_unsafe_stack", "entry_SYSRETL_compat_unsafe_stack", "swapgs_restore_regs_and_return_to_usermode",
		"restore_regs_and_return_to_kernel", "common_interrupt_return", "native_iret", "native_irq_return_iret",
		"native_irq_return_ldt", "error_return", "paranoid_exit", "ret_from_fork", "ret_from_fork_asm",
		"return_to_ukl_application", "return_to_ukl_ret", "return_to_ukl_iret", "ukl_ss_k2u", "ukl_state_k2u",
	}},
}

// vector128 is INT 0x80's: a device's where there are no 32-bit programs.
const vector128 = 0x80

func (i *Image) readEntries() []Entry {
	var all []Entry
	for _, c := range called {
		for _, name := range c.names {
			if s, ok := i.Symbols.Symbol(name); ok && !s.Absolute && i.Class(s.Address) != Outside {
				all = append(all, Entry{Name: name, Address: s.Address, Size: s.Size, Kind: c.kind, Vector: NoVector})
			}
		}
	}
	gates := i.gates()
	for _, g := range gates {
		e := Entry{Name: i.Symbols.Name(g.address), Address: g.address, Kind: kindOf(g.vector), Vector: g.vector, IST: g.ist}
		if e.Name == "asm_int80_emulation" || e.Name == "entry_INT80_compat" {
			e.Kind = Syscall
		}
		if s, offset, ok := i.Symbols.Lookup(g.address); ok && offset == 0 {
			e.Size = s.Size
		}
		all = append(all, e)
	}
	all = append(all, i.unassigned(all)...)
	slices.SortStableFunc(all, func(a, b Entry) int {
		return cmp.Or(cmp.Compare(a.Address, b.Address), cmp.Compare(a.Vector, b.Vector), cmp.Compare(a.Name, b.Name))
	})
	return all
}

func kindOf(vector int) EntryKind {
	switch {
	case vector == 2:
		return NMI
	case vector < 32:
		return Exception
	}
	return Interrupt
}

// unassigned are the stubs (asm_exc_, asm_sysvec_, arch/x86/include/asm/idtentry.h)
// that no gate of the tables leads to: those that other code sets up.
func (i *Image) unassigned(known []Entry) []Entry {
	have := map[uint64]bool{}
	for _, e := range known {
		have[e.Address] = true
	}
	var all []Entry
	for _, s := range i.Symbols.Symbols() {
		if kind, ok := stubKind(s); ok && !have[s.Address] && i.Class(s.Address) != Outside {
			have[s.Address] = true
			all = append(all, Entry{Name: s.Name, Address: s.Address, Size: s.Size, Kind: kind, Vector: NoVector})
		}
	}
	return all
}

func stubKind(s symbols.Symbol) (EntryKind, bool) {
	if s.Absolute || s.Kind == symbols.Object {
		return 0, false
	}
	for _, p := range stubPrefixes {
		if strings.HasPrefix(s.Name, p.prefix) {
			return p.kind, true
		}
	}
	return 0, false
}

var stubPrefixes = []struct {
	prefix string
	kind   EntryKind
}{{"asm_exc_", Exception}, {"asm_sysvec_", Interrupt}, {"asm_common_interrupt", Interrupt}, {"asm_spurious_interrupt", Interrupt}}
