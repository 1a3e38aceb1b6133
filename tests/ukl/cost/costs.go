// SPDX-License-Identifier: GPL-2.0-or-later

package cost

import (
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Call is one kind of system call, made in one way.
type Call struct {
	Name string // as null calls it
	How  string // "call" or "SYSCALL"
}

// Costs are what one of each costs, at the least: in instructions or in nanoseconds.
type Costs map[Call]float64

// add keeps what is less: other work on the host only ever adds to it.
func (c Costs) add(call Call, cost float64) {
	if old, ok := c[call]; !ok || cost < old {
		c[call] = cost
	}
}

var (
	measured = regexp.MustCompile(`^measure: (.+) by (call|SYSCALL): ([0-9.]+) at least`)
	clocked  = regexp.MustCompile(`^measure: ([0-9]+) cycles in a microsecond`)
)

// cycles are in what null says by itself: of the time stamp counter, and how many
// of these make a microsecond.
func cycles(console string) (Costs, float64) {
	costs, perMicrosecond := Costs{}, 0.0
	for line := range strings.Lines(console) {
		if m := measured.FindStringSubmatch(line); m != nil {
			costs.add(Call{m[1], m[2]}, number(m[3]))
		} else if m := clocked.FindStringSubmatch(line); m != nil {
			perMicrosecond = number(m[1])
		}
	}
	return costs, perMicrosecond
}

// number is of text that a pattern has found to be one.
func number(text string) float64 {
	n, _ := strconv.ParseFloat(text, 64)
	return n
}

var begins = regexp.MustCompile(`^watch: (\d+) of (.+) by (call|SYSCALL)$`)

// watch is a console that looks at the time: null says when calls begin and,
// behind the last of them, that they are done. It is for the emulator, which hands
// out each byte as the guest writes it; a pipe would keep the first line until
// somebody reads it.
type watch struct {
	now   func() time.Time
	costs Costs

	line  []byte
	began time.Time // of the calls under way
	calls float64   // 0: none are
	call  Call
}

func newWatch(now func() time.Time) *watch { return &watch{now: now, costs: Costs{}} }

func (w *watch) Write(b []byte) (int, error) {
	for _, c := range b {
		switch {
		case c == '\r':
		case c == '\n':
			w.end(string(w.line))
			w.line = w.line[:0]
		default:
			if len(w.line) == 0 && w.calls != 0 {
				w.done()
			}
			w.line = append(w.line, c)
		}
	}
	return len(b), nil
}

func (w *watch) end(line string) {
	m := begins.FindStringSubmatch(line)
	if m == nil {
		return
	}
	w.calls, w.call = number(m[1]), Call{m[2], m[3]}
	w.began = w.now()
}

func (w *watch) done() {
	took := w.now().Sub(w.began)
	w.costs.add(w.call, float64(took.Nanoseconds())/w.calls)
	w.calls = 0
}
