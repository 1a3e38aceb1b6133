// SPDX-License-Identifier: GPL-2.0-or-later

package image

// Patched is a place that .altinstructions lets the kernel patch at boot, and
// what memory has there.
type Patched struct {
	Address uint64
	File    []byte // as linked
	Memory  []byte // as it is
	// Chosen is the alternative that memory has, nil if it has what was linked.
	Chosen *Alternative
	// Alternatives are all that there are for this place, in their order.
	Alternatives []Alternative
	// Known is false if memory has neither what was linked nor an
	// alternative, but for NOPs of other lengths.
	Known bool
}

// Alternative is one that is chosen by a feature of the CPU.
type Alternative struct {
	Feature  int    // X86_FEATURE_..., word * 32 + bit
	Name     string // as /proc/cpuinfo has it, "" if it is not shown there
	Inverted bool   // chosen when the feature is absent
	Code     []byte // as it is to be at Address
}

// Alternatives compares what is linked with what a machine's memory has, at
// every place that can be patched; sorted by address.
func (i *Image) Alternatives(mem Memory) ([]Patched, error) { return nil, nil }
