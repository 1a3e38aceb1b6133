// SPDX-License-Identifier: GPL-2.0-or-later

// Package invariant is the catalogue of what a kernel with an application in
// ring 0 promises, and how each promise is looked at.
//
//	suite := invariant.NewSuite(img, invariant.Points, invariant.All()...)
//	stream, err := event.Attach(machine, img, suite.See)
//	machine.Run(emu.Until{})
//	for _, result := range suite.Results() { ... }
//
// Each invariant is a type of its own in a file of its group. The groups are:
// AS address space, MT mode tracking, EN system-call entry, EX system-call exit,
// IR interrupts and faults, UA user access, ST stacks, SG signals, XT exec,
// clone and thread-local storage, CS context switch, FL and HW flags and protection.
package invariant

import (
	"github.com/uklemu/uklemu/model/event"
	"github.com/uklemu/uklemu/model/image"
)

// Tier is what an invariant has to be shown.
type Tier uint8

// Tiers.
const (
	// Points invariants look at events alone: at most twice the time of a run
	// that nobody looks at.
	Points Tier = iota
	// Full invariants need the state at every instruction boundary or every
	// access to memory: at most eight times.
	Full
	// Static invariants look at the image, not at a run.
	Static
)

func (t Tier) String() string { return [...]string{"points", "full", "static"}[t] }

// Rule says what an invariant promises.
type Rule struct {
	ID      string // as the catalogue has it: EN-5
	Promise string // in a line
	Source  string // the patch, the kernel's file or the manual's paragraph that it follows from
	When    string // at which events it is looked at
	// Observes is what is looked at there.
	Observes string
	// Shows is what a violation looks like, an example.
	Shows string
	// Wanted ones are known to fail, or suspected to, on the published series.
	Wanted bool
	Tier   Tier
	Kinds  []event.Kind
	// Needs says why the invariant does not apply to an image; nil and "" are
	// that it does.
	Needs func(*image.Image) string
}

// Invariant is one of the catalogue.
type Invariant interface {
	Rule() Rule
	// Watch makes what looks at one run.
	Watch() Watcher
}

// Watcher gets the events of the rule's kinds, in order.
type Watcher interface {
	See(r *Report, e *event.Event)
}

// Forgetful is a Watcher that remembers something from event to event, which
// it forgets when the machine goes back to a snapshot.
type Forgetful interface{ Forget() }

// Inspector is a Static invariant.
type Inspector interface {
	Invariant
	Inspect(r *Report, img *image.Image)
}

// UKL is for invariants that need an application in ring 0 that is tracked.
func UKL(img *image.Image) string {
	if !img.UKL.Present {
		return "a kernel without UKL"
	}
	return ""
}

// notKML is for what a kernel promises that KML, by design, does not.
func notKML(img *image.Image) string {
	if img.UKL.Flavor == image.KML {
		return "KML has calls instead of SYSCALL, and nothing that looks after the rest"
	}
	return ""
}

// returnsByRET is for what is about POPFQ and RET.
func returnsByRET(img *image.Image) string {
	if !img.UKL.UseRet {
		return "the kernel returns by IRET, never by RET"
	}
	return ""
}

// doubleFaults is for what a page fault on the application's own stack becomes.
func doubleFaults(img *image.Image) string {
	if img.UKL.ISTPF {
		return "page faults have a stack of their own, so that none becomes a double fault"
	}
	return ""
}

// needsSymbol is for what is looked at in one function.
func needsSymbol(name string) func(*image.Image) string {
	return func(img *image.Image) string {
		if _, ok := img.Address(name); !ok {
			return "the kernel has no " + name
		}
		return ""
	}
}

// all combines what is needed.
func all(needs ...func(*image.Image) string) func(*image.Image) string {
	return func(img *image.Image) string {
		for _, n := range needs {
			if why := n(img); why != "" {
				return why
			}
		}
		return ""
	}
}
