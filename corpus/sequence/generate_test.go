// SPDX-License-Identifier: GPL-2.0-or-later

package sequence_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/corpus/sequence"
)

// valid is what every mutation must leave.
func valid(t *testing.T, k *sequence.Kernel, s sequence.Sequence) {
	t.Helper()
	require.NotEmpty(t, s)
	require.LessOrEqual(t, len(s), sequence.MaxOps)
	require.Empty(t, cmp.Diff(slices.Clone(s).Normal(), s))
	again, err := sequence.Parse(s.String())
	require.NoError(t, err, s.String())
	require.Empty(t, cmp.Diff(s, again))
	require.Empty(t, cmp.Diff(s, sequence.Decode(s.Encode())))
	for i := range s {
		require.True(t, k.Has(s[i].Code), "%v", s[i])
	}
}

func TestOneSeedOneSequence(t *testing.T) {
	k := newRig(t, "builtin:mini").Kernel
	a, b, c := sequence.NewGenerator(k, 1), sequence.NewGenerator(k, 1), sequence.NewGenerator(k, 2)
	var s, u, other sequence.Sequence
	different := false
	for range 100 {
		s, u, other = a.Generate(s, 5), b.Generate(u, 5), c.Generate(other, 5)
		require.Empty(t, cmp.Diff(s, u))
		different = different || !slices.Equal(s, other)
	}
	require.True(t, different)
}

func TestWhatIsGeneratedAndMutatedIsASequence(t *testing.T) {
	k := newRig(t, "builtin:mini").Kernel
	g := sequence.NewGenerator(k, 3)
	var s, other sequence.Sequence
	seen := map[sequence.Code]bool{}
	for range 1000 {
		s, other = g.Generate(s, 5), g.Generate(other, 7)
		valid(t, k, s)
		for range 5 {
			s = g.Mutate(s, other)
			valid(t, k, s)
		}
		for i := range s {
			seen[s[i].Code] = true
		}
	}
	require.Len(t, seen, len(k.Codes()), "all that there is, is generated")
}

// What used the result of an operation, uses it still when that has moved.
func TestResultsFollowTheirOperations(t *testing.T) {
	for _, c := range []struct {
		name, before, after string
		change              func(sequence.Sequence) sequence.Sequence
	}{
		{"insert", "r0 = getpid()\nkill(r0, 0)", "nops()\nr1 = getpid()\nkill(r1, 0)", func(s sequence.Sequence) sequence.Sequence {
			o, _ := sequence.Make("nops")
			return s.Insert(0, o)
		}},
		{"remove", "nops()\nr1 = getpid()\nkill(r1, 0)", "r0 = getpid()\nkill(r0, 0)", func(s sequence.Sequence) sequence.Sequence { return s.Remove(0) }},
		{"remove what is used", "nops()\nr1 = getpid()\nkill(r1+1, 0)", "nops()\nkill(1, 0)", func(s sequence.Sequence) sequence.Sequence { return s.Remove(1) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := sequence.Parse(sequence.Header + "\n" + c.before)
			require.NoError(t, err)
			require.Equal(t, sequence.Header+"\n"+c.after+"\n", c.change(s).String())
		})
	}
}

// Whatever is generated, a healthy kernel keeps its promises, and the outcome is
// the same a second time.
func TestHealthyKernelsSurviveWhatIsGenerated(t *testing.T) {
	for _, guest := range []string{"builtin:mini", "builtin:mini,use_ret,ist_pf"} {
		t.Run(guest, func(t *testing.T) {
			r := newRig(t, guest)
			g := sequence.NewGenerator(r.Kernel, 7)
			var s sequence.Sequence
			ends := map[sequence.End]int{}
			for n := range 1000 {
				s = g.Generate(s, 5)
				o, err := r.Run(s)
				require.NoError(t, err, s.String())
				first := *o
				ends[o.End]++
				if r.driver.Suite.Broken() {
					r.healthy(s.String())
				}
				if n%10 == 0 {
					o, err = r.Run(s)
					require.NoError(t, err)
					require.Equal(t, first, *o, s.String())
				}
			}
			require.Greater(t, ends[sequence.Completed], 500, "%v", ends)
			t.Log(ends)
		})
	}
}
