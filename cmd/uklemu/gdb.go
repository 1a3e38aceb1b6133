// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/uklemu/uklemu/emu"
	"github.com/uklemu/uklemu/emu/debug"
	"github.com/uklemu/uklemu/emu/gdb"
)

// gdbReport is printed when the server listens.
type gdbReport struct {
	Image   string `json:"image"`
	Address string `json:"address"` // what gdb's "target remote" takes
	Attach  string `json:"attach"`  // the whole command
}

func gdbVerb(s *session) *cobra.Command {
	var f guestFlags
	var listen string
	c := &cobra.Command{
		Use:   "gdb IMAGE",
		Short: "a gdb server on the machine, forwards and backwards",
		Long: `Starts the machine, stopped, and waits for a gdb. break, watch, step, bt and
the like work as with any target, and so do reverse-stepi, reverse-continue
and the others: the run is recorded. "monitor help" lists what else there is.

The server ends when gdb kills the machine, or with Ctrl-A x on a terminal.`,
		Args:              oneImage,
		ValidArgsFunction: completeImage,
		RunE: func(c *cobra.Command, args []string) error {
			return serveGDB(s, c, args[0], &f, listen)
		},
	}
	f.register(c)
	c.Flags().StringVar(&listen, "listen", "127.0.0.1:1234", "`ADDRESS` to listen at: HOST:PORT, or the path of a Unix socket")
	return c
}

func serveGDB(s *session, c *cobra.Command, name string, f *guestFlags, address string) error {
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
	in := newConsoleInput(s, cancel)
	d := debug.New(debug.Options{Pace: in.pace.until, Input: s.in != nil, Symbols: g.symbols()})
	if err := r.start(d.Config(emu.Config{Console: r})); err != nil {
		return err
	}
	defer r.close()
	if f.until != (goal{}) {
		if end := r.run(limit{}); end.reason != "until" {
			return failure{fmt.Errorf("%s: it ended before --until came true: %s", name, debug.Explain(r.machine, end.stop))}
		}
		r.forget()
	}
	if err := d.Attach(r.machine); err != nil {
		return err
	}
	listener, err := listenAt(address)
	if err != nil {
		return fmt.Errorf("--listen: %w", err)
	}
	remote := listener.Addr().String()
	report := gdbReport{name, remote, attach(name, remote, g.image.Name())}
	if s.json {
		if err := s.answer(report, nil); err != nil {
			return err
		}
	} else {
		s.warn("%s is stopped and waits for gdb at %s\n  %s", name, remote, report.Attach)
	}
	if err := in.open(r.machine, d.Type); err != nil {
		return err
	}
	defer in.close()
	if err := gdb.Serve(ctx, listener, d); err != nil {
		return failure{err}
	}
	in.close()
	if stop := d.Last(); stop.Ended() {
		if end := endingOf(r.machine, stop); end.status != statusFine {
			s.warn("%s: %s", name, end.sentence)
			return status(end.status)
		}
	}
	return nil
}

// attach is the command that has gdb attach. The sources of a builtin guest are
// beside it.
func attach(name, remote, file string) string {
	sources := ""
	if strings.HasPrefix(name, "builtin:") {
		sources = fmt.Sprintf(" -ex 'directory %s'", filepath.Dir(file))
	}
	return fmt.Sprintf("gdb%s -ex 'target remote %s' %s", sources, remote, file)
}

// listenAt takes HOST:PORT, or the path of a Unix socket, which has a slash
// in it.
func listenAt(address string) (net.Listener, error) {
	if strings.Contains(address, "/") {
		return net.Listen("unix", address)
	}
	l, err := net.Listen("tcp", address)
	var wrong *net.AddrError
	if errors.As(err, &wrong) {
		return nil, fmt.Errorf("%q: %s; accepted: HOST:PORT, or the path of a Unix socket with a slash in it", address, wrong.Err)
	}
	return l, err
}
