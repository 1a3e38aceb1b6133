// SPDX-License-Identifier: GPL-2.0-or-later

package lockstep

import (
	"slices"
	"strings"

	"github.com/uklemu/uklemu/emu/unicorn"
)

// Known is a way in which QEMU 7.2's TCG is not what the manual has. It
// explains a difference only where the emulator did what the manual says.
type Known struct {
	Name string
	// Manual is what the manual says, and what QEMU does instead.
	Manual string
	// Ours marks one of the emulator's own, that is still to be made right.
	Ours bool

	// bits, of a defect that changes a value and nothing that follows, says
	// which bits of a field may differ.
	bits func(e *evidence, field int) uint64
	// ends, of a defect after which the machines are in different places,
	// says whether these records show it.
	ends func(e *evidence) bool
	// inSteps marks one that QEMU has only when it is stepped.
	inSteps bool
	// stepped, of a defect that is seen in steps alone, says whether these
	// fields, that differ at an instruction boundary, show it.
	stepped func(fields []Field, inHandler bool) bool
}

// evidence is two records that may differ: the emulator's and QEMU's.
type evidence struct {
	payload *Payload
	a, b    Record
}

func (e *evidence) at() unicorn.Insn { return e.payload.instruction(e.a.RIP()) }
func (e *evidence) user() bool       { return e.a[3]&3 == 3 }

// mentions says whether the case has a line with this in it.
func (e *evidence) mentions(part string) bool {
	return slices.ContainsFunc(e.payload.Program.Cases[e.a.Case()].Text, func(line string) bool { return strings.Contains(line, part) })
}

// hit are the breakpoints of a #DB that DR7 enables, on QEMU's side.
func (e *evidence) hit() uint64 {
	return e.b[fieldDR6] & e.payload.Program.Cases[e.a.Case()].breakpointsEnabled()
}

// raised says that the emulator has a fault with error code 0, or the #DF
// that it became, at an instruction of these classes.
func (e *evidence) raised(vector int, classes ...unicorn.Class) bool {
	if e.a.Event() != vector && e.a.Event() != vecDF || e.a.ErrorCode() != 0 {
		return false
	}
	for _, c := range classes {
		if e.at().Class == c {
			return true
		}
	}
	return len(classes) == 0
}

const (
	arithmetic = flagCF | flagPF | flagAF | flagZF | flagSF | flagOF
	vecDB      = 1
	vecUD      = 6
	vecNM      = 7
	vecDF      = 8
	vecSS      = 12
	vecGP      = 13
	vecPF      = 14
	vecAC      = 17
)

func isCanonical(address uint64) bool { return uint64(int64(address<<16)>>16) == address }

// selectorFault says whether the error code is one of SDM vol. 3A, figure 7-7.
func selectorFault(event int) bool { return event >= 10 && event <= vecGP }

// KnownDefects are all of them.
var KnownDefects = slices.Concat(knownValues, knownPartings)

// known finds a defect by name.
func known(name string) (Known, bool) {
	for _, k := range KnownDefects {
		if k.Name == name {
			return k, true
		}
	}
	return Known{}, false
}
