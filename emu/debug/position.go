// SPDX-License-Identifier: GPL-2.0-or-later

package debug

import (
	"cmp"
	"fmt"
	"math"

	"github.com/uklemu/uklemu/emu/device"
)

// Position names a boundary of a run. Instructions alone would not do: a
// delivery retires none, and while the CPU is halted only time passes.
type Position struct {
	Instructions uint64
	Deliveries   uint64 // of exceptions and interrupts, since the beginning
	Time         device.Time
}

// never is after every position.
var never = Position{Instructions: math.MaxUint64}

// Before says that p is earlier than q.
func (p Position) Before(q Position) bool {
	return cmp.Or(
		cmp.Compare(p.Instructions, q.Instructions),
		cmp.Compare(p.Deliveries, q.Deliveries),
		cmp.Compare(p.Time, q.Time),
	) < 0
}

// waiting says that only time passes between p and a later q.
func (p Position) waiting(q Position) bool {
	return p.Instructions == q.Instructions && p.Deliveries == q.Deliveries && p.Time < q.Time
}

func (p Position) String() string {
	return fmt.Sprintf("%d instructions, %d exceptions and interrupts, %.6f ms", p.Instructions, p.Deliveries, float64(p.Time)/1e6)
}
