// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/uklemu/uklemu/emu/device"
	"github.com/uklemu/uklemu/emu/unicorn"
)

// size is an amount of memory on the command line.
type size uint64

func (s *size) Type() string { return "SIZE" }

func (s *size) String() string {
	for _, unit := range []struct {
		letter string
		shift  int
	}{{"G", 30}, {"M", 20}, {"K", 10}} {
		if v := uint64(*s); v != 0 && v%(1<<unit.shift) == 0 {
			return fmt.Sprintf("%d%s", v>>unit.shift, unit.letter)
		}
	}
	return strconv.FormatUint(uint64(*s), 10)
}

func (s *size) Set(text string) error {
	v, ok := suffixed(text, map[string]uint64{"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30})
	if !ok {
		return fmt.Errorf("%q is no size; accepted: a number of bytes, or one with K, M or G behind it", text)
	}
	*s = size(v)
	return nil
}

// ofMachine refuses what no machine can have; the error names the flag.
func (s *size) ofMachine() error {
	if v := uint64(*s); v%unicorn.PageSize != 0 || v < 1<<20 || v > unicorn.MaxRAM {
		return fmt.Errorf("--memory: a machine cannot have %s; accepted: a multiple of 4096 between 1 MiB and 3 GiB", s)
	}
	return nil
}

// limit is a bound on a run: a number of instructions or a virtual time.
type limit struct {
	instructions uint64
	time         device.Time
}

func (l *limit) Type() string { return "LIMIT" }

func (l *limit) String() string {
	switch {
	case l.instructions > 0:
		return strconv.FormatUint(l.instructions, 10)
	case l.time > 0:
		return time.Duration(l.time).String()
	}
	return ""
}

func (l *limit) Set(text string) error {
	if n, ok := suffixed(text, map[string]uint64{"": 1, "k": 1e3, "K": 1e3, "M": 1e6, "G": 1e9}); ok && n > 0 {
		*l = limit{instructions: n}
		return nil
	}
	if d, err := time.ParseDuration(text); err == nil && d > 0 {
		*l = limit{time: device.Time(d)}
		return nil
	}
	return fmt.Errorf("%q is no limit; accepted: a number of instructions (2000000, 2M), or a duration of the guest's time (300ms, 5s)", text)
}

// suffixed reads a number with one of the suffixes behind it.
func suffixed(text string, suffixes map[string]uint64) (uint64, bool) {
	digits := strings.TrimRight(text, "kKMG")
	n, err := strconv.ParseUint(digits, 10, 64)
	unit, ok := suffixes[text[len(digits):]]
	if err != nil || !ok || n > math.MaxUint64/unit {
		return 0, false
	}
	return n * unit, true
}
