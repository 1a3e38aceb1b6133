// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"github.com/uklemu/uklemu/corpus"
	"github.com/uklemu/uklemu/emu"
	"github.com/uklemu/uklemu/emu/boot"
	"github.com/uklemu/uklemu/emu/symbols"
	"github.com/uklemu/uklemu/emu/x86"
)

// guestFlags say what machine a verb starts, with what, and up to where.
type guestFlags struct {
	initrd, append string
	memory         size
	cpu            string
	noACPI         bool
	load           string
	until          goal
}

// linuxLine is the command line of a Linux that comes without one: what it
// says is seen, and a panic ends the run instead of spinning for ever
// (Documentation/admin-guide/kernel-parameters.txt: a negative panic= reboots
// at once).
const linuxLine = "console=ttyS0 panic=-1"

// ofMachine are the flags whose values a snapshot already has.
var ofMachine = []string{"initrd", "append", "memory", "cpu", "no-acpi"}

func (f *guestFlags) register(c *cobra.Command) {
	f.memory = emu.DefaultMemory
	flags := c.Flags()
	flags.StringVar(&f.initrd, "initrd", "", "the initial RAM disk, a `FILE`; that of guest:NAME is its own")
	flags.StringVar(&f.append, "append", "", "the kernel's command `LINE`; that of guest:NAME is its own, that of another Linux "+linuxLine)
	flags.Var(&f.memory, "memory", "how much RAM, such as 512M")
	flags.StringVar(&f.cpu, "cpu", "", "CPU `FEATURES` to add and take away, such as +la57,-smap")
	flags.BoolVar(&f.noACPI, "no-acpi", false, "a machine without ACPI")
	flags.StringVar(&f.load, "load", "", "go on from the snapshot in `FILE`, saved with the same image")
	flags.StringVar(&f.until.text, "until", "", "run until the console says `TEXT`")
	flags.StringVar(&f.until.symbol, "until-symbol", "", "run until the function `SYM`, or an address written 0x..., is reached")
}

// guest is an image with all that goes along with it.
type guest struct {
	name    string
	image   *boot.Image
	options boot.Options
	config  emu.Config
	load    string
	symbols func() *symbols.Table // nil if there are none
}

// find reads what the flags name.
func (f *guestFlags) find(c *cobra.Command, name string) (*guest, error) {
	if f.load != "" {
		for _, flag := range ofMachine {
			if c.Flags().Changed(flag) {
				return nil, usageError{fmt.Sprintf("--%s cannot be used with --load: the snapshot has its own", flag), c.CommandPath()}
			}
		}
	}
	found, err := corpus.Find(name)
	if err != nil {
		return nil, err
	}
	if err := f.memory.ofMachine(); err != nil {
		return nil, err
	}
	g := &guest{name: name, load: f.load, config: emu.Config{Memory: uint64(f.memory), NoACPI: f.noACPI}}
	if g.config.CPU, err = x86.ParseCPU(f.cpu); err != nil {
		return nil, fmt.Errorf("--cpu: %w", err)
	}
	initrd, line := f.initrd, f.append
	if found.Guest != nil {
		if !c.Flags().Changed("initrd") {
			initrd = found.Guest.Initrd
		}
		line = found.Guest.Append
	}
	if g.image, err = boot.Open(found.Path); err != nil {
		return nil, err
	}
	if banner, _ := g.image.LinuxVersion(); banner != "" && line == "" {
		line = linuxLine
	}
	if c.Flags().Changed("append") {
		line = f.append
	}
	g.options.CommandLine = line
	if initrd != "" && f.load == "" {
		if g.options.Initrd, err = readInitrd(initrd, f.memory); err != nil {
			g.close()
			return nil, fmt.Errorf("--initrd: %w", err)
		}
	}
	g.symbols = sync.OnceValue(func() *symbols.Table {
		table, err := symbols.Load(g.image, g.image.Size())
		if err != nil {
			return nil
		}
		return table
	})
	return g, nil
}

// close closes the image; symbols are still there if they were asked for.
func (g *guest) close() { g.image.Close() }

// machine makes the machine, booted or loaded.
func (g *guest) machine(config emu.Config) (*emu.Machine, error) {
	if g.load != "" {
		return g.loaded(config)
	}
	config.Memory, config.CPU, config.NoACPI = g.config.Memory, g.config.CPU, g.config.NoACPI
	m, err := emu.New(config)
	if err != nil {
		return nil, err
	}
	if err := m.Boot(g.image, g.options); err != nil {
		m.Close()
		return nil, err
	}
	return m, nil
}

func (g *guest) loaded(config emu.Config) (*emu.Machine, error) {
	f, err := os.Open(g.load)
	if err != nil {
		return nil, fmt.Errorf("--load: %w", err)
	}
	defer f.Close()
	s, err := emu.LoadSnapshot(f, g.image, emu.Config{Devices: config.Devices})
	if err != nil {
		return nil, fmt.Errorf("--load: %s: %w", g.load, err)
	}
	return s.StartWith(emu.Outside{Console: config.Console, Idle: config.Idle, Input: config.Input})
}

// address is that of a symbol, or a number.
func (g *guest) address(symbol string) (uint64, error) {
	var n uint64
	if digits, ok := strings.CutPrefix(symbol, "0x"); ok {
		if _, err := fmt.Sscanf(digits+"\n", "%x\n", &n); err != nil {
			return 0, fmt.Errorf("--until-symbol: %q is no address; accepted: 0x and hexadecimal digits", symbol)
		}
		return n, nil
	}
	table := g.symbols()
	if table == nil {
		return 0, fmt.Errorf("--until-symbol: %s: %w; accepted: an address written 0x...", g.image.Name(), symbols.ErrNoSymbols)
	}
	n, ok := table.Address(symbol)
	if !ok {
		return 0, fmt.Errorf("--until-symbol: %s has no symbol %q; accepted: one that it has, or an address written 0x...", g.image.Name(), symbol)
	}
	return n, nil
}

var errEnded = errors.New("the guest ended before there was anything to save")
