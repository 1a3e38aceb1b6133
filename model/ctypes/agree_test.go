// SPDX-License-Identifier: GPL-2.0-or-later

package ctypes_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/internal/testguest"
	"github.com/uklemu/uklemu/model/ctypes"
)

// encodeBTF makes BTF of the guest's DWARF, as the build of a kernel with
// CONFIG_DEBUG_INFO_BTF does (scripts/link-vmlinux.sh).
func encodeBTF(t *testing.T, guest string) *ctypes.Types {
	t.Helper()
	file := filepath.Join(t.TempDir(), "vmlinux.btf")
	out, err := exec.Command("pahole", "-J", "--btf_gen_floats", "--btf_encode_detached="+file, testguest.Path(t, guest, "vmlinux")).CombinedOutput()
	require.NoError(t, err, "pahole, of the package dwarves: %s", out)
	b, err := os.ReadFile(file)
	require.NoError(t, err)
	types, err := ctypes.FromBTF(b)
	require.NoError(t, err)
	return types
}

// describe writes a structure with all that its members say, those of members
// without a name included, and what pointers and arrays are of.
func describe(t *ctypes.Type) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%v %s, %d bytes\n", t.Kind, t.Name, t.Size)
	for _, m := range t.Members {
		fmt.Fprintf(&b, "%s +%d", m.Name, m.Offset)
		if m.BitSize != 0 {
			fmt.Fprintf(&b, ":%d:%d", m.BitOffset, m.BitSize)
		}
		fmt.Fprintf(&b, " %s\n", strings.ReplaceAll(mention(m.Type()), "\n", "\n\t"))
	}
	return b.String()
}

func mention(t *ctypes.Type) string {
	switch {
	case t.Kind == ctypes.Pointer:
		to := t.Element()
		return fmt.Sprintf("pointer to %v %s", to.Kind, to.Name)
	case t.Kind == ctypes.Array:
		return fmt.Sprintf("%d of %s", t.Count, mention(t.Element()))
	case t.Name == "" && (t.Kind == ctypes.Struct || t.Kind == ctypes.Union):
		return describe(t)
	}
	text := fmt.Sprintf("%v %s, %d bytes", t.Kind, t.Name, t.Size)
	if t.Signed {
		text += ", signed"
	}
	for _, v := range t.Values {
		text += fmt.Sprintf(" %s=%d", v.Name, v.Value)
	}
	return text
}

func describeAll(t *testing.T, types *ctypes.Types, name string) []string {
	t.Helper()
	found, err := types.Structs(name)
	require.NoError(t, err)
	var texts []string
	for _, s := range found {
		texts = append(texts, describe(s))
	}
	slices.Sort(texts)
	return slices.Compact(texts)
}

// inFunctions are structures that are defined within functions: BTF has no
// scopes, and in DWARF such names are not looked for.
var inFunctions = []string{"bts_record", "perf_aux_event"}

// Structures of the same name that differ are in either as often as they are
// distinct.
func TestDWARFAndBTFSayTheSame(t *testing.T) {
	dwarf, btf := fromVmlinux(t, "stock"), encodeBTF(t, "stock")
	names, err := dwarf.Names()
	require.NoError(t, err)
	others, err := btf.Names()
	require.NoError(t, err)
	others = slices.DeleteFunc(others, func(name string) bool { return slices.Contains(inFunctions, name) })
	require.Empty(t, cmp.Diff(others, names))
	require.Greater(t, len(names), 2500)
	for _, name := range names {
		require.Empty(t, cmp.Diff(describeAll(t, btf, name), describeAll(t, dwarf, name)), name)
	}
}
