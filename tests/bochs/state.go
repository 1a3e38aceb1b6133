// SPDX-License-Identifier: GPL-2.0-or-later

package bochs

import (
	"encoding/json"
	"fmt"

	"github.com/uklemu/uklemu/emu/x86"
)

// numbers are the registers that are one number.
func numbers(s *x86.State) map[string]*uint64 {
	m := map[string]*uint64{
		"rip": &s.RIP, "rflags": &s.RFLAGS, "cr0": &s.CR0, "cr2": &s.CR2, "cr3": &s.CR3, "cr4": &s.CR4, "cr8": &s.CR8,
		"dr0": &s.DR[0], "dr1": &s.DR[1], "dr2": &s.DR[2], "dr3": &s.DR[3], "dr6": &s.DR[6], "dr7": &s.DR[7],
		"xcr0": &s.XCR0, "efer": &s.EFER, "star": &s.STAR, "lstar": &s.LSTAR, "cstar": &s.CSTAR, "fmask": &s.FMASK,
		"kernel_gs_base": &s.KernelGSBase, "sysenter_cs": &s.SysenterCS, "sysenter_esp": &s.SysenterESP,
		"sysenter_eip": &s.SysenterEIP, "tsc_aux": &s.TSCAux,
	}
	for i, name := range []string{"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
		"r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"} {
		m[name] = &s.GPR[i]
	}
	return m
}

func segments(s *x86.State) map[string]*x86.Segment {
	return map[string]*x86.Segment{
		"es": &s.Seg[x86.ES], "cs": &s.Seg[x86.CS], "ss": &s.Seg[x86.SS], "ds": &s.Seg[x86.DS], "fs": &s.Seg[x86.FS],
		"gs": &s.Seg[x86.GS], "ldtr": &s.LDTR, "tr": &s.TR,
	}
}

func tables(s *x86.State) map[string]*x86.Table {
	return map[string]*x86.Table{"gdtr": &s.GDTR, "idtr": &s.IDTR}
}

// segment is one as JSON has it; attr is the descriptor's, eight bits down.
type segment struct {
	Selector, Base, Limit, Attr Word
}

// apply puts registers into a state.
func (from State) apply(s *x86.State) error {
	number, segs, tabs := numbers(s), segments(s), tables(s)
	for name, raw := range from {
		var v segment
		var n Word
		target := any(&v)
		if number[name] != nil {
			target = &n
		}
		if err := json.Unmarshal(raw, target); err != nil {
			return fmt.Errorf("register %s: %w", name, err)
		}
		switch {
		case number[name] != nil:
			*number[name] = uint64(n)
		case segs[name] != nil:
			*segs[name] = x86.Segment{Selector: uint16(v.Selector), Base: uint64(v.Base), Limit: uint32(v.Limit), Attr: uint32(v.Attr) << 8}
		case tabs[name] != nil:
			*tabs[name] = x86.Table{Base: uint64(v.Base), Limit: uint16(v.Limit)}
		default:
			return fmt.Errorf("register %s: nothing is called so", name)
		}
	}
	return nil
}

// unseen are the flags that Bochs's state does not show: the status flags,
// which it reckons when it must, and RF, which it clears before it asks. Those
// that are pushed are compared in memory.
const unseen = x86.FlagRF | x86.FlagOF | x86.FlagSF | x86.FlagZF | x86.FlagAF | x86.FlagPF | x86.FlagCF

// registers is a state as text, by register.
func registers(s *x86.State) map[string]string {
	m := map[string]string{}
	for name, v := range numbers(s) {
		m[name] = fmt.Sprintf("%#x", *v)
	}
	m["rflags"] = fmt.Sprintf("%#x", s.RFLAGS&^unseen)
	for name, v := range segments(s) {
		base, limit, attr := v.Base, v.Limit, v.Attr>>8&0xf0ff
		if v.Attr&x86.AttrP == 0 { // its hidden part is nothing but the base of FS and GS
			limit, attr = 0, 0
			if name != "fs" && name != "gs" {
				base = 0
			}
		}
		m[name] = fmt.Sprintf("%#x base %#x limit %#x attr %#x", v.Selector, base, limit, attr)
	}
	for name, v := range tables(s) {
		m[name] = fmt.Sprintf("base %#x limit %#x", v.Base, v.Limit)
	}
	return m
}
