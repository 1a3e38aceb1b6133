// SPDX-License-Identifier: GPL-2.0-or-later

package x86

// Vectors of the exceptions that the manual names (SDM vol. 3A, table 7-1).
const (
	VectorDE  Vector = 0
	VectorDB  Vector = 1
	VectorNMI Vector = 2
	VectorBP  Vector = 3
	VectorOF  Vector = 4
	VectorBR  Vector = 5
	VectorUD  Vector = 6
	VectorNM  Vector = 7
	VectorDF  Vector = 8
	VectorTS  Vector = 10
	VectorNP  Vector = 11
	VectorSS  Vector = 12
	VectorGP  Vector = 13
	VectorPF  Vector = 14
	VectorMF  Vector = 16
	VectorAC  Vector = 17
	VectorMC  Vector = 18
	VectorXM  Vector = 19
	VectorVE  Vector = 20
	VectorCP  Vector = 21
)

// Type is what the saved RIP of an exception points to (SDM vol. 3A 7.5).
type Type uint8

const (
	Interrupt   Type = iota // no exception at all: NMI and vectors from 32 on
	Fault                   // the instruction that caused it
	Trap                    // the instruction after
	FaultOrTrap             // #DB: DR6 says
	Abort                   // nothing that can be relied on
)

// Class decides what a second exception during delivery becomes (SDM vol.
// 3A, table 7-4).
type Class uint8

const (
	Benign Class = iota
	Contributory
	PageFault
	DoubleFault
)

// VectorInfo is a row of SDM vol. 3A, tables 7-1 and 7-4.
type VectorInfo struct {
	Name      string // as the manual writes it: "#GP"; empty for no exception
	Type      Type
	ErrorCode bool
	Class     Class
}

var vectors = [32]VectorInfo{
	VectorDE:  {"#DE", Fault, false, Contributory},
	VectorDB:  {"#DB", FaultOrTrap, false, Benign},
	VectorNMI: {"NMI", Interrupt, false, Benign},
	VectorBP:  {"#BP", Trap, false, Benign},
	VectorOF:  {"#OF", Trap, false, Benign},
	VectorBR:  {"#BR", Fault, false, Benign},
	VectorUD:  {"#UD", Fault, false, Benign},
	VectorNM:  {"#NM", Fault, false, Benign},
	VectorDF:  {"#DF", Abort, true, DoubleFault},
	VectorTS:  {"#TS", Fault, true, Contributory},
	VectorNP:  {"#NP", Fault, true, Contributory},
	VectorSS:  {"#SS", Fault, true, Contributory},
	VectorGP:  {"#GP", Fault, true, Contributory},
	VectorPF:  {"#PF", Fault, true, PageFault},
	VectorMF:  {"#MF", Fault, false, Benign},
	VectorAC:  {"#AC", Fault, true, Benign},
	VectorMC:  {"#MC", Abort, false, Benign},
	VectorXM:  {"#XM", Fault, false, Benign},
	VectorVE:  {"#VE", Fault, false, PageFault},
	VectorCP:  {"#CP", Fault, true, Contributory},
}

// Info is the manual's row for the vector. A vector that the manual leaves
// to interrupts, or reserves, is benign and has no error code.
func (v Vector) Info() VectorInfo {
	if int(v) < len(vectors) {
		return vectors[v]
	}
	return VectorInfo{}
}

// String is the exception's name, or the vector as a number.
func (v Vector) String() string {
	if name := v.Info().Name; name != "" {
		return name
	}
	const hex = "0123456789abcdef"
	return string([]byte{'0', 'x', hex[v>>4], hex[v&15]})
}

// Bits of the error code of the exceptions about segments (SDM vol. 3A,
// figure 7-7).
const (
	ErrorEXT = 1 << 0 // during delivery of an event external to the program
	ErrorIDT = 1 << 1 // the index is that of a gate in the IDT
	ErrorTI  = 1 << 2 // the index is into the LDT, not the GDT
)

// Bits of the error code of #PF (SDM vol. 3A, figure 5-12).
const (
	PFPresent  = 1 << 0
	PFWrite    = 1 << 1
	PFUser     = 1 << 2
	PFReserved = 1 << 3
	PFFetch    = 1 << 4
	PFKey      = 1 << 5
)

// Raise is the exception with the vector and, where it has one, the error
// code.
func Raise(v Vector, code uint32) *Exception {
	if v.Info().ErrorCode {
		return &Exception{Vector: v, HasErrorCode: true, ErrorCode: code}
	}
	return &Exception{Vector: v}
}

func raiseGP0() *Exception { return Raise(VectorGP, 0) }
func raiseUD() *Exception  { return Raise(VectorUD, 0) }
