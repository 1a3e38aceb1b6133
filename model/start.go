// SPDX-License-Identifier: GPL-2.0-or-later

package model

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/uklemu/uklemu/emu"
	"github.com/uklemu/uklemu/emu/boot"
	"github.com/uklemu/uklemu/model/image"
)

// Kernel is a vmlinux with what it takes to run it.
type Kernel struct {
	Image   *image.Image
	boot    *boot.Image
	initrd  []byte
	options Options
}

// Options say how a kernel is started. The zero value is for one that needs
// neither an initrd nor a command line.
type Options struct {
	Initrd string // a file
	Append string // the command line
	// Config is the machine. Its memory is 256 MiB unless it says otherwise.
	Config emu.Config
	// Limit is how many instructions the kernel may take to reach its
	// application; 0 is DefaultLimit.
	Limit uint64
}

// DefaultLimit is ten times what a kernel with debugging options takes to its
// application, in instructions: some 20 seconds.
const DefaultLimit = 3_000_000_000

// ErrNotReached is for a kernel that ends, or does not come to its application
// within the limit.
var ErrNotReached = errors.New("the application was not reached")

// Load reads a vmlinux and its initrd.
func Load(path string, o Options) (*Kernel, error) {
	img, err := image.Open(path)
	if err != nil {
		return nil, err
	}
	k := &Kernel{Image: img, options: o}
	if k.boot, err = boot.Open(path); err != nil {
		return nil, err
	}
	if o.Initrd != "" {
		if k.initrd, err = os.ReadFile(o.Initrd); err != nil {
			return nil, err
		}
	}
	return k, nil
}

// Close ends the use of the file.
func (k *Kernel) Close() error { return k.Image.Close() }

// Start makes a machine and runs the kernel up to where its application begins:
// main of the one that is linked into it; where there is none, the first
// instruction in CPL 3.
func (k *Kernel) Start(ctx context.Context) (*emu.Machine, error) {
	m, err := emu.New(k.options.Config)
	if err != nil {
		return nil, err
	}
	defer context.AfterFunc(ctx, m.Interrupt)()
	if err := k.start(ctx, m); err != nil {
		m.Close()
		return nil, err
	}
	return m, nil
}

func (k *Kernel) start(ctx context.Context, m *emu.Machine) error {
	if err := m.Boot(k.boot, boot.Options{CommandLine: k.options.Append, Initrd: k.initrd}); err != nil {
		return err
	}
	limit := k.options.Limit
	if limit == 0 {
		limit = DefaultLimit
	}
	where := "the first instruction in CPL 3"
	if at := k.main(); at != 0 {
		where = k.Image.Symbols.Name(at)
		m.Probe(at, nil)
		defer m.RemoveProbe(at)
	} else {
		var seen bool
		end := m.Observe(func(e emu.Event) {
			if !seen && (e.Kind == emu.EventIRET || e.Kind == emu.EventSYSRET) {
				if state := m.State(); state.CPL() == 3 {
					seen = true
					m.Interrupt()
				}
			}
		})
		defer end()
	}
	stop := m.Run(emu.Until{Instructions: limit})
	if stop.Why == emu.StopInterrupted && ctx.Err() == nil { // at an instruction whose page may not be there yet
		first := m.State().RIP
		m.Probe(first, nil)
		defer m.RemoveProbe(first)
		stop = m.Run(emu.Until{Instructions: limit})
	}
	if ctx.Err() != nil {
		return fmt.Errorf("%s: %w", k.Image.Name, context.Cause(ctx))
	}
	switch stop.Why {
	case emu.StopProbe:
		return nil
	case emu.StopLimit:
		return fmt.Errorf("%s: %w: %d instructions, and %s was not executed", k.Image.Name, ErrNotReached, limit, where)
	default:
		return fmt.Errorf("%s: %w: before %s was executed, the machine stopped: %v", k.Image.Name, ErrNotReached, where, stop)
	}
}

// main is the application's first instruction of its own, 0 if there is none.
func (k *Kernel) main() uint64 {
	app := k.Image.Application()
	if app == nil {
		return 0
	}
	if app.Main != 0 {
		return app.Main
	}
	return app.Start
}
