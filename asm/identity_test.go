// SPDX-License-Identifier: GPL-2.0-or-later

package asm

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestIdentityIsOfTheSources(t *testing.T) {
	require.Len(t, Identity(), 64)
	require.Equal(t, Identity(), Identity())
	for _, name := range []string{"asm.go", "keystone.c", "quirks.go"} {
		b, err := own.ReadFile(name)
		require.NoError(t, err)
		require.NotEmpty(t, b)
	}
}
