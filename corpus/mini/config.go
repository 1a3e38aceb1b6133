// SPDX-License-Identifier: GPL-2.0-or-later

package mini

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"strings"
)

// Release is what the guest says that it is.
const Release = "6.1.0-mini"

// banner is linux_banner of init/version.c, by which a Linux is known. Readers
// look at so much of it.
func banner(o Options) string {
	name := strings.TrimSuffix("builtin:mini,"+o.String(), ",")
	if len(name) > 200 {
		name = fmt.Sprintf("builtin:mini with %d defects", len(o.Defects))
	}
	return fmt.Sprintf("Linux version %s (uklemu@uklemu) (uklemu's assembler) #1 %s\n", Release, name)
}

// config is the kernel's configuration, as /proc/config.gz of a real kernel
// would have it: what decides about how the guest is to be read.
func config(o Options) string {
	var s strings.Builder
	s.WriteString("#\n# Automatically generated file; DO NOT EDIT.\n# Linux/x86 " + Release + " Kernel Configuration\n#\n")
	set := func(name string, on bool) {
		if on {
			fmt.Fprintf(&s, "CONFIG_%s=y\n", name)
			return
		}
		fmt.Fprintf(&s, "# CONFIG_%s is not set\n", name)
	}
	set("64BIT", true)
	set("X86_64", true)
	set("MMU", true)
	set("SMP", false)
	set("PREEMPT_NONE", true)
	set("IKCONFIG", true)
	set("DEBUG_INFO_BTF", true)
	set("RANDOMIZE_BASE", false)
	set("RELOCATABLE", false)
	set("PAGE_TABLE_ISOLATION", false)
	set("X86_5LEVEL", false)
	set("X86_SMAP", !o.UKL())
	set("STACKPROTECTOR", false)
	set("IA32_EMULATION", false)
	fmt.Fprintf(&s, "CONFIG_PHYSICAL_START=%#x\n", physicalStart)
	if !o.UKL() {
		set("UNIKERNEL_LINUX", false)
		set("KERNEL_MODE_LINUX", o.KML) // as the patches of that name have it
		return s.String()
	}
	// arch/x86/Kconfig.ukl of the series; UKL_SAME_STACK and UKL_BYPASS are of
	// the published trees.
	set("UNIKERNEL_LINUX", true)
	s.WriteString("CONFIG_UKL_ARCHIVE_PATH=\"\"\nCONFIG_UKL_NAME=\"/UKL\"\n")
	set("UKL_TLS", true)
	set("UKL_USE_RET", o.UseRet)
	set("UKL_USE_IST_PF", o.ISTPF)
	set("UKL_SAME_STACK", o.SameStack)
	set("UKL_BYPASS", o.Bypass)
	set("UKL_DEFECTS", len(o.Defects) > 0)
	for _, name := range o.Defects {
		set("UKL_DEFECT_"+strings.ToUpper(strings.ReplaceAll(name, "-", "_")), true)
	}
	return s.String()
}

// compressed is a configuration between its marks (kernel/configs.c). gzip's
// header has no time, so the bytes are the same each time.
func compressed(config string) ([]byte, error) {
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write([]byte(config)); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// generatedMost is what it takes, however many defects there are.
const generatedMost = 3072

// data is what is generated and not in the sources.
func data(o Options) (string, error) {
	ikconfig, err := compressed(config(o))
	if err != nil {
		return "", err
	}
	var s strings.Builder
	s.WriteString(".section .rodata\n")
	object := func(name string, b []byte) {
		fmt.Fprintf(&s, ".balign 8; .globl %s; .type %s, @object; %s:\n%s.size %s, . - %s\n", name, name, name, byteLines(b), name, name)
	}
	object("linux_banner", append([]byte(banner(o)), 0))
	s.WriteString(".ascii \"IKCFG_ST\"\n")
	fmt.Fprintf(&s, ".globl kernel_config_data; kernel_config_data:\n%s.globl kernel_config_data_end; kernel_config_data_end:\n.ascii \"IKCFG_ED\"\n", byteLines(ikconfig))
	// Nothing behind it moves when an option's name does.
	fmt.Fprintf(&s, ".zero %d - (. - linux_banner)\n", generatedMost)
	return s.String(), nil
}

func byteLines(b []byte) string {
	var s strings.Builder
	for len(b) > 0 {
		n := min(len(b), 32)
		fmt.Fprintf(&s, ".byte %d", b[0])
		for _, v := range b[1:n] {
			fmt.Fprintf(&s, ", %d", v)
		}
		s.WriteString("\n")
		b = b[n:]
	}
	return s.String()
}
