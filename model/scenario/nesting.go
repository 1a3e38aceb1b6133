// SPDX-License-Identifier: GPL-2.0-or-later

package scenario

import (
	"github.com/uklemu/uklemu/emu/x86"
	"github.com/uklemu/uklemu/model/image"
)

// nesting is exceptions where the kernel expects them least.
var nesting = []Scenario{
	{Name: "NMIs within NMIs", Does: "a second NMI at every boundary of the first one's handler, the application's stack missing", Needs: looksAfter, Play: nestedNMIs},
	{Name: "debug exceptions within debug exceptions", Does: "the entry stepped through, an NMI in the handler of that, and in the NMI a breakpoint", Needs: countsNMIs, Play: nestedDebug},
	{Name: "MOV SS before SYSCALL", Does: "a #DB that MOV SS has put off to the entry's first instruction", Needs: inUserMode, Play: movSS},
	{Name: "vector 0x80", Does: "an external interrupt with the vector of INT 0x80, over plain code", Needs: noInt80, Play: int80},
}

// inUserMode is for scenarios of an application in CPL 3.
func inUserMode(img *image.Image) string {
	if _, ok := img.Address("ukl_entry_SYSCALL_64"); ok {
		return "the application runs in CPL 0"
	}
	return ""
}

// countsNMIs is for kernels that say where an NMI is sure to write.
func countsNMIs(img *image.Image) string {
	if _, ok := img.Address("nmi_count"); !ok {
		return "it is not known what the NMI handler writes, and nothing else"
	}
	if why := inKernelMode(img); why != "" {
		return why
	}
	return ""
}

func noInt80(img *image.Image) string {
	if _, ok := img.Address("entry_INT80_compat"); ok {
		return "the kernel takes it for a system call of 32-bit programs, whoever made it (CVE-2024-25744)"
	}
	return looksAfter(img)
}

// nestedNMIs has a handler that looks at a stack which is not there: the IRET
// from that fault lets in the next NMI.
func nestedNMIs(d *Driver) error {
	stack, err := d.memory(2)
	if err != nil {
		return err
	}
	s := patterns(onStack(Step{At: Nops}, stack+pageSize))
	s.Change = func(*x86.State) { d.Machine.NMIAt(1) }
	return d.everywhere(sameNMI, disturbance{"a second NMI", func(d *Driver, n uint64) {
		d.run(n)
		d.Machine.NMIAt(0)
	}}, s)
}

// Bits of DR7: SDM vol. 3B, 18.2.4.
const (
	breakpoint0  = 1 << 1        // G0
	onReadWrite0 = 3<<16 | 3<<18 // R/W0, LEN0: four bytes
)

// nestedDebug steps into the entry of system calls, where TF is still set: that
// #DB has an IST stack. An NMI in its handler counts itself, which a breakpoint
// watches: the #DB of that must find another place.
func nestedDebug(d *Driver) error {
	count, ok := d.Image.Address("nmi_count")
	if !ok {
		return nil
	}
	s := patterns(call(sysGetpid))
	rsp := d.Machine.State().GPR[x86.RSP] - 8
	if err := d.WriteWords(rsp, d.Board.End(Call)); err != nil { // as CALL does
		return err
	}
	s = onStack(s, rsp)
	entry, _ := d.Image.Address("ukl_entry_SYSCALL_64")
	s.Change = func(state *x86.State) {
		state.RIP = entry
		state.RFLAGS |= x86.FlagTF
		state.DR[0], state.DR[7] = count, state.DR[7]|breakpoint0|onReadWrite0
	}
	left := 8 // boundaries of the handler
	return d.among(func(rip uint64) bool {
		in, _, ok := d.Image.Symbols.Lookup(rip)
		if !ok || in.Name != "exc_debug" || left == 0 {
			return false
		}
		left--
		return true
	}, sameNMI, nmi, s)
}

// movSS is the sequence of CVE-2018-8897.
func movSS(d *Driver) error {
	page, err := d.page()
	if err != nil {
		return err
	}
	if err := d.WriteWords(page+0x100, 0x2b); err != nil {
		return err
	}
	s := patterns(call(sysGetpid))
	s.At = LoadSS
	s.Set[x86.RBX] = page + 0x100
	s.Change = func(state *x86.State) {
		state.DR[0], state.DR[7] = page+0x100, state.DR[7]|breakpoint0|onReadWrite0
	}
	if _, err := d.Do(s); err != nil {
		return err
	}
	_, err = d.Do(Step{At: Nops, Change: func(state *x86.State) { state.DR[7] = 1 << 10 }})
	return err
}

func int80(d *Driver) error {
	s := patterns(Step{At: Nops})
	s.Set[x86.RAX] = sysGetpid // what a gate for system calls would do
	return d.everywhere(sameInterrupted, interruptWith(0x80), s)
}
