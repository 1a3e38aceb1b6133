// SPDX-License-Identifier: GPL-2.0-or-later

package linux_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write docs/selftests.md anew")

const selftestsTable = "../../docs/selftests.md"

// onCPU are the programs whose verdict under QEMU 7.2 is not that of a CPU:
// what the CPU's is, and the manual's word on it.
var onCPU = map[string]struct{ verdict, because string }{
	"mov_ss_trap": {"pass", "QEMU reports the data breakpoint on the operand of a `MOV SS` at once; it has to wait until the " +
		"instruction that follows is done (SDM vol. 3A, \"Masking Exceptions and Interrupts When Switching Stacks\")"},
	"sysret_ss_attrs": {"pass", "with SMAP on, QEMU makes the stack accesses of a far return at CPL 3 as the supervisor's, which " +
		"SMAP then refuses; they are user-mode accesses (SDM vol. 3A, \"Determination of Access Rights\")"},
}

// selftestRuns are the CPUs that the programs run on, and QEMU's nearest.
var selftestRuns = []struct{ heading, cpu, qemu string }{
	{"default", "", "max"},
	{"without SMAP", "-smap", "max,smap=off"},
}

// TestKernelSelftests runs the kernel's tools/testing/selftests/x86 as init:
// the verdicts are QEMU's, or a CPU's where QEMU errs, and docs/selftests.md
// has them.
func TestKernelSelftests(t *testing.T) {
	var programs []string
	var ours, theirs []map[string]string
	for _, run := range selftestRuns {
		g := guest{name: "selftests", cpu: run.cpu}
		names, here := verdicts(t, g.run(t))
		_, there := verdicts(t, g.runQEMU(t, run.qemu))
		programs = names
		ours, theirs = append(ours, here), append(theirs, there)
		for _, name := range names {
			want := there[name]
			if cpu, ok := onCPU[name]; ok {
				want = cpu.verdict
			}
			require.Equal(t, want, here[name], "%s, CPU %s", name, run.heading)
		}
	}
	table := table(programs, ours, theirs)
	if *update {
		require.NoError(t, os.WriteFile(selftestsTable, []byte(table), 0o644))
	}
	written, err := os.ReadFile(selftestsTable)
	require.NoError(t, err)
	require.Equal(t, string(written), table, "write it anew with: go test ./tests/linux -run TestKernelSelftests -update")
}

// verdicts are the lines "selftest: NAME VERDICT", in their order.
func verdicts(t *testing.T, o outcome) (names []string, of map[string]string) {
	t.Helper()
	of = map[string]string{}
	for _, line := range linesOf(o.console, "selftest: ") {
		name, verdict, _ := strings.Cut(strings.TrimPrefix(line, "selftest: "), " ")
		names = append(names, name)
		of[name] = verdict
	}
	require.NotEmpty(t, names, "the guest ended with %s:\n%s", o.end, o.console)
	require.Len(t, linesOf(o.console, "selftests: passed "), 1, "the guest ended with %s:\n%s", o.end, o.console)
	return names, of
}

func table(programs []string, ours, theirs []map[string]string) string {
	var b strings.Builder
	b.WriteString("<!-- SPDX-License-Identifier: GPL-2.0-or-later -->\n\n# The kernel's x86 selftests\n\n" +
		"The programs of Linux 6.1's `tools/testing/selftests/x86` that make sense on one CPU without 32-bit programs,\n" +
		"run as init of the guest `selftests` in the machine and in QEMU 7.2 (`-accel tcg`).\n" +
		"`go test ./tests/linux -run TestKernelSelftests` checks this table, and writes it with `-update`.\n\n| program |")
	for _, run := range selftestRuns {
		fmt.Fprintf(&b, " here, %s | QEMU, `-cpu %s` |", run.heading, run.qemu)
	}
	b.WriteString("\n| --- |" + strings.Repeat(" --- | --- |", len(selftestRuns)) + "\n")
	for _, name := range programs {
		fmt.Fprintf(&b, "| %s |", name)
		for i := range selftestRuns {
			fmt.Fprintf(&b, " %s | %s |", ours[i][name], theirs[i][name])
		}
		b.WriteString("\n")
	}
	b.WriteString("\nWhere the two differ, the machine does what the manual says:\n\n")
	for _, name := range programs {
		if cpu, ok := onCPU[name]; ok {
			fmt.Fprintf(&b, "- `%s`: %s.\n", name, cpu.because)
		}
	}
	return b.String()
}
