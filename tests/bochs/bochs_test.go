// SPDX-License-Identifier: GPL-2.0-or-later

package bochs

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/emu/x86"
)

// cpu has what Bochs's has, a Core i3 of 2018, as far as the cases go.
const cpu = "+pku,+pcid,+invpcid"

func load(t *testing.T) (*World, []Group) {
	t.Helper()
	world, groups, err := Load("testdata")
	require.NoError(t, err)
	return world, groups
}

func runner(t *testing.T, world *World) *Runner {
	t.Helper()
	c, err := x86.ParseCPU(cpu)
	require.NoError(t, err)
	r, err := NewRunner(world, c)
	require.NoError(t, err)
	t.Cleanup(r.Close)
	return r
}

// seen counts the cases in which each known difference showed.
type seen map[string]int

// TestCases runs every case. What differs must be in Differences, and what is
// there must show.
func TestCases(t *testing.T) {
	world, groups := load(t)
	shown, total := seen{}, 0
	for _, g := range groups {
		total += len(g.Cases)
		t.Run(g.Name, func(t *testing.T) { shown.run(t, runner(t, world), &g) })
	}
	require.Greater(t, total, 4000)
	for _, k := range Differences {
		require.Positive(t, shown[k.ID], "%s: no case shows it any more; it has to leave the list", k.ID)
	}
	checkTable(t, total, shown)
}

func (s seen) run(t *testing.T, r *Runner, g *Group) {
	for i := range g.Cases {
		c := &g.Cases[i]
		here, err := r.Run(c)
		require.NoError(t, err, c.Name)
		name := g.Name + "/" + c.Name
		ids, left := explain(name, c.Then.Difference(here))
		for _, id := range ids {
			s[id]++
		}
		if len(left) > 0 {
			t.Errorf("%s: %s; where %s has\n%s", name, c.Text, c.oracle(), strings.Join(left, "\n"))
		}
	}
}

// explain says which known differences account for the lines, and which
// lines none does.
func explain(name string, lines []string) (ids, left []string) {
	for _, line := range lines {
		i := slices.IndexFunc(Differences, func(k Known) bool { return k.explains(name, line) })
		if i < 0 {
			left = append(left, line)
			continue
		}
		if id := Differences[i].ID; !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids, left
}

func (c *Case) oracle() string {
	if c.Oracle != "" {
		return c.Oracle
	}
	return "Bochs"
}
