// SPDX-License-Identifier: GPL-2.0-or-later

package lockstep

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func benchmarkMachine(b *testing.B, cases int) (*Payload, *QEMU) {
	b.Helper()
	p, err := Build(b.TempDir(), Generate(1, cases))
	require.NoError(b, err)
	q, err := StartQEMU(QEMUOptions{Kernel: p.Path})
	require.NoError(b, err)
	b.Cleanup(func() { q.Close() })
	require.NoError(b, q.RunTo(p.Symbols["run_cases"]))
	return p, q
}

// BenchmarkStep is one instruction and the registers after it.
func BenchmarkStep(b *testing.B) {
	_, q := benchmarkMachine(b, 100)
	for b.Loop() {
		require.NoError(b, q.Step())
		_, err := q.Registers()
		require.NoError(b, err)
	}
}

// BenchmarkCases is a whole log of 1,000 cases: start, run, read.
func BenchmarkCases(b *testing.B) {
	for b.Loop() {
		p, q := benchmarkMachine(b, 1000)
		require.NoError(b, q.RunTo(p.Symbols["finished"]))
		_, err := ReadLog(q, p)
		require.NoError(b, err)
		q.Close()
	}
}

func BenchmarkStart(b *testing.B) {
	for b.Loop() {
		_, q := benchmarkMachine(b, 10)
		q.Close()
	}
}
