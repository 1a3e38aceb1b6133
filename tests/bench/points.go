// SPDX-License-Identifier: GPL-2.0-or-later

package bench

import (
	"fmt"
	"io"
	"time"

	"github.com/uklemu/uklemu/emu"
	"github.com/uklemu/uklemu/emu/x86"
)

// pointsOfAStretch is how many arrivals at points there are in a run of it: as
// many as a system call of the model's events makes, and some more.
const pointsOfAStretch = 15

// Points puts points on the stretch, at instructions that it comes to once
// and far from each other, each with three captures: a word through GS, four
// bytes that this one points to, and as much stack as struct pt_regs has.
// hits counts the arrivals.
func (s *Stretch) Points(hits *int) error {
	addresses, err := s.once()
	if err != nil {
		return err
	}
	captures := []emu.Capture{
		{Base: emu.Register(x86.RSP), Size: 168},
		{Base: emu.Register(x86.RSP), Offset: 8, Size: 8},
		{Base: emu.Word(0), Offset: 16, Size: 4},
	}
	var points []emu.Point
	for i := range pointsOfAStretch {
		points = append(points, emu.Point{Address: addresses[i*len(addresses)/pointsOfAStretch], Captures: captures})
	}
	return s.Machine.SetPoints(points, func(batch []emu.Hit) { *hits += len(batch) })
}

// once are the addresses that the stretch comes to a single time, in order.
func (s *Stretch) once() ([]uint64, error) {
	if err := s.Machine.Record(0, ^uint64(0), 4096); err != nil {
		return nil, err
	}
	if err := s.Once(); err != nil {
		return nil, err
	}
	s.Machine.RestartRecord()
	if err := s.Once(); err != nil {
		return nil, err
	}
	all := s.Machine.Recorded()
	times := map[uint64]int{}
	for _, address := range all {
		times[address]++
	}
	var single []uint64
	for _, address := range all {
		if times[address] == 1 {
			single = append(single, address)
		}
	}
	if len(single) < pointsOfAStretch {
		return nil, fmt.Errorf("%d instructions of the stretch are executed once: want %d", len(single), pointsOfAStretch)
	}
	return single, s.Machine.Record(0, 0, 0)
}

// compare gives the CPU time of runs without something and with it, in turn:
// what disturbs one disturbs the other.
func (s *Stretch) compare(o Options, on, off func() error) (without, with []time.Duration, err error) {
	for range o.Rounds {
		a, err := s.PerRun(o.Runs)
		if err != nil {
			return nil, nil, err
		}
		if err := on(); err != nil {
			return nil, nil, err
		}
		if err := s.Once(); err != nil { // in which code is translated anew
			return nil, nil, err
		}
		b, err := s.PerRun(o.Runs)
		if err != nil {
			return nil, nil, err
		}
		if err := off(); err != nil {
			return nil, nil, err
		}
		without, with = append(without, a), append(with, b)
	}
	return without, with, s.Once()
}

// reportPoints measures the first of the two tiers of observation: at points.
func (s *Stretch) reportPoints(w io.Writer, o Options) error {
	hits := 0
	plain, points, err := s.compare(o, func() error { return s.Points(&hits) }, func() error { return s.Machine.SetPoints(nil, nil) })
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "  the same with %d points, of three captures each\t%.0f/s\tunobserved\t%.2f\tat most 2 times\n",
		pointsOfAStretch, 1/median(points).Seconds(), ratio(points, plain))
	fmt.Fprintf(w, "    one of them\t%.0f ns\t\t\t\n", float64((median(points)-median(plain)).Nanoseconds())/pointsOfAStretch)
	return nil
}
