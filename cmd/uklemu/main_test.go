// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/emu/unicorn"
	"github.com/uklemu/uklemu/internal/cache"
	"github.com/uklemu/uklemu/internal/testelf"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"uklemu": main})
}

// The scripts in testdata/script are the command's manual, line by line.
// Beside testscript's own commands they have
//
//	image FILE KIND     writes one of the images below
//	cut FILE BYTES      shortens a file
//	patch FILE AT HEX   replaces bytes
//	status N CMD...     runs uklemu, which must exit with N
//	jsonfield NAME TEXT the last output is one JSON object, and its field is this
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: filepath.Join("testdata", "script"),
		Setup: func(env *testscript.Env) error {
			env.Setenv("REAL_CACHE", cache.Dir()) // for what needs the engine or a real guest
			env.Setenv("UKLEMU_CACHE", filepath.Join(env.WorkDir, "cache"))
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"image":     writeImage,
			"cut":       cutFile,
			"patch":     patchFile,
			"status":    expectStatus,
			"jsonfield": expectField,
		},
		RequireExplicitExec: true,
	})
}

var images = map[string]func() []byte{
	"vmlinux": func() []byte { return kernelImage(kernelSymbols()).Bytes() },
	"ukl": func() []byte {
		return kernelImage(append(kernelSymbols(), code("ukl_entry_SYSCALL_64", 0xffffffff81000060))).Bytes()
	},
	"stripped": func() []byte { return kernelImage(nil).Bytes() },
	// Programs for boot, in boot_test.go.
	"hello": hello.image, "exit3": exit3.image, "loop": loop.image, "reboot": reboot.image, "fault": fault.image,
	"plain": func() []byte {
		return testelf.Image{Entry: 0x200000, Segments: []testelf.Segment{{Flags: 5, Virtual: 0x200000, Physical: 0x200000, Data: []byte{0xf4}}}}.Bytes()
	},
}

func code(name string, address uint64) testelf.Symbol {
	return testelf.Symbol{Name: name, Info: testelf.Global | testelf.Notype, Section: 1, Address: address, Size: 16}
}

func kernelSymbols() []testelf.Symbol {
	return []testelf.Symbol{
		code("asm_exc_page_fault", 0xffffffff81000040),
		code("entry_SYSCALL_64", 0xffffffff81000020),
		{Name: "entry_SYSCALL_64_safe_stack", Info: testelf.Global | testelf.Notype, Section: 1, Address: 0xffffffff81000028},
		code("start_kernel", 0xffffffff81000000),
	}
}

func kernelImage(symbols []testelf.Symbol) testelf.Image {
	text := append(make([]byte, 256), "Linux version 6.1.0-test (someone@somewhere) #1\n\x00"...)
	return testelf.Image{
		Entry: 0x1000000,
		Segments: []testelf.Segment{
			{Flags: 5, Virtual: 0xffffffff81000000, Physical: 0x1000000, Data: text},
			{Flags: 6, Virtual: 0xffffffff81200000, Physical: 0x1200000, Data: []byte("data")},
		},
		Sections: []testelf.Section{
			{Name: ".text", Type: testelf.Progbits, Flags: testelf.Alloc | testelf.Exec, Address: 0xffffffff81000000, Data: text},
			{Name: ".BTF", Type: testelf.Progbits, Data: []byte{0x9f, 0xeb}},
		},
		Symbols: symbols,
	}
}

func writeImage(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 || images[args[1]] == nil {
		ts.Fatalf("usage: image FILE KIND")
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), images[args[1]](), 0o644))
}

func cutFile(ts *testscript.TestScript, neg bool, args []string) {
	var n int64
	if _, err := fmt.Sscan(args[1], &n); neg || err != nil {
		ts.Fatalf("usage: cut FILE BYTES")
	}
	ts.Check(os.Truncate(ts.MkAbs(args[0]), n))
}

func patchFile(ts *testscript.TestScript, neg bool, args []string) {
	var at int64
	var with []byte
	_, err := fmt.Sscanf(args[1]+" "+args[2], "%v %x", &at, &with)
	if neg || err != nil {
		ts.Fatalf("usage: patch FILE AT HEX: %v", err)
	}
	f, err := os.OpenFile(ts.MkAbs(args[0]), os.O_RDWR, 0)
	ts.Check(err)
	defer f.Close()
	_, err = f.WriteAt(with, at)
	ts.Check(err)
}

func expectStatus(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: status N COMMAND...")
	}
	found := "0"
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		found = strings.TrimPrefix(err.Error(), "exit status ")
	}
	if found != args[0] {
		ts.Fatalf("the exit status is %s, not %s", found, args[0])
	}
}

func expectField(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: jsonfield NAME TEXT")
	}
	var object map[string]json.RawMessage
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &object))
	var found bytes.Buffer
	if raw, ok := object[args[0]]; ok {
		ts.Check(json.Compact(&found, raw))
	}
	if found.String() != args[1] {
		ts.Fatalf("%s is %s, not %s", args[0], found.String(), args[1])
	}
}

func TestErrorsHaveTheirExitStatus(t *testing.T) {
	for _, test := range []struct {
		err  error
		want int
	}{
		{nil, 0},
		{errors.New("anything about the input"), 2},
		{usageError{"what", "uklemu"}, 2},
		{failure{errors.New("the guest failed")}, 1},
		{fmt.Errorf("in context: %w", failure{errors.New("the guest failed")}), 1},
		{status(1), 1},
		{status(0), 0},
		{fmt.Errorf("in context: %w", unicorn.ErrNoEngine), 3},
	} {
		require.Equal(t, test.want, statusOf(test.err), "%v", test.err)
	}
}

func TestAStatusSaysNothingMore(t *testing.T) {
	var out bytes.Buffer
	report(&out, status(1))
	report(&out, nil)
	require.Empty(t, out.String())
	report(&out, errors.New("vmlinux: the file is empty"))
	require.Equal(t, "uklemu: vmlinux: the file is empty\n", out.String())
}

// full is a disk without room.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }

func TestAFullDiskIsAFailureNotBadInput(t *testing.T) {
	for _, args := range [][]string{{"version"}, {"version", "--json"}, {"guests"}} {
		var complaint bytes.Buffer
		require.Equal(t, statusFailed, run(&session{out: full{}, err: &complaint}, args), args)
		require.Contains(t, complaint.String(), "standard output: no space left on device")
	}
}

func TestEveryVerbExplainsItself(t *testing.T) {
	for _, verb := range verbs {
		c := verb(&session{})
		require.NotEmpty(t, c.Short, c.Use)
		require.NotNil(t, c.Args, c.Use)
		require.NotNil(t, c.RunE, c.Use)
	}
}
