// SPDX-License-Identifier: GPL-2.0-or-later

package x86

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// SDM vol. 2B, POPF, table 4-15: which flags change, by CPL and IOPL.
func TestPOPF(t *testing.T) {
	const status, every = FlagCF | FlagPF | FlagAF | FlagZF | FlagSF | FlagTF | FlagDF | FlagOF | FlagNT, ^uint64(0)
	for _, c := range []struct {
		name    string
		user    bool
		operand int
		before  uint64
		want    uint64
	}{
		{"CPL 0", false, 8, 0, status | FlagIF | FlagIOPL | FlagAC | FlagID},
		{"CPL 3, IOPL 0", true, 8, 0, status | FlagAC | FlagID},
		{"CPL 3, IOPL 3", true, 8, FlagIOPL, status | FlagIF | FlagIOPL | FlagAC | FlagID},
		{"CPL 3, IF stays", true, 8, FlagIF, status | FlagIF | FlagAC | FlagID},
		{"CPL 3, 16 bits", true, 2, FlagAC, status | FlagAC},
		{"RF is cleared", true, 2, FlagRF, status},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld()
			if c.user {
				w.user()
			}
			w.RFLAGS = FlagFixed | c.before
			w.GPR[RSP] -= 8
			w.mem.put(w.GPR[RSP], 8, every)
			rsp := w.GPR[RSP]
			requireFault(t, "", POPF(w.State, w.mem, c.operand))
			require.Equal(t, c.want|FlagFixed, w.RFLAGS)
			require.Equal(t, rsp+uint64(c.operand), w.GPR[RSP])
		})
	}
}

func TestPOPFThatFaultsChangesNothing(t *testing.T) {
	for rsp, fault := range map[uint64]string{noncanon: "#SS(0)", 0x1000: "#PF(4)@1000", userStack - 4: "#AC(0)"} {
		w := newWorld().user()
		w.CR0 |= CR0AM
		w.RFLAGS |= FlagAC
		w.GPR[RSP] = rsp
		want := w.clone()
		requireFault(t, fault, POPF(w.State, w.mem, 8))
		w.requireState(t, want)
	}
}

// SDM vol. 1, table B-1.
func TestConditions(t *testing.T) {
	for flags, met := range map[uint64][8]bool{
		0:               {},
		FlagOF:          {0: true, 6: true, 7: true},
		FlagCF:          {1: true, 3: true},
		FlagZF:          {2: true, 3: true, 7: true},
		FlagSF:          {4: true, 6: true, 7: true},
		FlagPF:          {5: true},
		FlagSF | FlagOF: {0: true, 4: true},
	} {
		for i, want := range met {
			require.Equal(t, want, Condition(uint8(0x70+2*i), flags), "%x under %x", 0x70+2*i, flags)
			require.Equal(t, !want, Condition(uint8(0x71+2*i), flags), "%x under %x", 0x71+2*i, flags)
		}
	}
}
