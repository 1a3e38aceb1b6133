// SPDX-License-Identifier: GPL-2.0-or-later

package linux_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/emu/boot"
)

// boots are the ways to start the stock kernel, and the -cpu of QEMU's that
// is nearest.
var boots = []struct {
	name string
	guest
	qemu string
}{
	// Protocols.
	{"vmlinux", guest{protocol: boot.ProtocolLinux}, "max"},
	{"bzImage", guest{bzImage: true}, "max"},
	{"PVH", guest{protocol: boot.ProtocolPVH}, "max"},

	// Interrupt controllers.
	{"8259 and 8254", guest{append: "noapic nolapic"}, "max"},
	{"8259 and 8254, bzImage", guest{append: "noapic nolapic", bzImage: true}, "max"},
	{"IO-APIC off", guest{append: "noapic"}, "max"},
	{"ACPI off", guest{append: "acpi=off"}, "max"},
	{"no ACPI at all", guest{noACPI: true}, "max"},
	{"no APIC at all", guest{cpu: "-apic"}, "max,apic=off"},

	// Clocks.
	{"APIC timer without TSC deadline", guest{cpu: "-tsc-deadline"}, "max,tsc-deadline=off"},
	{"APIC timer, periodic", guest{cpu: "-tsc-deadline", append: "highres=off nohz=off"}, "max,tsc-deadline=off"},
	{"8254, periodic", guest{append: "noapic nolapic highres=off nohz=off"}, "max"},
	{"PM timer", guest{append: "tsc=unstable clocksource=acpi_pm"}, "max"},

	// CPUs.
	{"-smap", guest{cpu: "-smap"}, "max,smap=off"},
	{"-smep", guest{cpu: "-smep"}, "max,smep=off"},
	{"-smap,-smep", guest{cpu: "-smap,-smep"}, "max,smap=off,smep=off"},
	{"+la57", guest{cpu: "+la57"}, "max,la57=on"},
	{"+la57, bzImage", guest{cpu: "+la57", bzImage: true}, "max,la57=on"},
	{"+pku", guest{cpu: "+pku"}, "max,pku=on"},
	{"+pcid", guest{cpu: "+pcid"}, "max"},
	{"+pcid, pti=on", guest{cpu: "+pcid", append: "pti=on"}, "max"},
	{"+pcid,+invpcid", guest{cpu: "+pcid,+invpcid"}, "max"},
	{"+pcid,+invpcid, pti=on", guest{cpu: "+pcid,+invpcid", append: "pti=on"}, "max"},
	{"pti=on", guest{append: "pti=on"}, "max"},
	{"vendor=amd", guest{cpu: "vendor=amd"}, "max,vendor=AuthenticAMD"},
	{"vendor=amd, pti=on", guest{cpu: "vendor=amd", append: "pti=on"}, "max,vendor=AuthenticAMD"},
	{"-xsave", guest{cpu: "-xsave"}, "max,xsave=off"},
	{"-xsaveopt", guest{cpu: "-xsaveopt"}, "max,xsaveopt=off"},
	{"-fsgsbase", guest{cpu: "-fsgsbase"}, "max,fsgsbase=off"},
	{"-pdpe1gb", guest{cpu: "-pdpe1gb"}, "max,pdpe1gb=off"},
	{"-rdtscp", guest{cpu: "-rdtscp"}, "max,rdtscp=off"},
	{"-sep", guest{cpu: "-sep"}, "max"},
	{"-tsc-adjust", guest{cpu: "-tsc-adjust"}, "max"},
	{"+rdrand,+rdseed", guest{cpu: "+rdrand,+rdseed"}, "max,rdrand=on,rdseed=on"},
	{"+spec-ctrl,-arch-capabilities", guest{cpu: "+spec-ctrl,-arch-capabilities"}, "max"},
	{"+hypervisor", guest{cpu: "+hypervisor"}, "max,hypervisor=on"},
}

// TestStockKernelTakesItsTour boots it in every way: the tour passes, and the
// console says what it says under QEMU.
func TestStockKernelTakesItsTour(t *testing.T) {
	for _, b := range boots {
		t.Run(b.name, func(t *testing.T) {
			t.Parallel()
			ours, theirs := b.run(t), b.runQEMU(t, b.qemu)
			require.Equal(t, "debug-exit 0", ours.end, "the console:\n%s", ours.console)
			require.Equal(t, ours.end, theirs.end, "QEMU's console:\n%s", theirs.console)
			passed := linesOf(ours.console, "tour: passed ")
			require.Len(t, passed, 1)
			require.Regexp(t, `^tour: passed (\d+) of (\d+)$`, passed[0])
			if diff := cmp.Diff(lines(theirs.console), lines(ours.console)); diff != "" {
				t.Errorf("the console differs from QEMU's (-), here (+):\n%s", diff)
			}
		})
	}
}

// TestKernelOnCPUThatItDoesNotServe: what the kernel needs and does not find.
func TestKernelOnCPUThatItDoesNotServe(t *testing.T) {
	t.Run("-nx", func(t *testing.T) {
		t.Parallel()
		// Data is executable there: one item of the tour says so, in QEMU too.
		g := guest{cpu: "-nx"}
		ours, theirs := g.run(t), g.runQEMU(t, "max,nx=off")
		require.Equal(t, "debug-exit 1", ours.end)
		require.Equal(t, ours.end, theirs.end)
		require.Contains(t, ours.console, "tour: faults on protected memory FAILED (execute what is not executable:")
		require.Empty(t, cmp.Diff(lines(theirs.console), lines(ours.console)))
	})
	t.Run("-pge", func(t *testing.T) {
		t.Parallel()
		// startup_64 of arch/x86/kernel/head_64.S sets CR4.PGE before there
		// is an IDT, without asking CPUID; setting a reserved bit is #GP(0)
		// (SDM vol. 2B, MOV to CR), and without a gate the CPU shuts down.
		require.Equal(t, "shutdown", guest{cpu: "-pge"}.run(t).end)
	})
}
