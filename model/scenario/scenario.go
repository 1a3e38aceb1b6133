// SPDX-License-Identifier: GPL-2.0-or-later

package scenario

import (
	"github.com/uklemu/uklemu/emu/x86"
	"github.com/uklemu/uklemu/model/image"
)

// Scenario is something for the application to do that exercises invariants.
type Scenario struct {
	Name string
	Does string // in a line
	// Needs says why it can't be played on an image; nil and "" are that it can.
	Needs func(*image.Image) string
	Play  func(*Driver) error
	// Points says that it is played with the invariants that look at points alone,
	// whatever the tier: it is long, and repeats what others do.
	Points bool
}

// All are the scenarios, in the order that "uklemu check" plays them in.
func All() []Scenario {
	var list []Scenario
	for _, group := range [][]Scenario{own, calls, pointers, stacks, lostInterrupts, signals, processes, leftovers, nesting, disturbances} {
		list = append(list, group...)
	}
	return list
}

// Play plays one from the application's beginning.
func (d *Driver) Play(s Scenario) error {
	if err := d.Reset(); err != nil {
		return err
	}
	return s.Play(d)
}

// has is for scenarios that take a function of the kernel.
func has(name string) func(*image.Image) string {
	return func(img *image.Image) string {
		if _, ok := img.Address(name); !ok {
			return "the kernel has no " + name
		}
		return ""
	}
}

// looksAfterAlarms is for signals that a timer sends to an application which
// makes no call.
func looksAfterAlarms(img *image.Image) string {
	if why := looksAfter(img); why != "" {
		return why
	}
	return has("__x64_sys_setitimer")(img)
}

// looksAfter is for scenarios that a kernel without UKL's care of an application in
// CPL 0 does not survive.
func looksAfter(img *image.Image) string {
	if img.UKL.Flavor == image.KML {
		return "KML takes the application's faults for the kernel's"
	}
	return ""
}

// inKernelMode is for scenarios of an application in CPL 0.
func inKernelMode(img *image.Image) string {
	if _, ok := img.Address("ukl_entry_SYSCALL_64"); !ok {
		return "the application runs in CPL 3"
	}
	if img.UKL.Flavor == image.KML {
		return "KML lets an application in CPL 0 do this, and does not survive it"
	}
	return ""
}

const pageSize = 4096

// memory gives the application fresh pages, writable, never touched.
func (d *Driver) memory(pages uint64) (uint64, error) {
	const readWrite, privateAnonymous = 3, 0x22
	none := ^uint64(0)
	return d.Must(sysMmap, 0, pages*pageSize, readWrite, privateAnonymous, none, 0)
}

// touch makes pages be there.
func (d *Driver) touch(at, size uint64) error {
	for page := at; page < at+size; page += pageSize {
		if _, err := d.Do(Step{At: Store, Set: map[int]uint64{x86.RDI: page, x86.RAX: 0}}); err != nil {
			return err
		}
	}
	return nil
}

// onStack is a step with another stack pointer.
func onStack(s Step, rsp uint64) Step {
	set := map[int]uint64{x86.RSP: rsp}
	for r, v := range s.Set {
		set[r] = v
	}
	s.Set = set
	return s
}

// patterns gives every register but RSP a value of its own, so that one that
// is lost or mixed up shows.
func patterns(s Step) Step {
	set := map[int]uint64{}
	for r := range 16 {
		if r != x86.RSP {
			set[r] = 0x1111111111111111*uint64(r) ^ 0x00c0ffee00c0ffee
		}
	}
	for r, v := range s.Set {
		set[r] = v
	}
	s.Set = set
	return s
}
