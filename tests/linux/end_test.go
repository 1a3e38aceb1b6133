// SPDX-License-Identifier: GPL-2.0-or-later

package linux_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/emu"
	"github.com/uklemu/uklemu/emu/x86"
)

// What reboot(2) takes (include/uapi/linux/reboot.h).
const (
	rebootMagic1   = 0xfee1dead
	rebootMagic2   = 672274793
	rebootRestart  = 0x01234567
	rebootPowerOff = 0x4321fedc
	rebootHalt     = 0xcdef0123
	sysReboot      = 169
)

// TestInitEndsTheMachine: the first system call of init becomes a reboot(2),
// and the machine ends in the way that the kernel chose.
func TestInitEndsTheMachine(t *testing.T) {
	for _, row := range []struct {
		name, append string
		command      uint64
		end          string
	}{
		{"power off by ACPI", "", rebootPowerOff, "poweroff"},
		{"power off by ACPI, 8259", "noapic nolapic", rebootPowerOff, "poweroff"},
		{"power off without ACPI is a halt", "acpi=off", rebootPowerOff, "halt"},
		{"halt", "", rebootHalt, "halt"},
		{"reboot as the kernel likes", "", rebootRestart, "reboot"},
		{"reboot by ACPI", "reboot=a", rebootRestart, "reboot"},
		{"reboot by the keyboard controller", "reboot=k", rebootRestart, "reboot"},
		{"reboot by port CF9h", "reboot=p", rebootRestart, "reboot"},
		{"reboot by triple fault", "reboot=t", rebootRestart, "shutdown"},
		{"reboot without ACPI", "acpi=off", rebootRestart, "reboot"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			var console bytes.Buffer
			m := guest{append: row.append}.machine(t, emu.Config{Console: &console})
			stop := m.Observe(func(e emu.Event) {
				if e.Kind == emu.EventSYSCALL {
					m.Interrupt()
				}
			})
			require.Equal(t, emu.StopInterrupted, m.Run(emu.Until{Instructions: bound}).Why, "%s", console.String())
			stop()
			s := m.State()
			s.GPR[x86.RAX], s.GPR[x86.RDI], s.GPR[x86.RSI], s.GPR[x86.RDX] = sysReboot, rebootMagic1, rebootMagic2, row.command
			m.SetState(&s)
			end := m.Run(emu.Until{Instructions: bound})
			require.Equal(t, row.end, end.String(), "%s", console.String())
			require.Equal(t, end, m.Run(emu.Until{}), "a machine that ended stays ended")
		})
	}
}

// TestPanicRebootsTheMachine: with panic=-1 a kernel without init reboots.
func TestPanicRebootsTheMachine(t *testing.T) {
	for _, row := range []struct{ append, end string }{
		{"", "reboot"},
		{"reboot=a", "reboot"},
		{"reboot=k", "reboot"},
		{"reboot=t", "shutdown"},
		{"noapic nolapic acpi=off", "reboot"},
	} {
		t.Run(row.append, func(t *testing.T) {
			t.Parallel()
			// The panic prints the stack's address, which is random otherwise.
			g := guest{append: "rdinit=/bin/crash norandmaps " + row.append}
			ours, theirs := g.run(t), g.runQEMU(t, "max")
			require.Equal(t, row.end, ours.end, "%s", ours.console)
			require.Equal(t, "off", theirs.end) // -no-reboot makes an end of any reset
			require.Contains(t, ours.console, "Attempted to kill init!")
			require.Empty(t, cmp.Diff(certain(theirs.console), certain(ours.console)))
		})
	}
}

// certain leaves out what the unwinder marks as a guess: return addresses that
// it met on the stack but that no frame led to (arch/x86/kernel/dumpstack.c).
// An interrupt at another moment leaves others behind.
func certain(console string) []string {
	return slices.DeleteFunc(lines(console), func(line string) bool { return strings.HasPrefix(line, " ? ") })
}
