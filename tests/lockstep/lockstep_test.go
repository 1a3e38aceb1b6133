// SPDX-License-Identifier: GPL-2.0-or-later

package lockstep

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
)

func build(t *testing.T, seed uint64, cases int) *Payload {
	t.Helper()
	p, err := Build(t.TempDir(), Generate(seed, cases))
	require.NoError(t, err)
	return p
}

// start brings a payload to its first case.
func start(t *testing.T, p *Payload) *QEMU {
	t.Helper()
	q, err := StartQEMU(QEMUOptions{Kernel: p.Path})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, q.Close()) })
	require.NoError(t, q.RunTo(p.Symbols["run_cases"]))
	return q
}

// finish runs what is left at full speed and returns the log.
func finish(t *testing.T, p *Payload, q Machine) Log {
	t.Helper()
	require.NoError(t, q.RunTo(p.Symbols["finished"]))
	log, err := ReadLog(q, p)
	require.NoError(t, err)
	return log
}

func TestTheSameSeedLogsTheSameTwice(t *testing.T) {
	p := build(t, 1, 2000)
	one, two := finish(t, p, start(t, p)), finish(t, p, start(t, p))
	require.Empty(t, cmp.Diff(one, two))
	report := CompareLogs(p, one, two)
	require.Empty(t, report.Differences)
	require.Equal(t, 2000, report.Cases)
	require.Equal(t, 2000, one.Count()[EventState], "every case ends")

	count := one.Count()
	for vector, name := range map[int]string{
		0: "#DE", 1: "#DB", 2: "NMI", 3: "#BP", 4: "#OF", 6: "#UD", 7: "#NM", 8: "#DF", 11: "#NP",
		12: "#SS", 13: "#GP", 14: "#PF", 16: "#MF", 0x20: "INT n", 0x50: "an external interrupt",
		EventSyscall: "SYSCALL", EventDone: "the end of a case",
	} {
		require.Positive(t, count[vector], name)
	}
	t.Logf("%d events of %d kinds", report.Events, len(count))
}

func TestSteppingChangesNothing(t *testing.T) {
	const cases = 400
	p := build(t, 2, cases)
	free := finish(t, p, start(t, p))

	a, b := start(t, p), start(t, p)
	report, err := Compare(p, a, b, cases, nil)
	require.NoError(t, err)
	require.Empty(t, report.Differences)
	require.Equal(t, cases, report.Cases)
	t.Logf("%d instructions, %d events", report.Instructions, report.Events)

	stepped := finish(t, p, a)
	for _, d := range CompareLogs(p, free, stepped).Differences {
		if p.Program.Cases[d.Case].KnownInSteps == "" {
			t.Error(d)
		}
	}
}

// A processor of another vendor is another machine: SYSENTER and SYSEXIT are
// #UD in AMD's long mode, and nothing else that the cases do is different.
func TestADifferenceIsFound(t *testing.T) {
	const cases = 1500
	p := build(t, 6, cases)
	intel := finish(t, p, start(t, p))
	q, err := StartQEMU(QEMUOptions{Kernel: p.Path, CPU: strings.Replace(DefaultCPU, "GenuineIntel", "AuthenticAMD", 1)})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, q.Close()) })
	amd := finish(t, p, q)

	report := CompareLogs(p, intel, amd)
	require.NotEmpty(t, report.Differences)
	for _, d := range report.Differences {
		require.Regexp(t, "sysenter|sysexit", strings.Join(p.Program.Cases[d.Case].Text, "\n"), d.String())
	}
	t.Logf("%d cases of %d", len(report.Differences), cases)
}
