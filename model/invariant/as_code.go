// SPDX-License-Identifier: GPL-2.0-or-later

package invariant

import (
	"strings"

	"golang.org/x/arch/x86/x86asm"

	"github.com/uklemu/uklemu/model/event"
	"github.com/uklemu/uklemu/model/image"
)

// as3: the application leaves the kernel's data alone.
type as3 struct{}

func (as3) Rule() Rule {
	return Rule{
		ID: "AS-3", Promise: "the application reads and writes the lower half and its own part of the image, and nothing else of the upper half",
		Source: "RFC 01, 04: nothing holds it back", When: "every access of the application", Observes: "the address", Tier: Full,
		Shows: "ukl_main+0x12: expected memory of the application's, found 0xffffffff81a00000 (init_task)", Kinds: kinds(event.Access), Needs: all(application, translates),
	}
}
func (w as3) Watch() Watcher { return w }
func (as3) See(r *Report, e *event.Event) {
	if e.ByMachine || r.Image().Class(e.RIP) != image.Application {
		return // a delivery's look at the IDT is none of the application's
	}
	if !r.Holds(placeOf(r.Image(), e.Address, e.Size) != nowhere || r.headers(e.Address)) {
		r.Broke(r.at(e.RIP), "memory of the application's", r.at(e.Address))
	}
}

// headers says whether an address is in the program headers that the kernel
// keeps for the application, and that AT_PHDR names.
func (r *Report) headers(address uint64) bool {
	s, ok := r.Image().Symbols.Symbol("phdrs")
	return ok && address-s.Address < max(s.Size, 1)
}

// as4: and the kernel uses programs' memory with care only.
type as4 struct{}

func (as4) Rule() Rule {
	return Rule{
		ID: "AS-4", Promise: "the kernel touches the lower half only by instructions that the exception table has, or at the ends of the entry code",
		Source: "arch/x86/include/asm/extable.h; SMAP would see the others, had UKL it on", When: "every access of the kernel", Observes: "the instruction, the address", Tier: Full,
		Shows: "vfs_read+0x20: expected no access to the lower half, found 0x7ffc00001000", Kinds: kinds(event.Access), Needs: notKML,
	}
}
func (w as4) Watch() Watcher { return w }
func (as4) See(r *Report, e *event.Event) {
	if e.ByMachine || upper(e.Address) || r.Image().Class(e.RIP) != image.Kernel {
		return // IRET's frame, and that of an interruption, are the CPU's own
	}
	_, fixed := r.Image().FindFixup(e.RIP)
	if !r.Holds(fixed || r.tail(e.RIP)) {
		r.Broke(r.at(e.RIP), "no access to the lower half", e.Address)
	}
}

// tail says whether an instruction is of the return by RET, which has the
// application's stack already.
func (r *Report) tail(rip uint64) bool {
	const length = 16
	start, ok := r.Image().Address("return_to_ukl_ret")
	return ok && rip-start < length
}

// as8: the application is linked to itself.
type as8 struct{}

func (as8) Rule() Rule {
	return Rule{
		ID: "AS-8", Promise: "direct calls and jumps of the application go to its own text and to the entry of system calls",
		Source: "RFC 01, 10 (symbols are prefixed so that none binds to the kernel's)", When: "the image, once", Observes: "every CALL, JMP and Jcc of the application",
		Shows: "ukl_main+0x12: expected the application's text or its entry, found a CALL to 0xffffffff81012345 (vfs_read)", Tier: Static, Needs: application,
	}
}
func (w as8) Watch() Watcher { return nil }
func (as8) Inspect(r *Report, img *image.Image) {
	const most = 64 << 20
	for _, part := range img.Application().Text {
		if part.Size() == 0 || part.Size() > most {
			continue
		}
		code := make([]byte, part.Size())
		n, _ := img.ReadMemory(part.Start, code)
		r.branches(part.Start, code[:n])
	}
}

// branches looks at the code of a range, from its start. What is not an
// instruction (a table, filling) is skipped by the byte.
func (r *Report) branches(start uint64, code []byte) {
	img := r.Image()
	for at := 0; at < len(code); {
		i, err := x86asm.Decode(code[at:], 64)
		if err != nil || i.Len == 0 {
			at++
			continue
		}
		from := start + uint64(at)
		at += i.Len
		to, ok := i.Args[0].(x86asm.Rel)
		if !ok {
			continue
		}
		target := start + uint64(at) + uint64(int64(to))
		if !r.Holds(img.Class(target) == image.Application || forApplication(img, target)) {
			r.Broke(r.at(from), "the application's text or its entry", "a "+i.Op.String()+" to "+r.at(target))
		}
	}
}

// forApplication says whether an address is that of an entry that the kernel has
// for the application: the one of system calls, and those of the published
// series' short ways, all named ukl_.
func forApplication(img *image.Image, address uint64) bool {
	s, offset, ok := img.Symbols.Lookup(address)
	return ok && offset == 0 && strings.HasPrefix(s.Name, "ukl_")
}
