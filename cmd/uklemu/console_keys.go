// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"fmt"

	"github.com/uklemu/uklemu/emu"
)

const controlA = 0x01

// keys takes what is typed apart: characters for the guest, and commands.
type keys struct {
	in       *consoleInput
	commands bool // Ctrl-A begins one
	command  bool // it has
}

func (k *keys) pressed(b []byte) {
	var plain []byte
	for _, c := range b {
		switch {
		case k.command:
			k.command = false
			plain = append(plain, k.do(c)...)
		case k.commands && c == controlA:
			k.command = true
		default:
			plain = append(plain, c)
		}
	}
	k.in.took(plain)
}

// do carries a command out, and returns what goes to the guest.
func (k *keys) do(c byte) []byte {
	switch c {
	case 'x', 'X':
		k.in.quit()
		k.in.wake()
	case controlA:
		return []byte{controlA}
	default:
		fmt.Fprint(k.in.s.err, "\r\nCtrl-A x ends uklemu, Ctrl-A Ctrl-A sends Ctrl-A, Ctrl-A h is this.\r\n")
	}
	return nil
}

// The first serial port, as far as it tells whether the guest listens
// (PC16550D 8.6, 8.7).
const (
	portData        = 0x3f8
	portModem       = 0x3fc
	portLine        = 0x3fd
	modemRTS        = 1 << 1
	modemLoop       = 1 << 4
	pollsForReceive = 16
)

// listen calls ready once the guest is ready to receive on its serial port:
// when it asserts RTS, or asks the line status again and again without
// sending, as a program does that polls.
func listen(m *emu.Machine, ready func()) {
	polls := 0
	var stop func()
	stop = m.Observe(func(e emu.Event) {
		if e.Kind != emu.EventPort {
			return
		}
		switch {
		case e.Number == portLine && !e.Write:
			polls++
		case e.Number == portData && e.Write:
			polls = 0
		}
		if polls >= pollsForReceive || e.Number == portModem && e.Write && e.Value&(modemRTS|modemLoop) == modemRTS {
			stop()
			ready()
		}
	})
}
