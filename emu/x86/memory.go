// SPDX-License-Identifier: GPL-2.0-or-later

package x86

// Access says how linear memory is touched, as far as paging asks (SDM vol.
// 3A 5.6).
type Access struct {
	Write    bool
	Fetch    bool
	User     bool // a user-mode access: CPL 3 and not implicit
	Implicit bool // an implicit supervisor access: GDT, LDT, IDT, TSS
}

// Memory is linear memory through the page tables that the state in force
// names. Load and Store return nil, or the #PF that the access causes, with
// its error code and the address for CR2 (the first byte that could not be
// reached); then nothing was stored. Canonicality is the caller's to check:
// whether it is #GP or #SS depends on the instruction.
type Memory interface {
	Load(linear uint64, p []byte, how Access) *Exception
	Store(linear uint64, p []byte, how Access) *Exception
}

// Vector is an interrupt vector, 0 to 255 (SDM vol. 3A, table 7-1).
type Vector uint8

// Exception is a fault, trap or abort on its way to the guest.
type Exception struct {
	Vector       Vector
	HasErrorCode bool
	ErrorCode    uint32
	CR2          uint64 // for #PF, the linear address
	DR6          uint64 // for #DB, the bits to set in DR6
}
