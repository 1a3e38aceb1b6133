// SPDX-License-Identifier: GPL-2.0-or-later

package ukl

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
)

// TestOrdinaryProgramsCannotForgeTheMark: a frame that says UKL_CS leads to ring
// 0 for the application's tasks only. For others it is a selector beyond the
// GDT's end, and IRET faults (SDM vol. 2A, IRET: #GP(selector)).
func TestOrdinaryProgramsCannotForgeTheMark(t *testing.T) {
	dir := t.TempDir()
	program, initrd := filepath.Join(dir, "forge"), filepath.Join(dir, "initrd")
	run(t, "gcc", "-O1", "-static", "-o", program, filepath.Join("testdata", "forge.c"))
	b, err := os.ReadFile(program)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(initrd, archiveWithInit(b), 0o644))
	for _, g := range guests(t) {
		t.Run(nameOf(g), func(t *testing.T) {
			t.Parallel()
			g.Initrd = initrd
			o := emulate(t, g, "")
			require.Equal(t, "debug-exit 0", o.end, "the console:\n%s", o.console)
			require.Empty(t, cmp.Diff([]string{
				"forge: sigreturn: killed by signal 11",
				"forge: ptrace: -1, errno 5",
				"forge: ptrace: the tracee ended with 3",
			}, linesOf(o.console, "forge: ")))
			require.Empty(t, splats.FindString(o.console))
		})
	}
}

// archiveWithInit is a cpio archive (Documentation/driver-api/early-userspace/
// buffer-format.rst) with /dev/console and this /init.
func archiveWithInit(program []byte) []byte {
	const directory, device, file = 0o040755, 0o020600, 0o100755
	var out bytes.Buffer
	add := func(name string, mode, major, minor int, data []byte) {
		fmt.Fprintf(&out, "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%s\x00",
			1, mode, 0, 0, 1, 0, len(data), 0, 0, major, minor, len(name)+1, 0, name)
		pad(&out)
		out.Write(data)
		pad(&out)
	}
	add("dev", directory, 0, 0, nil)
	add("dev/console", device, 5, 1, nil)
	add("init", file, 0, 0, program)
	add("TRAILER!!!", 0, 0, 0, nil)
	return out.Bytes()
}

func pad(out *bytes.Buffer) {
	for out.Len()%4 != 0 {
		out.WriteByte(0)
	}
}
