// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/uklemu/uklemu/corpus"
	"github.com/uklemu/uklemu/emu"
	"github.com/uklemu/uklemu/emu/x86"
	"github.com/uklemu/uklemu/model"
)

// startFlags say how a kernel gets to where its application begins.
type startFlags struct {
	initrd, append string
	memory         size
	cpu            string
	limit          limit
}

func (f *startFlags) register(c *cobra.Command) {
	f.memory = emu.DefaultMemory
	flags := c.Flags()
	flags.StringVar(&f.initrd, "initrd", "", "the initial RAM disk, a `FILE`; that of guest:NAME is its own")
	flags.StringVar(&f.append, "append", "", "the kernel's command `LINE`; that of guest:NAME is its own, that of another Linux "+linuxLine)
	flags.Var(&f.memory, "memory", "how much RAM, such as 512M")
	flags.StringVar(&f.cpu, "cpu", "", "CPU `FEATURES` to add and take away, such as +la57,-smap")
	flags.Var(&f.limit, "limit", "the most that the kernel may take to its application, in instructions (default 3G)")
}

func (f *startFlags) load(c *cobra.Command, name string) (*model.Kernel, error) {
	found, err := corpus.Find(name)
	if err != nil {
		return nil, err
	}
	if err := f.memory.ofMachine(); err != nil {
		return nil, err
	}
	o := model.Options{Initrd: f.initrd, Append: linuxLine, Config: emu.Config{Memory: uint64(f.memory)}, Limit: f.limit.instructions}
	if f.limit.time > 0 {
		return nil, usageError{"--limit: a number of instructions is accepted here, such as 500M", c.CommandPath()}
	}
	if found.Guest != nil {
		o.Append = found.Guest.Append
		if !c.Flags().Changed("initrd") {
			o.Initrd = found.Guest.Initrd
		}
	}
	if c.Flags().Changed("append") {
		o.Append = f.append
	}
	if o.Config.CPU, err = x86.ParseCPU(f.cpu); err != nil {
		return nil, fmt.Errorf("--cpu: %w", err)
	}
	return model.Load(found.Path, o)
}
