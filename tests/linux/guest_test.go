// SPDX-License-Identifier: GPL-2.0-or-later

package linux_test

import (
	"bytes"
	"os"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/corpus"
	"github.com/uklemu/uklemu/emu"
	"github.com/uklemu/uklemu/emu/boot"
	"github.com/uklemu/uklemu/emu/x86"
)

// guest is a way to start one of the built guests.
type guest struct {
	name     string // "stock" if empty
	bzImage  bool   // the bzImage, not the vmlinux
	protocol string // of package boot, its choice if empty
	append   string // goes behind the guest's own command line
	cpu      string // what --cpu takes
	noACPI   bool
	input    []byte
}

// bound is far more than any guest needs: a guest that hangs ends there.
const bound = 20_000_000_000

// files are what a guest is made of, read once for the process.
func (g guest) files(t testing.TB) (image *boot.Image, initrd []byte, commandLine string) {
	t.Helper()
	name := g.name
	if name == "" {
		name = "stock"
	}
	found, err := corpus.Find("guest:" + name)
	require.NoError(t, err)
	path := found.Guest.Vmlinux
	if g.bzImage {
		path = found.Guest.BzImage
	}
	cached.Lock()
	defer cached.Unlock()
	if image = cached.images[path]; image == nil {
		image, err = boot.Open(path)
		require.NoError(t, err)
		cached.images[path] = image
	}
	initrd = cached.initrds[found.Guest.Initrd]
	if initrd == nil {
		initrd, err = os.ReadFile(found.Guest.Initrd)
		require.NoError(t, err)
		cached.initrds[found.Guest.Initrd] = initrd
	}
	commandLine = found.Guest.Append
	if g.append != "" {
		commandLine += " " + g.append
	}
	return image, initrd, commandLine
}

var cached = struct {
	sync.Mutex
	images  map[string]*boot.Image
	initrds map[string][]byte
}{images: map[string]*boot.Image{}, initrds: map[string][]byte{}}

// machine makes a machine with the guest in it, at its entry.
func (g guest) machine(t testing.TB, config emu.Config) *emu.Machine {
	t.Helper()
	image, initrd, commandLine := g.files(t)
	cpu, err := x86.ParseCPU(g.cpu)
	require.NoError(t, err)
	config.CPU, config.NoACPI, config.Input = cpu, g.noACPI, g.input
	m, err := emu.New(config)
	require.NoError(t, err)
	t.Cleanup(m.Close)
	require.NoError(t, m.Boot(image, boot.Options{Initrd: initrd, CommandLine: commandLine, Protocol: g.protocol}))
	return m
}

// outcome is how a guest ended, and what it said.
type outcome struct {
	end     string // as emu.Stop prints it
	console string
}

// run boots the guest in the machine until it ends.
func (g guest) run(t testing.TB) outcome {
	t.Helper()
	var console bytes.Buffer
	m := g.machine(t, emu.Config{Console: &console})
	stop := m.Run(emu.Until{Instructions: bound})
	return outcome{stop.String(), console.String()}
}
