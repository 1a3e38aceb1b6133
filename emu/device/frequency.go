// SPDX-License-Identifier: GPL-2.0-or-later

package device

import (
	"math"
	"math/bits"
)

// Frequency is the rate of an oscillator in hertz. Ticks are counted from
// time 0 in integers, so that a device which runs for a year has lost nothing
// to rounding.
type Frequency uint64

const nanosecondsPerSecond = 1_000_000_000

// Ticks is how many ticks have passed at t.
func (f Frequency) Ticks(t Time) uint64 {
	hi, lo := bits.Mul64(uint64(t), uint64(f))
	if hi >= nanosecondsPerSecond {
		return math.MaxUint64
	}
	ticks, _ := bits.Div64(hi, lo, nanosecondsPerSecond)
	return ticks
}

// At is the first instant at which ticks have passed: Ticks(At(n)) is n for a
// frequency of at most 1 GHz, and at least n for a higher one.
func (f Frequency) At(ticks uint64) Time {
	hi, lo := bits.Mul64(ticks, nanosecondsPerSecond)
	if hi >= uint64(f) {
		return Never
	}
	t, rest := bits.Div64(hi, lo, uint64(f))
	if rest != 0 && t != math.MaxUint64 {
		t++
	}
	return Time(t)
}

// since is how long ago base was, never less than nothing.
func since(now, base Time) Time {
	if now < base {
		return 0
	}
	return now - base
}

// after is base plus delay, or Never where that does not fit.
func after(base, delay Time) Time {
	if base > Never-delay {
		return Never
	}
	return base + delay
}
