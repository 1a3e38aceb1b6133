// SPDX-License-Identifier: GPL-2.0-or-later

package image

import (
	"slices"
	"strings"

	"github.com/uklemu/uklemu/asm/disasm"
)

// UKL says which options of Unikernel Linux a kernel was built with.
type UKL struct {
	Present bool // false for a stock kernel
	Flavor  Flavor
	// The options, CONFIG_UKL_ in the configuration.
	UseRet, ISTPF, SameStack, Bypass, Shortcut, TLS bool
	// Defects are the CONFIG_UKL_DEFECT_ options that are set, as builtin:mini
	// names them: CONFIG_UKL_DEFECT_RETURN_CS is "return-cs". Sorted.
	Defects []string
	// How says how each was found out, by the name of the field.
	How map[string]string
}

// Flavor is whose way of doing UKL a kernel has.
type Flavor uint8

const (
	None Flavor = iota // no UKL: a stock kernel
	// KML has an application in CPL 0 that enters by calls, and nothing else
	// of UKL.
	KML
	// Ours has CS = 0xC3 in all frames that stopped the application, SP above
	// the return address, IP the return address.
	Ours
	// Published has CS = 0x10 in the frames of system calls, and returns by
	// the words at the top of the application's stack.
	Published
)

var flavorNames = [...]string{"stock", "KML", "this project's series", "the published series"}

func (f Flavor) String() string {
	if int(f) >= len(flavorNames) {
		return "unknown"
	}
	return flavorNames[f]
}

const defectPrefix = "CONFIG_UKL_DEFECT_"

// readUKL finds the options out: from the configuration if the image has one,
// else from what they leave in symbols and code.
func (i *Image) readUKL() UKL {
	u := UKL{How: map[string]string{}}
	u.flavor(i)
	if u.Flavor == None || u.Flavor == KML {
		return u
	}
	u.Present = true
	for _, o := range []struct {
		field  string
		to     *bool
		option string
		shows  func(*Image) (bool, string)
	}{
		{"UseRet", &u.UseRet, "CONFIG_UKL_USE_RET", returnsByRET},
		{"ISTPF", &u.ISTPF, "CONFIG_UKL_USE_IST_PF", pageFaultsOnIST},
		{"SameStack", &u.SameStack, "CONFIG_UKL_SAME_STACK", staysOnStack},
		{"Bypass", &u.Bypass, "CONFIG_UKL_BYPASS", symbolShows("ukl_set_bypass_limit", "ukl_set_bypass_syscall", "ukl_bp_")},
		{"Shortcut", &u.Shortcut, "CONFIG_UKL_DEEP_SHORTCUT", symbolShows("shortcut_tcp_")},
		{"TLS", &u.TLS, "CONFIG_UKL_TLS", hasTLS},
	} {
		if v, ok := i.Config[o.option]; ok && i.ConfigComplete {
			*o.to, u.How[o.field] = v == "y", o.option+"="+v
			continue
		}
		*o.to, u.How[o.field] = o.shows(i)
	}
	u.defects(i)
	return u
}

// flavor tells ours by what only our linker script and our way out have.
func (u *UKL) flavor(i *Image) {
	entry := hasSymbol(uklEntry)(i)
	switch {
	case i.kml():
		u.Flavor, u.How["Flavor"] = KML, "CONFIG_KERNEL_MODE_LINUX=y or CONFIG_UKL_MINI_KML=y"
	case !i.set("CONFIG_UNIKERNEL_LINUX") && !entry:
		u.How["Flavor"] = "neither CONFIG_UNIKERNEL_LINUX nor " + uklEntry
	case hasSymbol("return_to_ukl_application")(i):
		u.Flavor, u.How["Flavor"] = Ours, "return_to_ukl_application is there"
	case i.app != nil && i.app.BySection:
		u.Flavor, u.How["Flavor"] = Ours, "the application has sections of its own"
	default:
		u.Flavor, u.How["Flavor"] = Published, "the application has no sections of its own"
	}
}

// kml says whether the kernel runs programs in CPL 0: Kernel Mode Linux, or
// what builtin:mini has of it.
func (i *Image) kml() bool { return i.set("CONFIG_KERNEL_MODE_LINUX") || i.set("CONFIG_UKL_MINI_KML") }

func (u *UKL) defects(i *Image) {
	for option, v := range i.Config {
		if name, ok := strings.CutPrefix(option, defectPrefix); ok && v == "y" {
			u.Defects = append(u.Defects, strings.ToLower(strings.ReplaceAll(name, "_", "-")))
		}
	}
	slices.Sort(u.Defects)
	if i.ConfigComplete {
		u.How["Defects"] = defectPrefix + "*"
	} else {
		u.How["Defects"] = "not to be seen without a configuration"
	}
}

// returnsByRET looks for a POPFQ on the way out: without the option it is an
// IRET that restores the flags.
func returnsByRET(i *Image) (bool, string) {
	for _, name := range []string{"return_to_ukl_application", "return_to_ukl_ret", "swapgs_restore_regs_and_return_to_usermode"} {
		for line := range i.instructions(name) {
			if line.inst.Op == "POPFQ" || line.inst.Op == "POPF" {
				return true, name + " has a POPFQ"
			}
		}
	}
	return false, "no POPFQ on the way out"
}

func pageFaultsOnIST(i *Image) (bool, string) {
	for _, g := range i.gates() {
		if g.vector == pageFault && g.ist != 0 {
			return true, "the gate of #PF has an IST"
		}
	}
	return false, "the gate of #PF has no IST"
}

// staysOnStack looks for what loads RSP with the thread stack's, before the call
// of C code.
func staysOnStack(i *Image) (bool, string) {
	if !hasSymbol(uklEntry)(i) {
		return false, "there is no " + uklEntry
	}
	for line := range i.instructions(uklEntry) {
		text := line.inst.Text(disasm.Intel, line.address, i.Symbols.At)
		if strings.HasPrefix(text, "mov rsp, ") {
			return false, uklEntry + " loads RSP"
		}
		if line.inst.Op == "CALL" && strings.Contains(text, "do_syscall_64") {
			return true, uklEntry + " calls do_syscall_64 without a load of RSP"
		}
	}
	return false, "not to be seen in " + uklEntry
}

func symbolShows(names ...string) func(*Image) (bool, string) {
	return func(i *Image) (bool, string) {
		for _, s := range i.Symbols.Symbols() {
			if slices.ContainsFunc(names, func(name string) bool { return strings.HasPrefix(s.Name, name) }) {
				return true, s.Name + " is there"
			}
		}
		return false, "no symbol " + strings.Join(names, ", ")
	}
}

func hasTLS(i *Image) (bool, string) {
	if i.readTLS() != nil {
		return true, "there is a PT_TLS segment"
	}
	return false, "there is no PT_TLS segment"
}
