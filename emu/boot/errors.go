// SPDX-License-Identifier: GPL-2.0-or-later

package boot

import (
	"errors"
	"fmt"
	"strings"
)

// What can be wrong with an image or with what goes along with it. Every
// error of this package is an [*Error] that wraps one of these.
var (
	ErrUnreadable  = errors.New("the file cannot be read")
	ErrDirectory   = errors.New("this is a directory")
	ErrEmpty       = errors.New("the file is empty")
	ErrNotKernel   = errors.New("not a kernel image")
	ErrCompressed  = errors.New("the file is compressed")
	ErrForeign     = errors.New("an image for another system")
	ErrClass       = errors.New("wrong ELF class")
	ErrMachine     = errors.New("an image for another processor")
	ErrHeader      = errors.New("unusable header")
	ErrTruncated   = errors.New("the file is truncated")
	ErrSegment     = errors.New("unusable segment")
	ErrOutside     = errors.New("outside the machine's memory")
	ErrOverlap     = errors.New("two things at the same address")
	ErrEntry       = errors.New("the entry point is not in the image")
	ErrInitrd      = errors.New("the initrd does not fit")
	ErrCommandLine = errors.New("unusable command line")
	ErrMemory      = errors.New("not enough memory for the boot structures")
	ErrProtocol    = errors.New("boot protocol not offered by the image")
)

// Error is a refusal for people: which file, what is wrong, where, what was
// found there, and what would be accepted.
type Error struct {
	File  string
	Err   error  // one of the sentinels above
	Where string // the field and its offset; may be empty
	Found string // may be empty
	Want  string // may be empty
	Cause error  // an error of the operating system or of the memory, or nil
}

func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %v", e.File, e.Err)
	if e.Where != "" {
		fmt.Fprintf(&b, ": %s", e.Where)
	}
	if e.Found != "" {
		if e.Where == "" {
			b.WriteString(": found")
		} else {
			b.WriteString(" is")
		}
		fmt.Fprintf(&b, " %s", e.Found)
	}
	if e.Cause != nil {
		fmt.Fprintf(&b, ": %v", e.Cause)
	}
	if e.Want != "" {
		fmt.Fprintf(&b, "; accepted: %s", e.Want)
	}
	return b.String()
}

// Unwrap makes errors.Is find the sentinel and the cause.
func (e *Error) Unwrap() []error {
	if e.Cause == nil {
		return []error{e.Err}
	}
	return []error{e.Err, e.Cause}
}

// at names a field and where it is in the file.
func at(field string, offset uint64) string {
	return fmt.Sprintf("%s (file offset %#x)", field, offset)
}

func hex(v uint64) string { return fmt.Sprintf("%#x", v) }

func (r Range) String() string { return fmt.Sprintf("[%#x, %#x)", r.Start, r.End) }
