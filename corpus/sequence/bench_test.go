// SPDX-License-Identifier: GPL-2.0-or-later

package sequence_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/corpus/sequence"
)

// BenchmarkRun is sequences of five operations: plain calls, and what the
// generator makes.
func BenchmarkRun(b *testing.B) {
	for _, guest := range []string{"builtin:mini"} {
		r := newRig(b, guest)
		calls, err := sequence.Parse(sequence.Header + "\ngetpid()\ngetppid()\nstack(&stack.fresh+0x28)\nkill(self, 0)\ngettid()")
		require.NoError(b, err)
		b.Run(guest+"/calls", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, err := r.Run(calls)
				require.NoError(b, err)
			}
		})
		g := sequence.NewGenerator(r.Kernel, 1)
		list := make([]sequence.Sequence, 256)
		for i := range list {
			list[i] = g.Generate(nil, 5)
		}
		b.Run(guest+"/generated", func(b *testing.B) {
			b.ReportAllocs()
			for n := 0; b.Loop(); n++ {
				_, err := r.Run(list[n%len(list)])
				require.NoError(b, err)
			}
		})
		b.Run("generate", func(b *testing.B) {
			b.ReportAllocs()
			var s sequence.Sequence
			for b.Loop() {
				s = g.Generate(s, 5)
			}
		})
	}
}
