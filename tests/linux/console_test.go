// SPDX-License-Identifier: GPL-2.0-or-later

package linux_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/emu"
)

// talk is a conversation with the init that echoes: what to wait for, and what
// to type then.
var talk = []struct{ heard, typed string }{
	{"echo: ready\r\n", "one line\n"},
	{"echo: one line\r\n", long + "\n"},
	{"echo: " + long + "\r\n", "\n"},
	{"echo: \r\n", "exit 5\n"},
}

const long = "another, \tof more than the sixteen bytes that the FIFO of the serial port holds"

// typist listens to a console and types its part of the talk.
type typist struct {
	sync.Mutex
	heard bytes.Buffer
	done  int // bytes of what was heard that have been answered
	said  int // parts of the talk
	types func(string)
}

func (p *typist) Write(b []byte) (int, error) {
	p.Lock()
	defer p.Unlock()
	p.heard.Write(b)
	for p.said < len(talk) {
		fresh := p.heard.String()[p.done:]
		at := strings.Index(fresh, talk[p.said].heard)
		if at < 0 {
			break
		}
		p.done += at + len(talk[p.said].heard)
		p.types(talk[p.said].typed)
		p.said++
	}
	return len(b), nil
}

// conversation is the console from init's first words on.
func (p *typist) conversation() string {
	_, after, _ := strings.Cut(p.heard.String(), talk[0].heard)
	return after
}

// TestConsoleBothWays: what is typed reaches init, echoed by the tty on the
// way, and what it says comes back; as in QEMU, character for character.
func TestConsoleBothWays(t *testing.T) {
	end, theirs := talkToQEMU(t)
	require.Equal(t, "debug-exit 5", end, theirs)
	require.Contains(t, theirs, "echo: one line")

	for _, way := range []struct{ name, append string }{{"IO-APIC", ""}, {"8259", " noapic nolapic"}} {
		for _, from := range []string{"the machine's goroutine", "another"} {
			t.Run(way.name+", typed in "+from, func(t *testing.T) {
				p := new(typist)
				m := guest{append: "rdinit=/bin/echo" + way.append}.machine(t, emu.Config{Console: p})
				p.types = func(text string) { m.Type([]byte(text)) }
				if from == "another" {
					p.types = func(text string) { go m.Type([]byte(text)) }
				}
				stop := m.Run(emu.Until{Instructions: bound})
				require.Equal(t, end, stop.String(), p.heard.String())
				require.Equal(t, theirs, p.conversation())
			})
		}
	}
}

func talkToQEMU(t *testing.T) (end, conversation string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	command := guest{append: "rdinit=/bin/echo"}.qemuCommand(ctx, t, "max")
	input, err := command.StdinPipe() // not Stdin: Wait would wait for more to be typed
	require.NoError(t, err)
	p := &typist{types: func(text string) { _, _ = io.WriteString(input, text) }}
	command.Stdout = p
	err = command.Run()
	require.NoError(t, ctx.Err())
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		require.NoError(t, err)
	}
	return qemuEnd(t, err, ""), p.conversation()
}
