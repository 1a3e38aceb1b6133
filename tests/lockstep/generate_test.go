// SPDX-License-Identifier: GPL-2.0-or-later

package lockstep

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestASeedIsAProgram(t *testing.T) {
	require.Equal(t, Generate(7, 300).Source(), Generate(7, 300).Source())
	require.NotEqual(t, Generate(7, 300).Source(), Generate(8, 300).Source())
	require.Equal(t, Generate(7, 300).Cases[:200], Generate(7, 200).Cases, "a longer program begins with the shorter")
}

func TestEveryTemplateAssembles(t *testing.T) {
	p := &Program{}
	for i := range templates {
		for range 8 {
			g := &generator{Rand: newRand(1, uint64(len(p.Cases))), number: len(p.Cases)}
			g.c.User = templates[i].level == userOnly
			g.state()
			g.add(&templates[i])
			p.Cases = append(p.Cases, g.c)
		}
	}
	source := p.Source()
	require.NotRegexp(t, placeholder, source)
	built, err := Build(t.TempDir(), p)
	require.NoError(t, err)
	require.NotEmpty(t, built.Undefined)
	for rip := range built.Undefined {
		require.True(t, built.inCase(rip), "%#x", rip)
		require.Equal(t, built.undefinedAt(rip), built.undefinedAt(rip+userAlias))
	}
}

func TestBothPrivilegeLevelsGetEveryTemplateThatIsForThem(t *testing.T) {
	for i := range templates {
		user, kernel := templates[i].chance(true), templates[i].chance(false)
		require.Positive(t, user+kernel, templates[i].text)
		require.Equal(t, templates[i].level == kernelOnly, user == 0, templates[i].text)
		require.Equal(t, templates[i].level == userOnly, kernel == 0, templates[i].text)
	}
}

func TestDefectsHaveTheManualsWord(t *testing.T) {
	for _, c := range Generate(3, 3000).Cases {
		if c.KnownInSteps != "" {
			k, ok := known(c.KnownInSteps)
			require.True(t, ok && k.inSteps, c.KnownInSteps)
		}
	}
	for _, k := range KnownDefects {
		require.True(t, strings.HasPrefix(k.Manual, "SDM vol. "), k.Name)
		require.Contains(t, k.Manual, "QEMU", k.Name)
		ways := 0
		for _, way := range []bool{k.bits != nil, k.ends != nil, k.inSteps, k.stepped != nil} {
			if way {
				ways++
			}
		}
		require.Equal(t, 1, ways, k.Name)
	}
}
