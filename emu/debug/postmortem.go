// SPDX-License-Identifier: GPL-2.0-or-later

package debug

import (
	"fmt"
	"strings"

	"github.com/uklemu/uklemu/emu"
	"github.com/uklemu/uklemu/emu/symbols"
	"github.com/uklemu/uklemu/emu/x86"
)

// PostMortem says in a page of text why a machine stopped and where it was:
// registers, the instruction, a backtrace, what was executed last. The symbols
// may be nil. It changes nothing.
func PostMortem(m *emu.Machine, stop emu.Stop, table *symbols.Table) string {
	v := &view{m: m, state: m.State(), symbols: table}
	var out strings.Builder
	fmt.Fprintf(&out, "The guest stopped: %s; %d instructions, %.6f ms.\n", Explain(m, stop), m.Instructions(), float64(m.Now())/1e6)
	out.WriteString(RegisterText(&v.state))
	section := func(title string, lines []string) {
		if len(lines) > 0 {
			fmt.Fprintf(&out, "%s:\n  %s\n", title, strings.Join(lines, "\n  "))
		}
	}
	section("Instruction", []string{v.instruction(v.pc())})
	section("Backtrace", v.backtrace())
	section("Last blocks, the latest at the end", v.lastBlocks())
	section("Last instructions", v.lastInstructions())
	return out.String()
}

// Explain is why a machine stopped, in words.
func Explain(m *emu.Machine, stop emu.Stop) string {
	switch stop.Why {
	case 0:
		return "nothing has ended it here"
	case emu.StopShutdown:
		return "shutdown, a triple fault: neither an exception nor the double fault after it could be delivered"
	case emu.StopHalt:
		if s := m.State(); s.RFLAGS&x86.FlagIF == 0 {
			return "halt, and interrupts are off: nothing will wake it"
		}
		return "halt, and no device will ever interrupt"
	case emu.StopLimit:
		return "limit reached"
	case emu.StopReboot:
		return "reboot"
	}
	return stop.String()
}

// Bad says that a guest came to an end that its author would not have wanted:
// one that a post-mortem explains.
func Bad(m *emu.Machine, stop emu.Stop) bool {
	switch stop.Why {
	case emu.StopShutdown, emu.StopError:
		return true
	case emu.StopHalt:
		s := m.State()
		return s.RFLAGS&x86.FlagIF == 0
	}
	return false
}

// RegisterText is the registers in QEMU's layout, with the flags by name.
func RegisterText(s *x86.State) string {
	var out strings.Builder
	names := [16]string{"RAX", "RCX", "RDX", "RBX", "RSP", "RBP", "RSI", "RDI", "R8 ", "R9 ", "R10", "R11", "R12", "R13", "R14", "R15"}
	order := [16]int{x86.RAX, x86.RBX, x86.RCX, x86.RDX, x86.RSI, x86.RDI, x86.RBP, x86.RSP, 8, 9, 10, 11, 12, 13, 14, 15}
	for i, n := range order {
		fmt.Fprintf(&out, "%s=%016x%s", names[n], s.GPR[n], separator(i%4 == 3))
	}
	fmt.Fprintf(&out, "RIP=%016x RFLAGS=%08x [%s] CPL=%d\n", s.RIP, s.RFLAGS, Flags(s.RFLAGS), s.CPL())
	segment := func(name string, g *x86.Segment) {
		fmt.Fprintf(&out, "%-3s=%04x %016x %08x %08x\n", name, g.Selector, g.Base, g.Limit, g.Attr)
	}
	for i, name := range []string{"ES", "CS", "SS", "DS", "FS", "GS"} {
		segment(name, &s.Seg[i])
	}
	segment("LDT", &s.LDTR)
	segment("TR", &s.TR)
	fmt.Fprintf(&out, "GDT=     %016x %08x\nIDT=     %016x %08x\n", s.GDTR.Base, s.GDTR.Limit, s.IDTR.Base, s.IDTR.Limit)
	fmt.Fprintf(&out, "CR0=%08x CR2=%016x CR3=%016x CR4=%08x CR8=%x\n", s.CR0, s.CR2, s.CR3, s.CR4, s.CR8)
	fmt.Fprintf(&out, "DR0=%016x DR1=%016x DR2=%016x DR3=%016x DR6=%08x DR7=%08x\n", s.DR[0], s.DR[1], s.DR[2], s.DR[3], s.DR[6], s.DR[7])
	fmt.Fprintf(&out, "EFER=%04x KERNEL_GS_BASE=%016x\n", s.EFER, s.KernelGSBase)
	return out.String()
}

func separator(last bool) string {
	if last {
		return "\n"
	}
	return " "
}

// Flags names what is set in RFLAGS, in gdb's order.
func Flags(v uint64) string {
	var names []string
	for _, f := range []struct {
		bit  uint64
		name string
	}{
		{x86.FlagCF, "CF"}, {x86.FlagPF, "PF"}, {x86.FlagAF, "AF"}, {x86.FlagZF, "ZF"}, {x86.FlagSF, "SF"},
		{x86.FlagTF, "TF"}, {x86.FlagIF, "IF"}, {x86.FlagDF, "DF"}, {x86.FlagOF, "OF"}, {x86.FlagNT, "NT"},
		{x86.FlagRF, "RF"}, {x86.FlagVM, "VM"}, {x86.FlagAC, "AC"}, {x86.FlagVIF, "VIF"}, {x86.FlagVIP, "VIP"}, {x86.FlagID, "ID"},
	} {
		if v&f.bit != 0 {
			names = append(names, f.name)
		}
	}
	if iopl := v >> 12 & 3; iopl != 0 {
		names = append(names, fmt.Sprintf("IOPL=%d", iopl))
	}
	return strings.Join(names, " ")
}
