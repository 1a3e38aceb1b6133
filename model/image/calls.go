// SPDX-License-Identifier: GPL-2.0-or-later

package image

// Call is a direct call, or a direct jump to the start of a function.
type Call struct {
	Address  uint64 // of the instruction
	Return   uint64 // of the next one: what a call pushes
	Function string // that it is in
	Jump     bool   // a tail call: Return is not pushed
}

// CallsTo finds the direct calls of a function, in all code of the image or, if
// any are named, in these functions; sorted by address. What is called in
// .altinstr_replacement is not here.
func (i *Image) CallsTo(name string, in ...string) []Call { return nil }
