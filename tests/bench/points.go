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

// reportObservation measures the two tiers.
func (s *Stretch) reportObservation(w io.Writer, o Options) error {
	hits, states, accesses := 0, 0, 0
	none := func() error { return s.Machine.SetPoints(nil, nil) }
	plain, points, err := s.compare(o, func() error { return s.Points(&hits) }, none)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "  the same with %d points, of three captures each\t%.0f/s\tunobserved\t%.2f\tat most 2 times\n",
		pointsOfAStretch, 1/median(points).Seconds(), ratio(points, plain))
	fmt.Fprintf(w, "    one of them\t%.0f ns\t\t\t\n", float64((median(points)-median(plain)).Nanoseconds())/pointsOfAStretch)
	for _, tier := range []struct {
		name string
		what *emu.Every
	}{
		{"every access told of", everything(false, emu.AllZones)},
		{"every access to the user's half", everything(false, emu.Zones(userHalf))},
		{"every instruction", everything(true, 0)},
	} {
		states, accesses = 0, 0
		see := func() error {
			return s.Machine.ObserveAll(tier.what, func(seen []emu.Seen) {
				for i := range seen {
					if seen[i].State != nil {
						states++
					}
				}
				accesses += len(seen)
			})
		}
		plain, all, err := s.compare(o, see, func() error { return s.Machine.ObserveAll(nil, nil) })
		if err != nil {
			return err
		}
		runs := o.Rounds * (o.Runs + 1)
		fmt.Fprintf(w, "  the same with %s\t%.0f/s\tunobserved\t%.2f\tat most 8 times\n", tier.name, 1/median(all).Seconds(), ratio(all, plain))
		fmt.Fprintf(w, "    told of\t%d states, %d accesses\t\t\t\n", states/runs, (accesses-states)/runs)
	}
	return nil
}

// userHalf is the zone of the lower half of the address space.
const userHalf = 1

// everything looks at the state before each block, or before each instruction:
// flags, zones, and a word through GS as the mode of a task is found; and at
// the accesses to some zones.
func everything(fine bool, data emu.ZoneSet) *emu.Every {
	half := []emu.Zone{{Range: emu.Range{Begin: 0, Size: 1 << 47}, Number: userHalf}}
	e := &emu.Every{
		Code: half, Stack: half, Data: half,
		Flags:    x86.FlagIF | x86.FlagDF | x86.FlagTF | x86.FlagNT | x86.FlagAC | x86.FlagIOPL,
		Captures: []emu.Capture{{Base: emu.GSBase, Offset: 0x28, Size: 8}},
		Accesses: []emu.Accesses{{Code: emu.AllZones, Data: data, Read: true, Write: true}},
	}
	if fine {
		e.Fine = []emu.Range{{Begin: 0, Size: ^uint64(0)}}
	}
	return e
}
