// SPDX-License-Identifier: GPL-2.0-or-later

package unicorn

/*
#include "decode.h"
*/
import "C"

import "github.com/uklemu/uklemu/emu/x86"

// Need is what a CPU must have for an instruction to be there; 0 is nothing.
type Need uint8

// Needs is a set of them.
type Needs uint64

// Has says whether the set has one.
func (ns Needs) Has(n Need) bool { return ns>>n&1 != 0 }

// What an instruction that has a meaning without its feature may need.
const (
	NeedsBMI1  Need = C.NEEDS_BMI1  // TZCNT is BSF without
	NeedsLZCNT Need = C.NEEDS_LZCNT // LZCNT is BSR without
)

var features = [C.NEEDS_END]x86.Feature{
	C.NEEDS_ADX: x86.ADX, C.NEEDS_AES: x86.AES, C.NEEDS_BMI1: x86.BMI1, C.NEEDS_BMI2: x86.BMI2,
	C.NEEDS_CLFLUSHOPT: x86.CLFLUSHOPT, C.NEEDS_CX16: x86.CX16, C.NEEDS_FSGSBASE: x86.FSGSBASE, C.NEEDS_INVPCID: x86.INVPCID,
	C.NEEDS_LAHF: x86.LAHF, C.NEEDS_LZCNT: x86.LZCNT, C.NEEDS_MOVBE: x86.MOVBE, C.NEEDS_PCLMUL: x86.PCLMULQDQ,
	C.NEEDS_PKU: x86.PKU, C.NEEDS_POPCNT: x86.POPCNT, C.NEEDS_RDRAND: x86.RDRAND, C.NEEDS_RDSEED: x86.RDSEED,
	C.NEEDS_RDTSCP: x86.RDTSCP, C.NEEDS_SEP: x86.SEP, C.NEEDS_SMAP: x86.SMAP, C.NEEDS_SSE3: x86.SSE3,
	C.NEEDS_SSE41: x86.SSE41, C.NEEDS_SSE42: x86.SSE42, C.NEEDS_SSSE3: x86.SSSE3, C.NEEDS_XSAVE: x86.XSAVE,
	C.NEEDS_XSAVEOPT: x86.XSAVEOPT,
}

// Denied is what a CPU with these features lacks: the machine raises #UD for
// the instructions that need it, whatever the engine could do.
func Denied(fs x86.Features) Needs {
	var ns Needs
	for n := Need(1); n < C.NEEDS_END; n++ {
		if !fs.Has(features[n]) {
			ns |= 1 << n
		}
	}
	return ns
}
