// SPDX-License-Identifier: GPL-2.0-or-later

package gdb

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
)

// pipelined is how many requests may wait while the machine runs. gdb sends
// none then; a client that sends more has lost patience, which counts as a ^C.
const pipelined = 16

// Serve takes connections, one at a time, until ctx is done, the listener
// fails, or gdb kills the machine or sees its end. It closes the listener.
func Serve(ctx context.Context, listener net.Listener, target Target) error {
	defer listener.Close()
	stop := context.AfterFunc(ctx, func() { listener.Close() })
	defer stop()
	for {
		conn, err := listener.Accept()
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
		// An error is the line's, and the line is gone: the next gdb may
		// fare better.
		end, _ := ServeConn(ctx, conn, target)
		if ctx.Err() != nil || end == EndKilled || end == EndExited {
			return nil
		}
	}
}

// ServeConn serves one connection, closes it, and says how it ended.
func ServeConn(ctx context.Context, conn io.ReadWriteCloser, target Target) (End, error) {
	defer conn.Close()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()

	requests := make(chan request, pipelined)
	var readErr error
	go func() {
		defer close(requests)
		readErr = receive(ctx, conn, requests)
	}()
	end, err := newSession(conn, target).serve(requests)
	cancel()
	conn.Close()
	for range requests { // until the reader is gone
	}
	if err == nil && end == EndClosed && !errors.Is(readErr, io.EOF) && !errors.Is(readErr, context.Canceled) {
		err = readErr
	}
	return end, err
}

// receive turns the line into requests. It alone reads, so that a ^C is seen
// while the machine runs.
func receive(ctx context.Context, conn io.Reader, requests chan<- request) error {
	in := bufio.NewReaderSize(conn, 4096)
	running := newInterruptible(ctx)
	defer running.interrupt() // nobody is left to wait for the answer
	for {
		f, err := readFrame(in)
		if err != nil {
			return err
		}
		if f.kind == frameInterrupt {
			running.interrupt()
			continue
		}
		q := request{kind: f.kind, args: f.body, ctx: running.ctx}
		select {
		case requests <- q:
			continue
		default:
		}
		running.interrupt()
		q.ctx = running.ctx
		select {
		case requests <- q:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// interruptible is a context that ends with each ^C and begins again: a ^C is
// for every request that came before it, one of which runs, and for none
// after it.
type interruptible struct {
	parent context.Context
	ctx    context.Context
	cancel context.CancelFunc
}

func newInterruptible(parent context.Context) *interruptible {
	i := &interruptible{parent: parent}
	i.ctx, i.cancel = context.WithCancel(parent)
	return i
}

func (i *interruptible) interrupt() {
	i.cancel()
	i.ctx, i.cancel = context.WithCancel(i.parent)
}
