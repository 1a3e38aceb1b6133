// SPDX-License-Identifier: GPL-2.0-or-later

package x86

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParseCPU(t *testing.T) {
	c, err := ParseCPU("")
	require.NoError(t, err)
	require.Equal(t, DefaultCPU(), c)
	require.True(t, c.Features.Has(SMAP))
	require.False(t, c.Features.Has(LA57))

	c, err = ParseCPU("+la57, -smep,-SMAP,vendor=amd,+pcid,+invpcid,-1gpages")
	require.NoError(t, err)
	require.Equal(t, AMD, c.Vendor)
	require.Equal(t, "amd", c.Vendor.String())
	for f, want := range map[Feature]bool{LA57: true, SMEP: false, SMAP: false, PCID: true, INVPCID: true, GBPages: false, NX: true} {
		require.Equal(t, want, c.Features.Has(f), f)
	}
	again, err := ParseCPU(c.Features.String())
	require.NoError(t, err)
	require.True(t, again.Features.Has(LA57))
}

func TestTurningOffTakesDependentsAlong(t *testing.T) {
	c, err := ParseCPU("-apic,-xsave")
	require.NoError(t, err)
	require.False(t, c.Features.Has(TSCDeadline))
	require.False(t, c.Features.Has(XSAVEOPT))
}

// A person who reads the error knows what to write.
func TestErrorsOfParseCPU(t *testing.T) {
	for text, want := range map[string]string{
		"+avx":        `no feature "avx"; accepted, with + or - before it: adx, aes, apic, arch-capabilities`,
		"smap":        `write +smap to have it, -smap to lack it`,
		"vendor=via":  `no vendor "via"; accepted: intel, amd`,
		"model=host":  `nothing is called "model"; accepted: vendor=intel`,
		"+invpcid":    `+invpcid needs +pcid: add it, or say -invpcid`,
		"-xsave,+pku": `+pku needs +xsave`,
		"+":           `no feature ""`,
	} {
		_, err := ParseCPU(text)
		require.ErrorContains(t, err, want, text)
		require.True(t, strings.HasPrefix(err.Error(), "cpu: "))
	}
}

func TestDefaultsAreConsistent(t *testing.T) {
	require.NoError(t, DefaultFeatures().check())
	require.NoError(t, everything().Features.check())
	for f := range numFeatures {
		require.NotEmpty(t, features[f].name)
		require.NotEmpty(t, features[f].about)
	}
	require.Equal(t, "feature 200", Feature(200).String())
}

func FuzzParseCPU(f *testing.F) {
	for _, seed := range []string{"", "+smap,-smep,vendor=amd,la57", "=", "+,,-", "+la57"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if c, err := ParseCPU(text); err == nil {
			require.NoError(t, c.Features.check())
		}
	})
}
