// SPDX-License-Identifier: GPL-2.0-or-later

package emu

import (
	"runtime"
	"sync"

	"github.com/uklemu/uklemu/emu/unicorn"
)

// pool keeps the bodies of machines that were started from a snapshot and
// closed, and what the memory of further ones begins as.
type pool struct {
	sync.Mutex
	idle   []*body
	image  *unicorn.Image
	closed bool
}

// maxIdle is how many closed machines a snapshot keeps for the next Start.
var maxIdle = max(4, 2*runtime.GOMAXPROCS(0))

// Start makes a machine that stands where the snapshot was taken, beside any
// other, on a goroutine of its own if you like. It has nothing of what the
// snapshot's machine was connected to: what it writes to its console goes
// nowhere, see [Snapshot.StartWith]. Closing it gives it back to the snapshot,
// which keeps a few for the next Start: then starting costs no more than a
// Restore. Otherwise an engine has to be made, which takes about a millisecond;
// memory is shared with the snapshot until it is written.
func (s *Snapshot) Start() (*Machine, error) { return s.StartWith(Outside{}) }

// StartWith is [Snapshot.Start] for a machine with a console, input, and so on
// of its own.
func (s *Snapshot) StartWith(o Outside) (*Machine, error) {
	b := s.kept(&o)
	if b == nil {
		var err error
		if b, err = s.newBody(&o); err != nil {
			return nil, err
		}
		if err := s.notShared(b.pc); err != nil {
			b.destroy()
			return nil, err
		}
		if o.Devices == nil {
			b.from = s
		}
	}
	m := b.machine()
	if err := m.Restore(s); err != nil {
		b.destroy()
		return nil, err
	}
	m.connect(o)
	return m, nil
}

// newBody is one whose memory is the snapshot's, copied where it is written.
func (s *Snapshot) newBody(o *Outside) (*body, error) {
	config := s.config
	if o.Devices != nil {
		config.Devices = o.Devices
	}
	ram, err := s.copiedRAM()
	if err != nil { // no file in memory, say: Restore copies all of it
		return newBody(config)
	}
	b, err := bodyWith(config, ram)
	if err != nil {
		return nil, err
	}
	b.at = s
	return b, nil
}

func (s *Snapshot) copiedRAM() (*unicorn.RAM, error) {
	s.pool.Lock()
	defer s.pool.Unlock()
	if s.pool.image == nil {
		image, err := unicorn.NewImage(s.memory())
		if err != nil {
			return nil, err
		}
		s.pool.image = image
	}
	return s.pool.image.RAM()
}

// kept is a body that is ready, or nil.
func (s *Snapshot) kept(o *Outside) *body {
	if o.Devices != nil {
		return nil
	}
	s.pool.Lock()
	defer s.pool.Unlock()
	n := len(s.pool.idle)
	if n == 0 {
		return nil
	}
	b := s.pool.idle[n-1]
	s.pool.idle = s.pool.idle[:n-1]
	return b
}

// Close gives the machines back that the snapshot keeps. The snapshot itself
// stays good.
func (s *Snapshot) Close() {
	s.pool.Lock()
	idle, image := s.pool.idle, s.pool.image
	s.pool.idle, s.pool.image, s.pool.closed = nil, nil, true
	s.pool.Unlock()
	if image != nil {
		image.Close()
	}
	for _, b := range idle {
		b.destroy()
	}
}

// keep takes the body of a closed machine, if there is room for it.
func (s *Snapshot) keep(b *body) bool {
	s.pool.Lock()
	defer s.pool.Unlock()
	if s.pool.closed || len(s.pool.idle) >= maxIdle {
		return false
	}
	s.pool.idle = append(s.pool.idle, b)
	return true
}
