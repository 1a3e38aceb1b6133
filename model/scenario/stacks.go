// SPDX-License-Identifier: GPL-2.0-or-later

package scenario

import (
	"fmt"

	"github.com/uklemu/uklemu/emu/x86"
	"github.com/uklemu/uklemu/model/image"
)

// stacks are about the application's own stack, which the CPU pushes its
// frames on when the application runs in ring 0.
var stacks = []Scenario{
	{Name: "fresh stack", Does: "calls, interrupts and exceptions with RSP at the start of a page that is not there yet", Needs: looksAfter, Play: freshStack},
	{Name: "misaligned stack", Does: "interrupts with every alignment of RSP", Play: misaligned},
	{Name: "wild stack", Does: "an interrupt with a stack pointer that no stack has, and SIGSEGV on another stack", Needs: wild, Play: wildStack},
	{Name: "faults", Does: "memory touched that is there, that comes when it is touched, and that never will be", Play: faults},
}

func freshStack(d *Driver) error {
	vector, err := harmless(d.Image)
	if err != nil {
		return err
	}
	for _, s := range []Step{{At: Push}, {At: Nops}, call(sysGetpid), call(sysSchedYield)} {
		for _, disturbed := range []string{"", "interrupt", "NMI"} {
			stack, err := d.memory(4)
			if err != nil {
				return err
			}
			if err := d.touch(stack+2*pageSize, pageSize); err != nil {
				return err
			}
			for _, below := range []uint64{0, 8, 16, 40, 48, 64} { // how much of the page above is used
				switch disturbed {
				case "interrupt":
					d.Machine.InterruptAt(1, vector)
				case "NMI":
					d.Machine.NMIAt(1)
				}
				if _, err := d.Do(onStack(s, stack+2*pageSize+below)); err != nil {
					return fmt.Errorf("%s with RSP %d above a fresh page, %s: %w", s.At, below, disturbed, err)
				}
			}
		}
	}
	return nil
}

func misaligned(d *Driver) error {
	vector, err := harmless(d.Image)
	if err != nil {
		return err
	}
	state := d.Machine.State()
	top := state.GPR[x86.RSP] &^ 63
	for offset := range uint64(16) {
		d.Machine.InterruptAt(2, vector)
		if _, err := d.Do(patterns(onStack(Step{At: Nops}, top-64+offset))); err != nil {
			return fmt.Errorf("RSP %d modulo 16: %w", offset, err)
		}
	}
	return nil
}

// wild is for kernels that take the double fault of an application for its own.
func wild(img *image.Image) string {
	if why := inKernelMode(img); why != "" {
		return why
	}
	if img.UKL.ISTPF {
		return "no double fault is the application's here"
	}
	return ""
}

// wildStack is a double fault that no page fault was the cause of: what CR2
// says is of another time. It was the last page that the application touched.
func wildStack(d *Driver) error {
	page, err := d.page()
	if err != nil {
		return err
	}
	stack, err := d.memory(4)
	if err != nil {
		return err
	}
	if err := d.touch(stack, 4*pageSize); err != nil {
		return err
	}
	if err := d.WriteWords(page+0x100, stack, 0, 4*pageSize); err != nil { // stack_t: sp, flags, size
		return err
	}
	if _, err := d.Must(sysSigaltstack, page+0x100, 0); err != nil {
		return err
	}
	if err := d.handle(page, sigSegv, Signal, saOnStack|saNoDefer); err != nil {
		return err
	}
	for _, rsp := range []uint64{0x8000_0000_0000 + pageSize, 0xdead_0000_0000_1000} {
		state, err := d.Do(patterns(onStack(Step{At: Push}, rsp)))
		if err != nil {
			return fmt.Errorf("PUSH with RSP %#x: %w", rsp, err)
		}
		if state.RIP != d.Board.At(Signal) {
			return fmt.Errorf("PUSH with RSP %#x: no SIGSEGV, but %s", rsp, d.Image.Symbols.Name(state.RIP))
		}
	}
	return nil
}

func faults(d *Driver) error {
	page, err := d.memory(3)
	if err != nil {
		return err
	}
	for _, s := range []Step{
		{At: Load, Set: map[int]uint64{x86.RDI: page}}, {At: Store, Set: map[int]uint64{x86.RDI: page}}, // the zero page, then its copy
		{At: Store, Set: map[int]uint64{x86.RDI: page + pageSize}},
	} {
		if _, err := d.Do(patterns(s)); err != nil {
			return err
		}
	}
	return nil
}
