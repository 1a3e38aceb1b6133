// SPDX-License-Identifier: GPL-2.0-or-later

package space_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/corpus/mini"
	"github.com/uklemu/uklemu/emu"
	"github.com/uklemu/uklemu/emu/boot"
	"github.com/uklemu/uklemu/model/image"
	"github.com/uklemu/uklemu/model/space"
)

// TestLayoutOfEveryVariant boots builtin:mini in each healthy variant up to its
// application's main.
func TestLayoutOfEveryVariant(t *testing.T) {
	for _, o := range mini.Variants() {
		t.Run("mini "+o.String(), func(t *testing.T) {
			b, err := mini.Build(o)
			require.NoError(t, err)
			kernel, err := boot.Parse("builtin:mini", bytes.NewReader(b), int64(len(b)))
			require.NoError(t, err)
			img, err := image.Read(bytes.NewReader(b), int64(len(b)), "builtin:mini")
			require.NoError(t, err)
			m, err := emu.New(emu.Config{})
			require.NoError(t, err)
			defer m.Close()
			require.NoError(t, m.Boot(kernel, boot.Options{}))
			until(t, img, m, "ukl_main")

			l := space.Read(m, img)
			agrees(t, l, m)
			s := m.State()
			kind, rights := kindAt(l, s.RIP)
			if o.Stock || o.KML { // a program, in the lower half
				require.Less(t, s.RIP, uint64(1)<<47)
				require.Equal(t, "r-xu-", rights)
			} else {
				require.Equal(t, space.ApplicationText, kind)
				require.Equal(t, "r-x-g", rights)
			}
			current, listed := l.Find(space.NewReader(img).View(m).TopOfStack - 1)
			require.True(t, listed)
			require.Equal(t, space.ThreadStack, current.Kind)
			require.Equal(t, "/UKL (2)", current.Name)
			for _, r := range l.Ranges {
				require.False(t, r.Kind.Guard() && r.Mapped(), "%s", r)
			}
			require.NotEmpty(t, l.OfKind(space.ISTStack))
			require.NotEmpty(t, l.SVG())
		})
	}
}
