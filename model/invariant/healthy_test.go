// SPDX-License-Identifier: GPL-2.0-or-later

package invariant_test

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// healthy are the stories, by name.
func (w *world) healthy() map[string]story {
	all := map[string]story{
		"call": w.call(), "calls": append(w.call(), w.call()...), "interrupt": w.interrupt(), "nested": w.nested(), "program": w.program(), "nmi": w.nmi(), "wrong": w.wrong(),
		"repair": w.repair(), "change": w.change(), "control": w.control(), "failing": w.failing(),
	}
	if !w.img.UKL.ISTPF {
		all["double"] = w.double()
	}
	return all
}

// A kernel that does everything right breaks nothing.
func TestHealthyStoriesBreakNothing(t *testing.T) {
	for _, options := range []string{"", "use_ret", "ist_pf", "use_ret,ist_pf"} {
		for name, s := range of(t, options).healthy() {
			broken, _ := of(t, options).tell(s, s)
			require.Empty(t, broken, "%s, %s", options, name)
		}
	}
}
