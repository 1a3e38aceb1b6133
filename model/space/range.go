// SPDX-License-Identifier: GPL-2.0-or-later

package space

import (
	"cmp"
	"fmt"
	"strings"
)

// Rights are what an access may do, as all levels of the page tables allow it
// together (SDM vol. 3A 5.6.1). The zero value is not mapped.
type Rights uint8

const (
	Present    Rights = 1 << iota // the supervisor can read it
	Writable                      // every level has R/W
	Executable                    // no level has XD
	User                          // every level has U/S: CPL 3 has it too
	Global                        // stays in the TLB when CR3 is loaded
)

// String is five characters: r, w, x, u for user and g for global, or dashes.
func (r Rights) String() string {
	text := []byte("-----")
	for i, letter := range []byte("rwxug") {
		if r&(1<<i) != 0 {
			text[i] = letter
		}
	}
	return string(text)
}

// Summary says in how many pages of a range a bit is set.
type Summary uint8

const (
	None Summary = iota
	Some
	All
)

func (s Summary) String() string { return [...]string{"none", "some", "all"}[min(s, All)] }

// Range is a stretch of addresses that is the same throughout: one owner, the
// same rights, pages of one size.
type Range struct {
	Start, Size uint64
	Kind        Kind
	// Name says which one of its kind, where there are several: the task of a
	// stack, the number of an IST, the file of a mapping, the function that
	// allocated it. It may be empty.
	Name   string
	Rights Rights
	// Page is the size of the pages, 0 for what is not mapped.
	Page uint64
	// Accessed and Dirty are the bits that the CPU has set in the entries.
	Accessed, Dirty Summary
	// Physical is where the first byte is, and Contiguous says that all the
	// others follow it there.
	Physical   uint64
	Contiguous bool
	// Repeated says that the same page tables are used again and again
	// (espfix): then the rights are all that any page has.
	Repeated bool
}

// Last is the last address: a range may end where addresses do.
func (r Range) Last() uint64 { return r.Start + r.Size - 1 }

// Contains says whether an address is in the range.
func (r Range) Contains(address uint64) bool { return address-r.Start < r.Size }

// Mapped says whether it is in the page tables.
func (r Range) Mapped() bool { return r.Rights&Present != 0 }

// Title is the kind with the name.
func (r Range) Title() string {
	if r.Name == "" {
		return string(r.Kind)
	}
	return string(r.Kind) + " " + r.Name
}

// Notes are what the columns of a table have no place for.
func (r Range) notes() string {
	var notes []string
	if r.Kind.Guard() && r.Mapped() {
		notes = append(notes, "mapped, though a guard")
	}
	if r.Repeated {
		notes = append(notes, "the same pages repeated")
	}
	return strings.Join(notes, ", ")
}

func (r Range) String() string {
	return fmt.Sprintf("%016x-%016x %s %s", r.Start, r.Last(), r.Rights, r.Title())
}

func byStart(r Range, address uint64) int { return cmp.Compare(r.Start, address) }

// size is for people: 48B, 16K, 1.5G. It is exact or has one digit behind the
// point.
func size(n uint64) string {
	units := []string{"B", "K", "M", "G", "T", "P"}
	i := 0
	for i < len(units)-1 && n>>(10*i) >= 1024 {
		i++
	}
	unit := uint64(1) << (10 * i)
	if n%unit == 0 {
		return fmt.Sprintf("%d%s", n/unit, units[i])
	}
	return fmt.Sprintf("%.1f%s", float64(n)/float64(unit), units[i])
}
