// SPDX-License-Identifier: GPL-2.0-or-later

package invariant

import "encoding/binary"

// smp says whether the kernel was built for more than one CPU, where %gs is
// what per-CPU data is reached by.
func (r *Report) smp() bool { return r.Image().Config["CONFIG_SMP"] == "y" }

// behindCall says whether the instruction before an address is a CALL: E8
// with a displacement, or FF /2 of any length (SDM vol. 2, CALL).
func (r *Report) behindCall(address uint64) bool {
	if known, ok := r.suite.calls[address]; ok {
		return known
	}
	is := r.readCall(address)
	r.suite.calls[address] = is
	return is
}

func (r *Report) readCall(address uint64) bool {
	var code [8]byte
	read := r.Image().ReadMemory
	if r.suite.machine != nil { // code may be other than it was linked
		read = r.suite.machine.ReadMemory
	}
	if n, err := read(address-8, code[:]); err != nil || n < 8 {
		return true // code that the image does not have: nothing can be said
	}
	if code[3] == 0xe8 {
		return true
	}
	for length := 2; length <= 7; length++ {
		if at := 8 - length; code[at] == 0xff && code[at+1]>>3&7 == 2 {
			return true
		}
	}
	return false
}

// word reads memory of the machine as it is.
func (r *Report) word(at uint64) (uint64, bool) {
	if r.suite.machine == nil {
		return 0, false
	}
	var b [8]byte
	n, err := r.suite.machine.ReadMemory(at, b[:])
	return binary.LittleEndian.Uint64(b[:]), err == nil && n == 8
}

// end is where the function that begins at an address ends, by its size.
func (r *Report) end(start uint64) uint64 {
	s, _, _ := r.Image().Symbols.Lookup(start)
	return start + s.Size
}
