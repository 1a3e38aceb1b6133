// SPDX-License-Identifier: GPL-2.0-or-later

package bench

import (
	"bytes"
	"fmt"
	"io"
	"os"

	"github.com/uklemu/uklemu/corpus"
	"github.com/uklemu/uklemu/emu"
	"github.com/uklemu/uklemu/emu/boot"
)

// stock is the guest that everything is measured with.
func stock() (*corpus.Guest, error) {
	found, err := corpus.Find("guest:stock")
	if err != nil {
		return nil, err
	}
	return found.Guest, nil
}

// start makes a machine with the stock kernel at its entry.
func start(kernel string, g *corpus.Guest, console io.Writer) (*emu.Machine, error) {
	image, err := boot.Open(kernel)
	if err != nil {
		return nil, err
	}
	initrd, err := os.ReadFile(g.Initrd)
	if err != nil {
		return nil, err
	}
	m, err := emu.New(emu.Config{Console: console})
	if err != nil {
		return nil, err
	}
	if err := m.Boot(image, boot.Options{Initrd: initrd, CommandLine: g.Append}); err != nil {
		m.Close()
		return nil, err
	}
	return m, nil
}

// toInit is what the kernel says when it is done.
const toInit = "Run /init as init process"

// watcher stops a machine when a text has been written to its console.
type watcher struct {
	machine *emu.Machine
	text    []byte
	line    []byte
	seen    bool
}

func (w *watcher) Write(p []byte) (int, error) {
	for _, c := range p {
		if c == '\n' {
			w.line = w.line[:0]
			continue
		}
		w.line = append(w.line, c)
	}
	if !w.seen && bytes.Contains(w.line, w.text) {
		w.seen = true
		w.machine.Interrupt()
	}
	return len(p), nil
}

// Boot runs a stock kernel from its entry until it starts its init.
func Boot(kernel string) (*emu.Machine, error) {
	g, err := stock()
	if err != nil {
		return nil, err
	}
	if kernel == "" {
		kernel = g.Vmlinux
	}
	w := &watcher{text: []byte(toInit)}
	m, err := start(kernel, g, w)
	if err != nil {
		return nil, err
	}
	w.machine = m
	if stop := m.Run(emu.Until{}); !w.seen {
		m.Close()
		return nil, fmt.Errorf("%s ended before it started its init: %s", kernel, stop)
	}
	return m, nil
}
