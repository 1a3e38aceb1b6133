// SPDX-License-Identifier: GPL-2.0-or-later

package corpus

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/asm"
)

// inCache makes a cache with these guest.json files; each guest has a vmlinux
// and an initrd.
func inCache(t *testing.T, descriptions map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("UKLEMU_CACHE", dir)
	for name, text := range descriptions {
		folder := filepath.Join(dir, "guests", name)
		require.NoError(t, os.MkdirAll(folder, 0o755))
		for file, content := range map[string]string{"guest.json": text, "vmlinux": "", "tour.cpio": ""} {
			require.NoError(t, os.WriteFile(filepath.Join(folder, file), []byte(content), 0o644))
		}
	}
	return dir
}

const stock = `{"name": "stock", "kind": "built", "kernel": "6.1.0", "options": [], "applications": [],
	"vmlinux": "vmlinux", "initrd": "tour.cpio", "append": "console=ttyS0", "hash": "12"}`

func TestGuestsAreListedWithTheirFiles(t *testing.T) {
	dir := inCache(t, map[string]string{"stock": stock, "a": `{"name": "a", "vmlinux": "vmlinux"}`})
	guests, err := Guests()
	require.NoError(t, err)
	require.Equal(t, builtin(), guests[0])
	require.Empty(t, cmp.Diff([]Guest{
		{Name: "a", Kind: KindBuilt, Vmlinux: filepath.Join(dir, "guests/a/vmlinux")},
		{Name: "stock", Kind: KindBuilt, Kernel: "6.1.0", Options: []string{}, Applications: []string{},
			Vmlinux: filepath.Join(dir, "guests/stock/vmlinux"), Initrd: filepath.Join(dir, "guests/stock/tour.cpio"),
			Append: "console=ttyS0", Hash: "12"},
	}, guests[1:]))
}

func TestDamagedGuestsAreNamedAndLeftOut(t *testing.T) {
	for name, test := range map[string]struct{ text, says string }{
		"not JSON":            {"{", "unexpected end of JSON input"},
		"of another shape":    {`{"name": 1}`, "cannot unmarshal"},
		"without a name":      {`{"vmlinux": "vmlinux"}`, `"name" or "vmlinux" is missing`},
		"without a kernel":    {`{"name": "x"}`, `"name" or "vmlinux" is missing`},
		"a file elsewhere":    {`{"name": "x", "vmlinux": "../stock/vmlinux"}`, "is not a file in its folder"},
		"a file that is gone": {`{"name": "x", "vmlinux": "vmlinux", "initrd": "gone"}`, "no such file"},
	} {
		t.Run(name, func(t *testing.T) {
			inCache(t, map[string]string{"stock": stock, "x": test.text})
			guests, err := Guests()
			require.ErrorIs(t, err, ErrDamagedGuest)
			require.ErrorContains(t, err, test.says)
			require.ErrorContains(t, err, "make guests")
			require.Len(t, guests, 2)

			_, err = Find("guest:x")
			require.ErrorIs(t, err, ErrUnknownGuest)
			require.ErrorIs(t, err, ErrDamagedGuest)
		})
	}
}

func TestImagesAreFoundByName(t *testing.T) {
	dir := inCache(t, map[string]string{
		"stock":          stock,
		"ukl":            `{"name": "ukl", "vmlinux": "vmlinux", "options": []}`,
		"ukl-same_stack": `{"name": "ukl", "vmlinux": "vmlinux", "options": ["same_stack"]}`,
		"ukl-both":       `{"name": "ukl", "vmlinux": "vmlinux", "options": ["same_stack", "use_ret"]}`,
	})
	for name, folder := range map[string]string{
		"guest:stock":                  "stock",
		"guest:ukl":                    "ukl",
		"guest:ukl,same_stack":         "ukl-same_stack",
		"guest:ukl,use_ret":            "ukl-both",
		"guest:ukl,use_ret,same_stack": "ukl-both",
	} {
		image, err := Find(name)
		require.NoError(t, err, name)
		require.Equal(t, filepath.Join(dir, "guests", folder, "vmlinux"), image.Path, name)
		require.Equal(t, name, image.Name)
		require.NotNil(t, image.Guest)
	}
	for _, path := range []string{"vmlinux", "./guest:stock", "some:thing", ""} {
		image, err := Find(path)
		require.NoError(t, err)
		require.Equal(t, Image{Name: path, Path: path}, image)
	}
	for name, says := range map[string]string{
		"guest:nothing":         "no such guest: guest:nothing: there are guest:stock guest:ukl",
		"guest:":                "no such guest: guest:: there are",
		"guest:stock,use_ret":   "guest:stock is not built with use_ret: there are",
		"guest:ukl,frobnicated": "guest:ukl is not built with frobnicated",
		"builtin:maxi,x":        "no such guest: builtin:maxi: the builtin guest is builtin:mini; there are guest:stock",
		"builtin:mini,x":        `no such guest: builtin:mini,x: no such variant of builtin:mini: there is no option "x"; accepted: use_ret,`,
	} {
		_, err := Find(name)
		require.ErrorIs(t, err, ErrUnknownGuest, name)
		require.ErrorContains(t, err, says)
	}
}

func TestAnEmptyCacheSaysHowToFillIt(t *testing.T) {
	t.Setenv("UKLEMU_CACHE", filepath.Join(t.TempDir(), "no[t*here"))
	guests, err := Guests()
	require.NoError(t, err)
	require.Equal(t, []Guest{builtin()}, guests)
	_, err = Find("guest:stock")
	require.ErrorContains(t, err, "make guests builds them")
}

func TestTheBuiltinGuestIsMadeWhenItIsNamed(t *testing.T) {
	_, err := asm.Keystone() // of the cache that there is
	require.NoError(t, err)
	dir := inCache(t, nil)
	image, err := Find("builtin:mini,use_ret,defect=no-cld,defect=entry-swapgs")
	require.NoError(t, err)
	require.Equal(t, "builtin:mini,use_ret,defect=no-cld,defect=entry-swapgs", image.Name)
	require.Equal(t, filepath.Join(dir, "mini"), filepath.Dir(filepath.Dir(image.Path)))
	require.FileExists(t, image.Path)
	g := *image.Guest
	require.NotEmpty(t, g.Hash)
	g.Hash = ""
	require.Empty(t, cmp.Diff(Guest{Name: "mini", Kind: KindBuiltin, Kernel: "6.1.0-mini", Options: []string{"use_ret"}, Defects: []string{"no-cld", "entry-swapgs"},
		Applications: []string{"tour"}, Vmlinux: image.Path, Append: "console=ttyS0 panic=-1"}, g))

	all := builtin()
	require.Equal(t, "builtin:mini", all.Image())
	require.Equal(t, []string{"use_ret", "ist_pf", "same_stack", "bypass", "stock", "kml"}, all.Options)
	require.Contains(t, all.Defects, "entry-irqs-on")
}
