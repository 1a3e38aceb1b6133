// SPDX-License-Identifier: GPL-2.0-or-later

package lockstep

import (
	"bufio"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"strings"
	"time"
)

// stub is a client of a GDB remote stub.
//
// QEMU takes any byte that arrives while the machine runs for a ^C, so a
// request is sent only after the last one's reply. It takes the '$' of the
// next packet for the '+' of the last (gdbstub.c, gdb_read_byte), so acks are
// left out.
type stub struct {
	conn net.Conn
	in   *bufio.Reader
	out  []byte
	body []byte
}

func newStub(conn net.Conn) *stub {
	return &stub{conn: conn, in: bufio.NewReaderSize(conn, 64<<10)}
}

// replyLimit ends the wait for a guest that loops for ever.
const replyLimit = 3 * time.Minute

// ask sends a packet and returns the reply, which is good until the next call.
func (s *stub) ask(packet string) ([]byte, error) {
	var sum byte
	for i := range len(packet) {
		sum += packet[i]
	}
	if err := s.conn.SetDeadline(time.Now().Add(replyLimit)); err != nil {
		return nil, fmt.Errorf("gdb stub: %w", err)
	}
	s.out = fmt.Appendf(s.out[:0], "$%s#%02x", packet, sum)
	if _, err := s.conn.Write(s.out); err != nil {
		return nil, fmt.Errorf("gdb stub: %.20q: %w", packet, err)
	}
	return s.receive()
}

// receive reads the next packet. QEMU's replies use neither escapes nor
// run-length encoding, except in qXfer.
func (s *stub) receive() ([]byte, error) {
	if _, err := s.in.ReadSlice('$'); err != nil {
		return nil, fmt.Errorf("gdb stub: waiting for a reply: %w", err)
	}
	s.body = s.body[:0]
	for {
		p, err := s.in.ReadSlice('#')
		s.body = append(s.body, p...)
		if err == nil {
			break
		}
		if err != bufio.ErrBufferFull {
			return nil, fmt.Errorf("gdb stub: in a reply: %w", err)
		}
	}
	if _, err := s.in.Discard(2); err != nil { // a local socket loses nothing
		return nil, fmt.Errorf("gdb stub: in a checksum: %w", err)
	}
	return s.body[:len(s.body)-1], nil
}

// must asks and expects one answer.
func (s *stub) must(packet, want string) error {
	got, err := s.ask(packet)
	if err != nil {
		return err
	}
	if string(got) != want {
		return fmt.Errorf("gdb stub: %.40q answers %.60q, not %q", packet, got, want)
	}
	return nil
}

// resume sends a packet that lets the machine run and waits for the stop.
func (s *stub) resume(packet string) error {
	got, err := s.ask(packet)
	if err != nil {
		return err
	}
	if len(got) < 3 || got[0] != 'T' && got[0] != 'S' {
		return fmt.Errorf("gdb stub: after %q the machine ended: %.60q", packet, got)
	}
	if string(got[1:3]) != "05" {
		return fmt.Errorf("gdb stub: after %q the machine stopped with signal %s", packet, got[1:3])
	}
	return nil
}

// memoryChunk keeps a memory packet within the 4096 bytes that QEMU announces.
const memoryChunk = 1920

func (s *stub) readMemory(address uint64, p []byte) error {
	for len(p) > 0 {
		n := min(len(p), memoryChunk)
		got, err := s.ask(fmt.Sprintf("m%x,%x", address, n))
		if err != nil {
			return err
		}
		if len(got) != 2*n {
			return fmt.Errorf("gdb stub: %d bytes at %#x cannot be read: %.20q", n, address, got)
		}
		if _, err := hex.Decode(p[:n], got); err != nil {
			return fmt.Errorf("gdb stub: memory at %#x: %w", address, err)
		}
		p, address = p[n:], address+uint64(n)
	}
	return nil
}

func (s *stub) writeMemory(address uint64, p []byte) error {
	for len(p) > 0 {
		n := min(len(p), memoryChunk)
		if err := s.must(fmt.Sprintf("M%x,%x:%x", address, n, p[:n]), "OK"); err != nil {
			return err
		}
		p, address = p[n:], address+uint64(n)
	}
	return nil
}

// monitor runs a command of QEMU's monitor.
func (s *stub) monitor(command string) (string, error) {
	got, err := s.ask("qRcmd," + hex.EncodeToString([]byte(command)))
	var text strings.Builder
	for err == nil && len(got) > 0 && got[0] == 'O' && string(got) != "OK" {
		p := make([]byte, hex.DecodedLen(len(got)-1))
		if _, err := hex.Decode(p, got[1:]); err != nil {
			return "", fmt.Errorf("gdb stub: monitor: %w", err)
		}
		text.Write(p)
		got, err = s.receive()
	}
	if err != nil {
		return "", err
	}
	if string(got) != "OK" {
		return "", fmt.Errorf("gdb stub: monitor %s answers %.20q", command, got)
	}
	return text.String(), nil
}

var _ io.Closer = (*stub)(nil)

func (s *stub) Close() error { return s.conn.Close() }
