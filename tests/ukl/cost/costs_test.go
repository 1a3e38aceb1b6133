// SPDX-License-Identifier: GPL-2.0-or-later

package cost

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
)

// TestCyclesAreTheLeastThatNullSays, of all the times it is run.
func TestCyclesAreTheLeastThatNullSays(t *testing.T) {
	costs, perMicrosecond := cycles(
		"measure: getpid by call: 210.00 at least, 211.30 in the middle\r\n" +
			"measure: page fault by SYSCALL: 5327.00 at least, 5400.00 in the middle\n" +
			"measure: getpid by call: 209.50 at least, 400.00 in the middle\n" +
			"measure: 1000 cycles in a microsecond\n" +
			"null: measured\n")
	require.Empty(t, cmp.Diff(Costs{{"getpid", "call"}: 209.5, {"page fault", "SYSCALL"}: 5327}, costs))
	require.InDelta(t, 1000, perMicrosecond, 0)
}

// TestTimeIsFromTheEndOfOneLineToTheBeginningOfTheNext, whatever the pieces
// are in which the console hands them out.
func TestTimeIsFromTheEndOfOneLineToTheBeginningOfTheNext(t *testing.T) {
	for _, pieces := range [][]string{
		{"watch: 100 of getpid by call\r\n", "watch: done\r\n"},
		{"init: hello\nwatch: 100 of get", "pid by call\r", "\n", "w", "atch: done\n"},
	} {
		clock := time.Unix(0, 0)
		w := newWatch(func() time.Time { clock = clock.Add(5 * time.Microsecond); return clock })
		for range 3 {
			for _, piece := range pieces {
				n, err := w.Write([]byte(piece))
				require.NoError(t, err)
				require.Equal(t, len(piece), n)
			}
		}
		require.Empty(t, cmp.Diff(Costs{{"getpid", "call"}: 50}, w.costs))
	}
}

// TestTimeIsTheLeast: what else the host does only adds to it.
func TestTimeIsTheLeast(t *testing.T) {
	clock, step := time.Unix(0, 0), time.Duration(0)
	w := newWatch(func() time.Time { clock = clock.Add(step); return clock })
	for _, step = range []time.Duration{300, 200, 700} {
		_, err := w.Write([]byte("watch: 2 of read by SYSCALL\nwatch: done\n"))
		require.NoError(t, err)
	}
	require.Empty(t, cmp.Diff(Costs{{"read", "SYSCALL"}: 100}, w.costs))
}

// TestTheTablesHaveRatiosToTheCallsOfCPL3: of each guest's own.
func TestTheTablesHaveRatiosToTheCallsOfCPL3(t *testing.T) {
	costs := Costs{{"getpid", "SYSCALL"}: 200, {"getpid", "call"}: 190, {"read", "SYSCALL"}: 400, {"read", "call"}: 500}
	require.Equal(t, `| instructions | SYSCALL, CPL 3 | call, `+"`IRET`"+` | call, `+"`use_ret`"+` |
| --- | --- | --- | --- |
| getpid | 200 | 190 (0.95) | 190 (0.95) |
| read | 400 | 500 (1.25) | - |
`, Table("instructions", []Column{{nil, costs}, {[]string{"use_ret"}, Costs{{"getpid", "SYSCALL"}: 200, {"getpid", "call"}: 190}}}))
}
