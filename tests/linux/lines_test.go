// SPDX-License-Identifier: GPL-2.0-or-later

package linux_test

import (
	"regexp"
	"slices"
	"strings"
)

// hardware matches the kernel's lines that describe the computer it runs on
// rather than the kernel: where RAM, ACPI tables and the initrd are, what the
// CPU is and how fast, which devices there are. Two computers may differ there.
var hardware = regexp.MustCompile(`^(` + strings.Join([]string{
	// Memory and what firmware left in it.
	`BIOS-e820:`, `last_pfn = `, `RAMDISK: `, ` +DMA32 `, ` +node +0: `, `Initmem setup node`, `On node 0, zone`, `\[mem .* for PCI`,
	`Built 1 zonelists`, `Memory: `, `found SMP MP-table`, `DMI`, `SMBIOS`, `MPTABLE`, `Intel MultiProcessor`,
	// ACPI, PCI, PnP.
	`ACPI`, `acpi`, `PCI`, `pci`, `pnp: `, `platform rtc_cmos`, `rtc_cmos`, `system 00:`,
	// The CPU.
	`CPU: `, `x86/cpu: `, `x86/fpu: `, `Last level `, `process: using`, `Performance Events`, `\.\.\. `, `no hardware sampling`, `PMU not`,
	`signal: max sigframe`, `Hypervisor detected`, `Using GB pages`, `Disabled fast string`, `unchecked MSR`, `random: crng`,
	`(Spectre|Speculative|Meltdown|MDS|TAA|L1TF|MMIO Stale|SRBDS|RETBleed|Retbleed|Transient|TSA|ITS|VMSCAPE|GDS|Register File|Gather|Mitigation|Speculation)`,
	`x86/bugs`, `Failed to access perfctr`, `Kernel/User page tables isolation`,
	// Interrupt controllers and clocks.
	`IOAPIC`, `APIC`, `x2apic`, `no APIC`, `\.\.[.A-Z]`, `Not enabling interrupt remapping`, `Local APIC`, `apm:`, `Switch`, `Leaving ESR`, `Using local APIC`, `weird, boot CPU`,
	`tsc: `, `TSC`, `clocksource: `, `Calibrating delay`, `sched_clock: Marking`, `hpet`, `rtc`, `NR_IRQS: `, `Could not initialize`, `leds`,
}, "|") + `)`)

// lines are what a console has to say on any computer: the program's lines,
// and the kernel's less those about hardware.
func lines(console string) []string {
	var out []string
	defer func() { sortKernel(out) }()
	for line := range strings.Lines(strings.ReplaceAll(console, "\r", "")) {
		line = strings.TrimRight(line, "\n")
		if !hardware.MatchString(line) {
			out = append(out, line)
		}
	}
	return out
}

// linesOf are those with a prefix.
func linesOf(console, prefix string) []string {
	var out []string
	for _, line := range lines(console) {
		if strings.HasPrefix(line, prefix) {
			out = append(out, line)
		}
	}
	return out
}

// sortKernel sorts the lines up to the start of init: the kernel does some
// things beside others (unpacks the initrd), and which is done first depends
// on the speed of the computer.
func sortKernel(lines []string) {
	end := slices.IndexFunc(lines, func(line string) bool { return strings.HasPrefix(line, "Run /") })
	if end > 0 {
		slices.Sort(lines[:end])
	}
}
