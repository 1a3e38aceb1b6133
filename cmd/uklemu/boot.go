// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/uklemu/uklemu/emu"
	"github.com/uklemu/uklemu/emu/debug"
)

// bootReport is what boot prints for scripts.
type bootReport struct {
	Image        string     `json:"image"`
	Exit         exitReport `json:"exit"`
	Instructions uint64     `json:"instructions"`
	WallSeconds  float64    `json:"wall_seconds"`
}

type exitReport struct {
	Reason string `json:"reason"`
	Code   uint32 `json:"code"`
	Error  string `json:"error,omitempty"`
}

func bootVerb(s *session) *cobra.Command {
	var f guestFlags
	var e endFlags
	c := &cobra.Command{
		Use:   "boot IMAGE",
		Short: "runs a kernel with its console on standard output",
		Long: `Runs a kernel with its first serial port on standard output; what is typed
goes to the guest. On a terminal, Ctrl-A x ends it, Ctrl-A h tells more.

It ends when the guest does, and exits with 0 if the guest wrote 0 to the
debug-exit port 0xf4 or powered off, if --until came true, or after Ctrl-A x;
with 1 after anything else.`,
		Args:              oneImage,
		ValidArgsFunction: completeImage,
		RunE: func(c *cobra.Command, args []string) error {
			return bootImage(s, c, args[0], &f, &e)
		},
	}
	f.register(c)
	e.register(c)
	return c
}

func bootImage(s *session, c *cobra.Command, name string, f *guestFlags, e *endFlags) error {
	if err := e.check(); err != nil {
		return err
	}
	g, err := f.find(c, name)
	if err != nil {
		return err
	}
	defer g.close()
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	out := s.out
	if s.json {
		out = s.err
	}
	r := newRunner(ctx, g, out, &f.until)
	in := newConsoleInput(s, r.quit)
	r.idle = in.idle
	if err := r.start(emu.Config{}); err != nil {
		return err
	}
	defer r.close()
	if err := in.open(r.machine, r.typeIn); err != nil {
		return err
	}
	defer in.close()
	began := time.Now()
	end := r.run(e.limit)
	report := bootReport{name, end.report(), r.machine.Instructions(), time.Since(began).Seconds()}
	in.close()
	if r.broken != nil { // which ended the guest: its state explains nothing
		return s.failedConsole(r.broken)
	}
	if e.postMortem || debug.Bad(r.machine, end.stop) {
		fmt.Fprintf(s.err, "\n%s", debug.PostMortem(r.machine, end.stop, g.symbols()))
	}
	if e.save != "" {
		if err := r.save(e.save, end); err != nil {
			return err
		}
	}
	if s.json {
		if err := s.answer(report, nil); err != nil {
			return err
		}
	}
	if end.status != statusFine {
		s.warn("%s: %s", name, end.sentence)
		return status(end.status)
	}
	return nil
}

// endFlags are about how a run ends, and what is left of it.
type endFlags struct {
	limit      limit
	save       string
	postMortem bool
}

func (e *endFlags) register(c *cobra.Command) {
	c.Flags().Var(&e.limit, "limit", "end after so many instructions (2000000, 2M) or so much of the guest's time (5s), with status 1")
	c.Flags().StringVar(&e.save, "save", "", "write a snapshot of the machine to `FILE` when --until or --limit ends the run")
	c.Flags().BoolVar(&e.postMortem, "post-mortem", false, "print registers, backtrace and last instructions however the run ends")
}

// check refuses, before a long run, what could not be saved after it.
func (e *endFlags) check() error {
	if e.save == "" {
		return nil
	}
	folder := filepath.Dir(e.save)
	info, err := os.Stat(folder)
	if err == nil && !info.IsDir() {
		err = syscall.ENOTDIR
	}
	if err != nil {
		var path *os.PathError
		if errors.As(err, &path) {
			err = path.Err
		}
		return fmt.Errorf("--save: %s: the folder %s: %w; accepted: a file in a folder that exists", e.save, folder, err)
	}
	if info, err := os.Stat(e.save); err == nil && info.IsDir() {
		return fmt.Errorf("--save: %s: this is a directory; accepted: a file in a folder that exists", e.save)
	}
	return nil
}
