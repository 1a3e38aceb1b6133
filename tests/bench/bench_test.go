// SPDX-License-Identifier: GPL-2.0-or-later

package bench

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/emu"
)

func stretch(t testing.TB) *Stretch {
	t.Helper()
	s, err := FindStretch()
	require.NoError(t, err)
	t.Cleanup(s.Machine.Close)
	return s
}

// The stretch is the same instructions each time, in the machine and in the C
// loop, which compares the registers at the end.
func TestStretchAndLoopAgree(t *testing.T) {
	s := stretch(t)
	require.NoError(t, s.Machine.Record(0, ^uint64(0), 4096))
	require.NoError(t, s.Once()) // code is translated, and on the way some of it tried twice
	s.Machine.RestartRecord()
	var first []uint64
	for range 3 {
		require.NoError(t, s.Once())
		// The one at the end is come to, and not executed.
		// A repeated instruction is there once more, when it finds RCX at 0.
		addresses := s.Machine.Recorded()
		require.Equal(t, s.Begin, addresses[0])
		require.InDelta(t, s.Instructions, len(addresses), 8)
		if first == nil {
			first = addresses
		}
		require.Equal(t, first, addresses)
	}
	loop, err := s.NewLoop(t.TempDir())
	require.NoError(t, err)
	for _, observe := range []bool{false, true} {
		_, err = loop.PerRun(10, observe)
		require.NoError(t, err)
	}
}

// BenchmarkStretch is a run of some 1,500 kernel instructions, restore
// included, with nothing observed.
func BenchmarkStretch(b *testing.B) {
	s := stretch(b)
	for b.Loop() {
		require.NoError(b, s.Once())
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "runs/s")
	b.ReportMetric(float64(s.Instructions), "instructions")
}

// BenchmarkStretchObserved is the same with every instruction written down.
func BenchmarkStretchObserved(b *testing.B) {
	s := stretch(b)
	require.NoError(b, s.Machine.Record(0, ^uint64(0), 4096))
	for b.Loop() {
		require.NoError(b, s.Once())
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "runs/s")
}

// BenchmarkStart makes a machine from a snapshot and gives it back.
func BenchmarkStart(b *testing.B) {
	s := stretch(b)
	for b.Loop() {
		require.NoError(b, s.StartOnce())
	}
}

// BenchmarkRestore restores after 20 pages were written, which is counted too.
func BenchmarkRestore(b *testing.B) {
	s := stretch(b)
	for b.Loop() {
		require.NoError(b, s.Dirty())
		require.NoError(b, s.Machine.Restore(s.Start))
	}
}

// BenchmarkBoot boots the stock kernel to its init, in this process.
func BenchmarkBoot(b *testing.B) {
	for b.Loop() {
		m, err := Boot("")
		require.NoError(b, err)
		m.Close()
	}
}

// BenchmarkStretchPoints is the same with points, of three captures each.
func BenchmarkStretchPoints(b *testing.B) {
	s := stretch(b)
	hits := 0
	require.NoError(b, s.Points(&hits))
	for b.Loop() {
		require.NoError(b, s.Once())
	}
	require.NotZero(b, hits)
	b.ReportMetric(float64(hits)/float64(b.N), "hits")
}

// BenchmarkStretchEverything is the same in the full tier.
func BenchmarkStretchEverything(b *testing.B) {
	for name, what := range map[string]*emu.Every{
		"accesses":     everything(false, emu.AllZones),
		"half":         everything(false, emu.Zones(userHalf)),
		"instructions": everything(true, 0),
	} {
		b.Run(name, func(b *testing.B) {
			s := stretch(b)
			seen := 0
			require.NoError(b, s.Machine.ObserveAll(what, func(batch []emu.Seen) { seen += len(batch) }))
			for b.Loop() {
				require.NoError(b, s.Once())
			}
			require.NotZero(b, seen)
			b.ReportMetric(float64(seen)/float64(b.N), "seen")
		})
	}
}
