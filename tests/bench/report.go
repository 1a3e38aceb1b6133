// SPDX-License-Identifier: GPL-2.0-or-later

package bench

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"
)

// Options say how long to measure.
type Options struct {
	Rounds  int    // of each measurement, alternating
	Runs    int    // of the stretch in a round
	Uklemu  string // path of the command
	QEMU    string // path of qemu-system-x86_64
	Scratch string // folder
}

// Report measures and prints the table.
func Report(w io.Writer, o Options) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "what\there\tagainst\tratio\tmust reach")
	defer t.Flush()
	if err := reportBoots(t, o); err != nil {
		return err
	}
	s, err := FindStretch()
	if err != nil {
		return err
	}
	defer s.Machine.Close()
	if err := s.reportSnapshots(t, o); err != nil {
		return err
	}
	if err := s.reportRuns(t, o); err != nil {
		return err
	}
	return reportModel(t, o)
}

func reportBoots(w io.Writer, o Options) error {
	kernels, err := Kernels()
	if err != nil {
		return err
	}
	for _, name := range []string{"vmlinux", "bzImage"} {
		var ours, theirs Spents
		for range o.Rounds {
			if err := ours.add(BootProcess(o.Uklemu, kernels[name], false)); err != nil {
				return err
			}
			if err := theirs.add(BootProcess(o.QEMU, kernels[name], true)); err != nil {
				return err
			}
		}
		fmt.Fprintf(w, "boot of %s to its init, whole process\t%.2f s\tQEMU %.2f s\t%.2f\tat most 1.0\n", name,
			median(ours.wall).Seconds(), median(theirs.wall).Seconds(), ratio(ours.wall, theirs.wall))
		fmt.Fprintf(w, "  its CPU time\t%.2f s\tQEMU %.2f s\t%.2f\t\n",
			median(ours.cpu).Seconds(), median(theirs.cpu).Seconds(), ratio(ours.cpu, theirs.cpu))
	}
	return nil
}

// Spents are some of them.
type Spents struct{ wall, cpu []time.Duration }

func (s *Spents) add(one Spent, err error) error {
	s.wall, s.cpu = append(s.wall, one.Wall), append(s.cpu, one.CPU)
	return err
}

// ratio is the median of those of each round: what disturbs a round disturbs
// both sides of it.
func ratio(ours, theirs []time.Duration) float64 {
	var all []float64
	for i := range ours {
		all = append(all, float64(ours[i])/float64(theirs[i]))
	}
	return median(all)
}

func (s *Stretch) reportSnapshots(w io.Writer, o Options) error {
	const times = 1000
	var starts, restores []time.Duration
	for range times {
		began := time.Now()
		if err := s.StartOnce(); err != nil {
			return err
		}
		starts = append(starts, time.Since(began))
	}
	for range times {
		if err := s.Dirty(); err != nil {
			return err
		}
		began := time.Now()
		if err := s.Machine.Restore(s.Start); err != nil {
			return err
		}
		restores = append(restores, time.Since(began))
	}
	first, err := s.startBeside(20)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "start of a machine from a snapshot\t%.1f µs\t\t\tunder 100 µs\n", micro(median(starts)))
	fmt.Fprintf(w, "  of one more than were ever closed\t%.1f µs\t\t\t\n", micro(median(first)))
	fmt.Fprintf(w, "restore after %d dirtied pages\t%.1f µs\t\t\tunder 5 µs\n", dirtied, micro(median(restores)))
	return nil
}

func micro(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1000 }

func (s *Stretch) reportRuns(w io.Writer, o Options) error {
	loop, err := s.NewLoop(o.Scratch)
	if err != nil {
		return err
	}
	measure := func(observe bool) (ours, theirs []time.Duration, err error) {
		for range o.Rounds {
			a, err := s.PerRun(o.Runs)
			if err != nil {
				return nil, nil, err
			}
			b, err := loop.PerRun(o.Runs, observe)
			if err != nil {
				return nil, nil, err
			}
			ours, theirs = append(ours, a), append(theirs, b)
		}
		return ours, theirs, nil
	}
	plain, loopPlain, err := measure(false)
	if err != nil {
		return err
	}
	if err := s.Machine.Record(0, ^uint64(0), 4096); err != nil {
		return err
	}
	observed, loopObserved, err := measure(true)
	if err != nil {
		return err
	}
	perSecond := func(d []time.Duration) float64 { return 1 / median(d).Seconds() }
	fmt.Fprintf(w, "%d kernel instructions, restore included\t%.0f/s\tC loop %.0f/s\t%.2f\t60000/s, at least 0.9\n",
		s.Instructions, perSecond(plain), perSecond(loopPlain), ratio(loopPlain, plain))
	fmt.Fprintf(w, "  the same, every instruction observed\t%.0f/s\tunobserved\t%.2f\tat most 4 times\n",
		perSecond(observed), ratio(observed, plain))
	fmt.Fprintf(w, "  \t\tC loop, observed %.0f/s\t%.2f\t\n", perSecond(loopObserved), ratio(loopObserved, observed))
	if err := s.Machine.Record(0, 0, 0); err != nil {
		return err
	}
	return s.reportObservation(w, o)
}
