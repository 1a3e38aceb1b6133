// SPDX-License-Identifier: GPL-2.0-or-later

package task

import "encoding/binary"

// frameWords are those that the CPU pushes: ip, cs, flags, sp, ss.
const frameWords = 5

// unfinished looks at an entry whose code is running: it is saving registers,
// or restoring them, and there may be no return address yet. What the CPU has
// pushed is there from the first instruction to the last, but a system call
// begins and ends without, and an entry from the application moves it from the
// one stack to the other.
func (w *entryWalk) unfinished() {
	e := w.entryAt(w.rip)
	s, ok := w.view.Stack(w.sp)
	stack := Stack{Kind: OnApplicationStack}
	end := w.sp + RegistersSize + 16*8
	if ok {
		stack = Stack{StackKind(s.Kind), s.Name, s.Start, s.Size}
		end = stack.Start + stack.Size
	}
	words := w.words(w.sp, min(end, w.sp+RegistersSize+16*8))
	// All of it, right at RSP: between the return of error_entry and the call.
	if len(words) >= len(registerNames) {
		regs := decodeRegisters(words[0])
		if ok && w.fits(stack, &regs, w.sp+RegistersSize) {
			e.At, e.Stack, e.Registers, e.Complete = w.sp, stack, regs, true
			w.add(e)
			return
		}
	}
	for i := 0; i+frameWords <= len(words); i++ {
		regs := hardwareFrame(words[i])
		at := w.sp&^7 + 8*uint64(i)
		if !w.pushedAt(stack, &regs, at+8*frameWords) {
			continue
		}
		if i > 0 && w.calledWithRegisters(words, i) {
			return // complete: the search for return addresses finds it
		}
		e = w.stub(e, words[:i])
		e.At, e.Stack, e.Registers = at+8*frameWords-RegistersSize, stack, regs
		w.add(e)
		return
	}
}

// calledWithRegisters says whether a return address is right below the
// pt_regs that ends with the frame at words[i].
func (w *entryWalk) calledWithRegisters(words [][]byte, i int) bool {
	start := i - (len(registerNames) - frameWords)
	if start < 1 {
		return false
	}
	return w.returns(binary.LittleEndian.Uint64(words[start-1]))
}

// stub is the entry that has called the code at RIP, such as error_entry, if
// one has.
func (w *entryWalk) stub(e Entry, words [][]byte) Entry {
	for _, word := range words {
		if back := binary.LittleEndian.Uint64(word); w.returns(back) {
			return w.entryAt(back)
		}
	}
	return e
}

// pushedAt says whether five words can be a frame that the CPU has pushed and
// that ends at an address.
func (w *entryWalk) pushedAt(stack Stack, regs *Registers, end uint64) bool {
	if !w.plausible(regs) {
		return false
	}
	top := stack.Start + stack.Size
	switch {
	case stack.Kind == OnISTStack, stack.Kind == OnEntryStack:
		return end == top
	case stack.Kind == OnThreadStack && w.from(regs) != Kernel:
		return end == w.top(stack)
	}
	return regs.SP-end < 16+6*8
}

// hardwareFrame decodes five words.
func hardwareFrame(b []byte) Registers {
	word := func(i int) uint64 { return binary.LittleEndian.Uint64(b[8*i:]) }
	return Registers{IP: word(0), CS: word(1), Flags: word(2), SP: word(3), SS: word(4)}
}
