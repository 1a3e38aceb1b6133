// SPDX-License-Identifier: GPL-2.0-or-later

package event

import (
	"cmp"
	"slices"

	"github.com/uklemu/uklemu/emu"
	"github.com/uklemu/uklemu/emu/x86"
	"github.com/uklemu/uklemu/model/image"
)

// Whose code an instruction is, as Event.Code of Boundary and Access has it.
const (
	CodeOutside     = iota // not the image's: of an ordinary program, or made by the application
	CodeApplication        // the application's, in the image
	CodeEntry              // the kernel's entry text
	CodeKernel             // all other of the kernel
	// CodeParanoid is the kernel's, too: what may be called with any GS base or mark,
	// and sees to these itself (.noinstr.text).
	CodeParanoid
)

// Whose memory is accessed, as Event.Data of Access has it.
const (
	DataKernel      = iota // all that is not
	DataLower              // the lower half
	DataApplication        // what the application may write, in the image
	DataConstant           // what it may only read: its text and rodata
)

// flagsSeen are the flags whose change is a Boundary.
const flagsSeen = x86.FlagIF | x86.FlagDF | x86.FlagNT | x86.FlagAC | x86.FlagTF | x86.FlagIOPL

// Full begins to make the events of the full tier, Boundary and Access, or ends it.
// They are told after those that happened in the same stretch of the run, and
// without an Excursion.
func (s *Stream) Full(on bool) error {
	if !on {
		return s.machine.ObserveAll(nil, nil)
	}
	every := &emu.Every{Flags: flagsSeen, GSBase: &s.gs}
	const half = 1 << 63
	for _, code := range []struct {
		class  image.Class
		number uint8
	}{{image.EntryText, CodeEntry}, {image.Application, CodeApplication}, {image.Kernel, CodeKernel}} {
		for _, r := range s.without(s.img.ClassRanges(code.class), code.class == image.Kernel, &every.Code) {
			every.Code = append(every.Code, emu.Zone{Range: emu.Range{Begin: r.Start, Size: r.Size()}, Number: code.number})
			if code.class != image.Kernel && len(every.Fine) < maxFine {
				every.Fine = append(every.Fine, emu.Range{Begin: r.Start, Size: r.Size()})
			}
		}
	}
	every.Data = append(every.Data, emu.Zone{Range: emu.Range{Begin: 0, Size: half}, Number: DataLower})
	every.Stack = append(every.Stack, emu.Zone{Range: emu.Range{Begin: 0, Size: half}, Number: DataLower})
	if app := s.img.Application(); app != nil {
		for _, part := range []struct {
			ranges []image.Range
			number uint8
		}{{app.Data, DataApplication}, {app.BSS, DataApplication}, {app.ROData, DataConstant}, {app.Text, DataConstant}} {
			for _, r := range part.ranges {
				if int64(r.Start) >= 0 || r.Size() == 0 {
					continue // an application that lies in the lower half
				}
				every.Data = append(every.Data, emu.Zone{Range: emu.Range{Begin: r.Start, Size: r.Size()}, Number: part.number})
				every.Stack = append(every.Stack, emu.Zone{Range: emu.Range{Begin: r.Start, Size: r.Size()}, Number: part.number})
			}
		}
	}
	every.Captures = []emu.Capture{{Base: emu.Absolute, Offset: int64(s.current), Size: 8}}
	if s.tracking >= 0 {
		every.Captures = append(every.Captures, emu.Capture{Base: emu.Word(0), Offset: s.tracking, Size: 4})
	}
	every.Accesses = []emu.Accesses{
		{Code: emu.Zones(CodeApplication), Data: emu.AllZones, Read: true, Write: true},
		{Code: emu.Zones(CodeEntry, CodeKernel, CodeParanoid), Data: emu.Zones(DataLower), Read: true, Write: true},
	}
	return s.machine.ObserveAll(every, s.seen)
}

// paranoid are functions that are called before it is known whose exception it
// was, of kernels that have no section for them.
var paranoid = []string{"exc_nmi", "exc_debug", "exc_machine_check", "enter_ukl_user", "enter_ukl_kernel", "is_ukl_thread", "return_to_ukl_ret"}

// without takes the paranoid code out of the kernel's ranges, and makes zones of it.
func (s *Stream) without(ranges []image.Range, kernel bool, zones *[]emu.Zone) []image.Range {
	if !kernel {
		return ranges
	}
	out := slices.Clone(s.img.NoinstrRanges())
	for _, name := range paranoid {
		if f, ok := s.img.Symbols.Symbol(name); ok && f.Size > 0 && s.img.Class(f.Address) == image.Kernel && !s.img.Noinstr(f.Address) {
			out = append(out, image.Range{Start: f.Address, End: f.Address + f.Size})
		}
	}
	slices.SortFunc(out, func(a, b image.Range) int { return cmp.Compare(a.Start, b.Start) })
	for _, o := range out {
		*zones = append(*zones, emu.Zone{Range: emu.Range{Begin: o.Start, Size: o.Size()}, Number: CodeParanoid})
		var rest []image.Range
		for _, r := range ranges {
			if o.End <= r.Start || o.Start >= r.End {
				rest = append(rest, r)
				continue
			}
			if r.Start < o.Start {
				rest = append(rest, image.Range{Start: r.Start, End: o.Start})
			}
			if o.End < r.End {
				rest = append(rest, image.Range{Start: o.End, End: r.End})
			}
		}
		ranges = rest
	}
	return ranges
}

// maxFine is how many ranges can be looked at instruction by instruction.
const maxFine = 8

func (s *Stream) seen(batch []emu.Seen) {
	for i := range batch {
		v := &batch[i]
		if v.State == nil {
			s.event = Event{Kind: Access, Count: v.Count, Code: int(v.Code), Data: int(v.Data), Address: v.Address, Size: uint64(v.Size),
				Write: v.Write, Value: v.Value, ByMachine: v.Machine, Tracking: NoTracking, Registers: Registers{RIP: v.RIP}, PerCPU: s.gs}
			s.tell(&s.event)
			continue
		}
		h := v.State
		s.event = Event{Kind: Boundary, Count: v.Count, Code: int(v.Code), OnData: int(v.Stack), Task: h.Words[0], Tracking: NoTracking, PerCPU: s.gs,
			Registers: Registers{GPR: h.GPR, RIP: h.RIP, RFLAGS: h.RFLAGS, CS: h.CS, SS: h.SS,
				FSBase: h.FSBase, GSBase: h.GSBase, KernelGSBase: h.KernelGSBase, CR3: h.CR3}}
		if s.tracking >= 0 && h.OK(1) {
			s.event.Tracking = int(int32(h.Words[1]))
		}
		s.tell(&s.event)
	}
}
