// SPDX-License-Identifier: GPL-2.0-or-later

package image

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

func (k EntryKind) String() string {
	if k > Return {
		return "unknown"
	}
	return [...]string{"syscall", "call", "exception", "NMI", "interrupt", "return"}[k]
}

// Entry is a place where the kernel is entered, or left.
type Entry struct {
	Name    string
	Address uint64
	Size    uint64 // 0 if it is not known
	Kind    EntryKind
	Vector  int // -1 if it has none, or is reached by several
	IST     int // of its gate as the kernel's tables have it; 0 for none
}

// Entries are all of them, by address, then vector.
func (i *Image) Entries() []Entry { return nil }

// Entry is the one of an exception's or interrupt's vector.
func (i *Image) Entry(vector int) (Entry, bool) { return Entry{}, false }
