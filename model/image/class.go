// SPDX-License-Identifier: GPL-2.0-or-later

package image

import "slices"

// Class is whose code an address is.
type Class uint8

const (
	Outside     Class = iota // not in the image's code: the lower half, data, modules
	Application              // the application that is linked into the kernel
	Kernel                   // the kernel, but for
	EntryText                // its .entry.text, that runs with any GS base, stack and mark
)

var classNames = [...]string{"outside", "application", "kernel", "entry text"}

func (c Class) String() string {
	if int(c) >= len(classNames) {
		return "unknown"
	}
	return classNames[c]
}

// classify prepares Class.
func (i *Image) classify() {
	for _, s := range i.executable {
		i.code = append(i.code, s.Range)
	}
	i.code = merged(i.code)
	if r, ok := i.bounded("__entry_text_start", "__entry_text_end", ".entry.text"); ok {
		i.entryText = []Range{r}
	}
	if r, ok := i.bounded("__noinstr_text_start", "__noinstr_text_end", ".noinstr.text"); ok {
		i.noinstr = []Range{r}
	}
}

// Class says whose code is at an address.
func (i *Image) Class(rip uint64) Class {
	switch {
	case i.app != nil && within(i.app.Text, rip):
		return Application
	case within(i.entryText, rip):
		return EntryText
	case within(i.code, rip):
		return Kernel
	}
	return Outside
}

// Noinstr says whether an address is in .noinstr.text: C code of the kernel
// (class Kernel) that may run before the entry is complete.
func (i *Image) Noinstr(rip uint64) bool { return within(i.noinstr, rip) }

// NoinstrRanges are .noinstr.text's, sorted.
func (i *Image) NoinstrRanges() []Range { return i.noinstr }

// ClassRanges are the ranges of a class, sorted: for who observes a class
// and not an address. Outside has none, being all the rest.
func (i *Image) ClassRanges(c Class) []Range {
	var application []Range
	if i.app != nil {
		application = i.app.Text
	}
	switch c {
	case Application:
		return application
	case EntryText:
		return subtract(i.entryText, application)
	case Kernel:
		return subtract(i.code, merged(slices.Concat(application, i.entryText)))
	}
	return nil
}
