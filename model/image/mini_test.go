// SPDX-License-Identifier: GPL-2.0-or-later

package image_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/corpus/mini"
	"github.com/uklemu/uklemu/model/image"
)

// The mini guest is read as a real kernel is, in each of its variants.
func TestMiniGuestIsReadAsAKernel(t *testing.T) {
	for _, o := range mini.Variants() {
		t.Run(o.String(), func(t *testing.T) {
			b, err := mini.Build(o)
			require.NoError(t, err)
			img, err := read(b)
			require.NoError(t, err)
			want := image.UKL{Present: o.UKL(), UseRet: o.UseRet, ISTPF: o.ISTPF, SameStack: o.SameStack, Bypass: o.Bypass, TLS: o.UKL(), Flavor: image.Ours}
			switch {
			case o.KML:
				want.Flavor = image.KML
			case o.Stock:
				want.Flavor = image.None
			}
			require.Empty(t, cmp.Diff(want, img.UKL, cmpopts.IgnoreFields(image.UKL{}, "How")))
			require.True(t, img.ConfigComplete)
			require.Equal(t, [2]int{6, 1}, [2]int{img.Version.Major, img.Version.Minor})
			require.NoError(t, img.TypesError)
			require.NotEmpty(t, img.ExceptionTable())
			require.Equal(t, !o.Stock, img.Application() != nil)
			require.Empty(t, img.RedZone())
			for _, e := range img.Entries() {
				require.NotEqual(t, image.Application, img.Class(e.Address), e.Name)
			}
			pf, ok := img.Entry(14)
			require.True(t, ok)
			require.Equal(t, o.ISTPF, pf.IST != 0)
			for name, class := range map[string]image.Class{"entry_SYSCALL_64": image.EntryText, "error_entry": image.EntryText, "do_syscall_64": image.Kernel, "schedule": image.Kernel} {
				at, ok := img.Address(name)
				require.True(t, ok, name)
				require.Equal(t, class, img.Class(at), name)
			}
			require.Equal(t, image.Outside, img.Class(0x400000))
		})
	}
}
