// SPDX-License-Identifier: GPL-2.0-or-later

package image

import (
	"golang.org/x/arch/x86/x86asm"
)

// RedZoneUse is an instruction of the application that uses memory below RSP,
// where every interrupt pushes its frame.
type RedZoneUse struct {
	Function    string
	Address     uint64
	Instruction string
	Below       int64 // how far below RSP, in bytes
}

// RedZone finds the uses of memory below RSP in the application's code, the
// first usesMost of them. Two
// things betray one: an operand below RSP, and in a function with a frame
// pointer one that is further below RBP than RSP ever goes. An operand with an
// index register may be anywhere, and is not counted.
func (i *Image) RedZone() []RedZoneUse { return i.uses().redZone }

// findings are what a look at all of the application's code gives.
type findings struct {
	redZone   []RedZoneUse
	forbidden []ForbiddenUse
}

// usesMost bounds what is found of either kind: more says nothing new.
const usesMost = 10_000

func (i *Image) findUses() findings {
	var all findings
	if i.app == nil {
		return all
	}
	for _, f := range i.app.functions() {
		var frame frame
		for x := range decode(i.bytes(f.Start, f.Size()), f.Start) {
			if m, ok := x.memory(); ok && m.Base == x86asm.RSP && m.Index == 0 && m.Disp < 0 {
				all.useRedZone(i, f, x, -m.Disp)
			}
			frame.follow(x)
			if reason := forbidden(x); reason != "" && len(all.forbidden) < usesMost {
				all.forbidden = append(all.forbidden, ForbiddenUse{f.name, x.address, i.instructionText(x), reason})
			}
		}
		if frame.pointer && !frame.lost && frame.deepest > frame.room {
			all.useRedZone(i, f, frame.worst, frame.deepest-frame.room)
		}
	}
	return all
}

func (all *findings) useRedZone(i *Image, f function, x instruction, below int64) {
	if len(all.redZone) < usesMost {
		all.redZone = append(all.redZone, RedZoneUse{f.name, x.address, i.instructionText(x), below})
	}
}

// frame follows a function's frame pointer.
type frame struct {
	pointer bool        // RBP is RSP of the start, less what was pushed
	room    int64       // how far RSP goes below RBP
	deepest int64       // how far operands go
	worst   instruction // which goes there
	lost    bool        // RSP or RBP go where this can't follow
}

func (f *frame) follow(x instruction) {
	args := x.inst.Inst.Args
	to, from := args[0], args[1]
	if x.inst.Op == "MOV" && to == x86asm.RBP && from == x86asm.RSP {
		f.pointer = true
		return
	}
	if !f.pointer {
		return
	}
	immediate, constant := from.(x86asm.Imm)
	switch {
	case x.inst.Op == "PUSH":
		f.room += 8
	case x.inst.Op == "SUB" && to == x86asm.RSP && constant:
		f.room += max(int64(immediate), 0) // less is a way to add
	case x.inst.Op == "ADD" && to == x86asm.RSP && constant:
	case x.inst.Op == "MOV" && to == x86asm.RSP && from == x86asm.RBP:
	case to == x86asm.RSP && from != nil: // aligned, or by a variable
		f.lost = true
	case (to == x86asm.RBP || to == x86asm.EBP) && from != nil: // in other use after all
		f.lost = true
	}
	if m, ok := x.memory(); ok && m.Base == x86asm.RBP && -m.Disp > f.deepest {
		f.deepest, f.worst = -m.Disp, x
	}
}
