// SPDX-License-Identifier: GPL-2.0-or-later

package mini

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
)

func TestOptionsAreRead(t *testing.T) {
	for text, want := range map[string]Options{
		"":                     {},
		"use_ret":              {UseRet: true},
		"same_stack,ist_pf":    {SameStack: true, ISTPF: true},
		"stock":                {Stock: true},
		"kml":                  {KML: true},
		"bypass,defect=no-cld": {Bypass: true, Defects: []string{"no-cld"}},
		"defect=no-cld,use_ret,defect=entry-irqs-on": {UseRet: true, Defects: []string{"no-cld", "entry-irqs-on"}},
	} {
		o, err := Parse(text)
		require.NoError(t, err, text)
		require.Empty(t, cmp.Diff(want, o), text)
	}
}

func TestWhatMakesNoSenseIsRefused(t *testing.T) {
	for text, says := range map[string]string{
		"use-ret":                     `there is no option "use-ret"; accepted: use_ret, ist_pf, same_stack, bypass, stock, kml, and defect=NAME; did you mean use_ret?`,
		"frobnicate":                  `there is no option "frobnicate"; accepted: use_ret, ist_pf, same_stack, bypass, stock, kml, and defect=NAME`,
		"use_ret,":                    `there is no option ""; accepted: use_ret,`,
		"entry-irqs-on":               `; a defect is named as defect=entry-irqs-on`,
		"defect=entry-irq-on":         `there is no defect "entry-irq-on"; accepted: entry-irqs-on, for one, or another of those that uklemu guests lists`,
		"defect=m-1":                  `there is no defect "m-1"; accepted: entry-irqs-on, which is M-1`,
		"defect=":                     `there is no defect ""; accepted: those that uklemu guests lists`,
		"defect=no-cld,defect=no-cld": "defect=no-cld is there twice",
		"stock,kml":                   "stock and kml: the application runs at CPL 3 in one and at CPL 0 in the other",
		"kml,use_ret":                 "use_ret is an option of UKL, and kml has nothing of UKL",
		"stock,defect=entry-irqs-on":  "defect=entry-irqs-on is a mistake in UKL, and stock has nothing of UKL",
		"defect=ret-words-swapped":    "defect=ret-words-swapped needs use_ret (",
		"ist_pf,defect=df-unchecked":  "defect=df-unchecked makes no sense with ist_pf (",
	} {
		_, err := Parse(text)
		require.ErrorIs(t, err, ErrOptions, text)
		require.ErrorContains(t, err, says)
	}
}

// The order does not matter: what is the same guest has the same name.
func TestTheSameGuestHasOneName(t *testing.T) {
	a, err := Parse("defect=no-cld,ist_pf,defect=entry-irqs-on,use_ret")
	require.NoError(t, err)
	require.Equal(t, "use_ret,ist_pf,defect=entry-irqs-on,defect=no-cld", a.String())
	b, err := Parse(a.String())
	require.NoError(t, err)
	require.Equal(t, Hash(a), Hash(b))
	require.NotEqual(t, Hash(a), Hash(Options{}))
}

func TestVariantsAreThoseThatMakeSense(t *testing.T) {
	names := map[string]bool{}
	for _, o := range Variants() {
		names[o.String()] = true
	}
	require.Len(t, names, 18) // any of UKL's four together, stock, kml
	require.True(t, names[""] && names["stock"] && names["kml"] && names["use_ret,ist_pf,same_stack,bypass"])
}

func TestTheCatalogueIsInOrder(t *testing.T) {
	ids, names := map[string]bool{}, map[string]bool{}
	for _, d := range Defects() {
		require.Regexp(t, `^([A-Z][A-Z]?-[1-9][0-9]?[a-z]?|[34]\.[0-9])$`, d.ID)
		require.Regexp(t, `^[a-z0-9]+(-[a-z0-9]+)*$`, d.Name)
		require.NotEmpty(t, d.Text, d.Name)
		require.False(t, names[d.Name], "%s is there twice", d.Name)
		ids[d.ID], names[d.Name] = true, true
		for _, option := range append(d.With, d.Without...) {
			require.Contains(t, append(OptionNames(), "ukl"), option, d.Name)
		}
		least := d.Least()
		require.NoError(t, least.Check(), d.Name)
		require.Contains(t, least.Defects, d.Name)
	}
	kinds := map[byte]int{}
	for id := range ids {
		kinds[id[0]]++
	}
	require.GreaterOrEqual(t, kinds['M'], 45)
	require.GreaterOrEqual(t, kinds['H'], 12)
}

func TestTheNearestNameIsOffered(t *testing.T) {
	names := []string{"entry-irqs-on", "entry-swapgs", "no-cld"}
	for word, want := range map[string]string{
		"entry-irqs-on": "entry-irqs-on", "entry_irqs_on": "entry-irqs-on", "entry-swapsg": "entry-swapgs", "no-cl": "no-cld",
		"x": "", "something else": "", "": "",
	} {
		require.Equal(t, want, nearest(word, names), word)
	}
}
