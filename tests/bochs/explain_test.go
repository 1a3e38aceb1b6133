// SPDX-License-Identifier: GPL-2.0-or-later

package bochs

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/emu/x86"
)

func TestDifferenceNamesWhatIsNotTheSame(t *testing.T) {
	theirs := Outcome{Stop: "vector 0x0d", Events: []string{"#GP(0x0)"}, Changed: map[string]string{"rip": "0x10", "rsp": "0x20"}}
	ours := Outcome{Stop: "vector 0x0c", Events: []string{"#SS(0x0)"}, Changed: map[string]string{"rip": "0x10"},
		Memory: map[string]string{"0x8": "0x1"}}
	require.Equal(t, []string{
		"stop: vector 0x0d, here vector 0x0c",
		"events: #GP(0x0), here #SS(0x0)",
		"rsp: 0x20, here as before",
		"[0x8]: as before, here 0x1",
	}, theirs.Difference(&ours))
	require.Empty(t, theirs.Difference(&theirs))
}

func TestOfAShutdownOnlyTheEventsCount(t *testing.T) {
	theirs := Outcome{Stop: "shutdown", Events: []string{"#DF(0x0)"}}
	ours := Outcome{Stop: "shutdown", Events: []string{"#DF(0x0)"}, Changed: map[string]string{"rip": "0x10"}}
	require.Empty(t, theirs.Difference(&ours))
}

func TestADifferenceThatIsNotListedIsLeft(t *testing.T) {
	ids, left := explain("canonical-branch/ret", []string{"rip: 0x1, here 0x2"})
	require.Empty(t, ids)
	require.Equal(t, []string{"rip: 0x1, here 0x2"}, left)

	ids, left = explain("double-fault/#GP, then #GP, CPL 0", []string{"[0x37fe8]: 0x10002, here 0x2", "rip: 0x1, here 0x2"})
	require.Equal(t, []string{"df-rf"}, ids)
	require.Equal(t, []string{"rip: 0x1, here 0x2"}, left)
}

// Every case is told apart from the others by its name, and says what it does.
func TestCasesHaveNames(t *testing.T) {
	_, groups := load(t)
	for _, g := range groups {
		names := map[string]bool{}
		for _, c := range g.Cases {
			require.NotEmpty(t, c.Text, c.Name)
			require.False(t, names[c.Name], "%s: two cases called %s", g.Name, c.Name)
			names[c.Name] = true
		}
	}
}

func TestAStateWithAnUnknownRegisterIsRefused(t *testing.T) {
	var s x86.State
	require.ErrorContains(t, State{"rzx": []byte(`{}`)}.apply(&s), "rzx")
	require.ErrorContains(t, State{"rax": []byte(`"x"`)}.apply(&s), "rax")
}
