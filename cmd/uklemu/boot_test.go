// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"encoding/hex"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/uklemu/uklemu/internal/testelf"
	"github.com/uklemu/uklemu/internal/testguest"
)

// program is a guest in hexadecimal, started in 64-bit mode.
type program string

const (
	// Writes "hello" and a newline to the serial port, and 0 to the debug exit.
	hello program = "48 8d 35 14 00 00 00" + // lea rsi, [rip+20]
		"66 ba f8 03  b9 06 00 00 00  f3 6e" + // mov dx, 0x3f8; mov ecx, 6; rep outsb
		"31 c0 e6 f4  eb fe  00 00 00" + // xor eax, eax; out 0xf4, al; jmp .
		"68 65 6c 6c 6f 0a"
	exit3  program = "b0 03 e6 f4"       // mov al, 3; out 0xf4, al
	loop   program = "90 eb fd"          // nop; jmp back
	reboot program = "b0 fe e6 64 eb fe" // mov al, 0xfe; out 0x64, al
	fault  program = "90 0f 0b"          // nop; ud2
)

func (p program) image() []byte {
	code, err := hex.DecodeString(strings.ReplaceAll(string(p), " ", ""))
	if err != nil {
		panic(err)
	}
	return testelf.Image{
		Entry:    0x200000,
		Segments: []testelf.Segment{{Flags: 7, Virtual: 0x200000, Physical: 0x200000, Data: code}},
		Sections: []testelf.Section{{Name: ".text", Type: testelf.Progbits, Flags: testelf.Alloc | testelf.Exec, Address: 0x200000, Size: uint64(len(code))}},
		Symbols:  []testelf.Symbol{{Name: "start", Info: testelf.Global | testelf.Function, Section: 1, Address: 0x200000, Size: uint64(len(code))}},
	}.Bytes()
}

// terminal opens a pseudo-terminal (pty(7)): our end and the command's.
func terminal(t *testing.T) (ours, theirs *os.File) {
	t.Helper()
	ours, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	require.NoError(t, err)
	t.Cleanup(func() { ours.Close() })
	require.NoError(t, unix.IoctlSetPointerInt(int(ours.Fd()), unix.TIOCSPTLCK, 0))
	n, err := unix.IoctlGetInt(int(ours.Fd()), unix.TIOCGPTN)
	require.NoError(t, err)
	theirs, err = os.OpenFile(filepath.Join("/dev/pts", strconv.Itoa(n)), os.O_RDWR|unix.O_NOCTTY, 0)
	require.NoError(t, err)
	return ours, theirs
}

// conversation is the command on a terminal.
type conversation struct {
	t    *testing.T
	tty  *os.File
	said chan string
	all  strings.Builder
	over chan error
}

func onTerminal(t *testing.T, args ...string) *conversation {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	ours, theirs := terminal(t)
	c := exec.Command(self, args...)
	c.Args[0] = "uklemu" // TestMain then is the command
	c.Path = linkTo(t, self)
	c.Stdin, c.Stdout, c.Stderr = theirs, theirs, theirs
	require.NoError(t, c.Start())
	theirs.Close()
	k := &conversation{t: t, tty: ours, said: make(chan string, 1024), over: make(chan error, 1)}
	go func() {
		defer close(k.said)
		b := make([]byte, 4096)
		for {
			n, err := ours.Read(b)
			if n > 0 {
				k.said <- string(b[:n])
			}
			if err != nil { // EIO when the other end is closed
				return
			}
		}
	}()
	go func() { k.over <- c.Wait() }()
	t.Cleanup(func() { _ = c.Process.Kill() })
	return k
}

// linkTo gives the test binary the command's name, by which it knows.
func linkTo(t *testing.T, self string) string {
	path := filepath.Join(t.TempDir(), "uklemu")
	require.NoError(t, os.Symlink(self, path))
	return path
}

// hears reads until the command has said a text that it had not said before.
func (k *conversation) hears(text string) {
	k.t.Helper()
	late := time.After(2 * time.Minute)
	var heard string
	for !strings.Contains(heard, text) {
		select {
		case s, ok := <-k.said:
			require.True(k.t, ok, "it ended without saying %q: %s", text, k.all.String())
			heard += s
			k.all.WriteString(s)
		case <-late:
			k.t.Fatalf("it does not say %q: %s", text, k.all.String())
		}
	}
}

func (k *conversation) types(text string) {
	k.t.Helper()
	_, err := io.WriteString(k.tty, text)
	require.NoError(k.t, err)
}

func TestBootIsAConsoleOnATerminal(t *testing.T) {
	testguest.Path(t, "stock", "vmlinux")
	k := onTerminal(t, "boot", "guest:stock", "--append", "console=ttyS0 rdinit=/bin/echo")
	k.hears("echo: ready")
	k.types("over and out\r")
	k.hears("echo: over and out")
	k.types("\x01h")
	k.hears("Ctrl-A x ends uklemu")
	k.types("a\x01\x01b\r") // Ctrl-A twice is one for the guest
	k.hears("echo: a\x01b")
	k.types("\x01x")
	require.NoError(t, <-k.over, "the user ended it: status 0")
}

func TestAGuestEndsBootOnATerminal(t *testing.T) {
	testguest.Path(t, "stock", "vmlinux")
	k := onTerminal(t, "boot", "guest:stock", "--append", "console=ttyS0 rdinit=/bin/echo")
	k.hears("echo: ready")
	k.types("exit 5\r")
	k.hears("debug-exit 5")
	require.EqualError(t, <-k.over, "exit status 1")
}

func TestLimits(t *testing.T) {
	for text, want := range map[string]limit{
		"2000000": {instructions: 2_000_000}, "2M": {instructions: 2_000_000}, "3k": {instructions: 3000}, "1G": {instructions: 1e9},
		"5s": {time: 5e9}, "2m": {time: 120e9}, "1.5ms": {time: 1_500_000},
	} {
		var l limit
		require.NoError(t, l.Set(text), text)
		require.Equal(t, want, l, text)
		var again limit
		require.NoError(t, again.Set(l.String()))
		require.Equal(t, l, again)
	}
	for _, text := range []string{"", "0", "-1", "2T", "M", "0s", "-5s", "99999999999999999999", "18446744073709551615G", "soon"} {
		var l limit
		require.ErrorContains(t, l.Set(text), "is no limit; accepted", text)
	}
}

func TestSizes(t *testing.T) {
	for text, want := range map[string]size{"4096": 4096, "64K": 64 << 10, "512M": 512 << 20, "1G": 1 << 30, "0": 0} {
		var s size
		require.NoError(t, s.Set(text), text)
		require.Equal(t, want, s)
		var again size
		require.NoError(t, again.Set(s.String()))
		require.Equal(t, s, again)
	}
	for _, text := range []string{"", "M", "1k", "1MM", "-1", "1.5G", "18446744073709551615K"} {
		var s size
		require.ErrorContains(t, s.Set(text), "is no size; accepted", text)
	}
}
