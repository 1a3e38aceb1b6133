// SPDX-License-Identifier: GPL-2.0-or-later

package cache

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheCacheIsWhereTheEnvironmentSays(t *testing.T) {
	t.Setenv("UKLEMU_CACHE", "/elsewhere")
	require.Equal(t, "/elsewhere", Dir())
	require.Equal(t, filepath.FromSlash("/elsewhere/guests/stock/vmlinux"), Guest("stock", "vmlinux"))

	t.Setenv("UKLEMU_CACHE", "")
	require.Equal(t, "uklemu", filepath.Base(Dir()))
}
