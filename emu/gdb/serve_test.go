// SPDX-License-Identifier: GPL-2.0-or-later

package gdb

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// line is a connection whose other side has said all it will say.
type line struct {
	io.Reader
	bytes.Buffer
}

func (l *line) Read(p []byte) (int, error) { return l.Reader.Read(p) }
func (l *line) Close() error               { return nil }

func converse(t *testing.T, target Target, said string) (string, End, error) {
	t.Helper()
	l := &line{Reader: strings.NewReader(said)}
	end, err := ServeConn(t.Context(), l, target)
	return l.String(), end, err
}

func packet(body string) string { return string(appendPacket(nil, body)) }

func TestFrames(t *testing.T) {
	long := packet("m" + strings.Repeat("0", maxPacket))
	for _, c := range []struct{ name, said, want string }{
		{"a packet is acknowledged", "$qC#b4", "+" + packet("QC1")},
		{"noise before a packet is skipped", "++xyz$qC#b4", "+" + packet("QC1")},
		{"a wrong checksum asks again", "$qC#b5$qC#b4", "-+" + packet("QC1")},
		{"a checksum is hexadecimal", "$qC#xx", "-"},
		{"a packet begun anew replaces the first", "$qAtta$qC#b4", "+" + packet("QC1")},
		{"a '-' repeats the last reply", "$qC#b4-", "+" + packet("QC1") + packet("QC1")},
		{"a '-' before any reply repeats nothing", "-", ""},
		{"a packet that is too long is refused", long + "$qC#b4", "-+" + packet("QC1")},
		{"no acks once they are off", packet("QStartNoAckMode") + "+" + packet("qC") + "$zz#00",
			"+" + packet("OK") + packet("QC1") + packet("E16")},
		{"a kill has no reply", packet("k") + packet("qC"), "+"},
		{"after a detach nothing is read", packet("D") + packet("qC"), "+" + packet("OK")},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, _, _ := converse(t, &fake{}, c.said)
			require.Equal(t, c.want, got)
		})
	}
}

func TestSessionsSayHowTheyEnded(t *testing.T) {
	for _, c := range []struct {
		said string
		want End
	}{
		{packet("qC"), EndClosed}, {packet("D"), EndDetached}, {packet("k"), EndKilled},
		{packet("vKill;1"), EndKilled}, {packet("c"), EndExited},
	} {
		_, end, err := converse(t, &fake{stops: []Stop{{Reason: StopExited}}}, c.said)
		require.NoError(t, err)
		require.Equal(t, c.want, end, c.said)
	}
}

func TestBinaryRepliesAreEscaped(t *testing.T) {
	require.Equal(t, "$a}\x04}\x03}]}\x0a#c3", packet("a$#}*"))
	require.Equal(t, []byte("a$#}*"), unescape([]byte("a}\x04}\x03}]}\x0a")))
	require.Equal(t, []byte("}"), unescape([]byte("}")))
}

// peer is the client's side of a real connection to a fake target.
func peer(t *testing.T, target Target) (net.Conn, *bufio.Reader, chan End) {
	t.Helper()
	here, there := net.Pipe()
	ended := make(chan End, 1)
	go func() {
		end, _ := ServeConn(context.Background(), there, target)
		ended <- end
	}()
	t.Cleanup(func() { here.Close() })
	return here, bufio.NewReader(here), ended
}

func TestInterruptStopsWhatRuns(t *testing.T) {
	conn, in, _ := peer(t, &fake{block: true})
	for range 3 {
		_, err := io.WriteString(conn, packet("c"))
		require.NoError(t, err)
		_, err = io.WriteString(conn, "\x03")
		require.NoError(t, err)
		f, err := readFrame(in)
		require.NoError(t, err)
		require.Contains(t, string(f.body), "T02thread:1;")
	}
}

func TestInterruptIsNotKeptForLater(t *testing.T) {
	conn, in, _ := peer(t, &fake{})
	say := func(text string) {
		_, err := io.WriteString(conn, text)
		require.NoError(t, err)
	}
	say(packet("c"))
	_, err := readFrame(in)
	require.NoError(t, err)
	say("\x03") // came too late for the one, and is too early for the other
	say(packet("c"))
	f, err := readFrame(in)
	require.NoError(t, err)
	require.Contains(t, string(f.body), "T05thread:1;")
}

func TestAClosedLineStopsWhatRuns(t *testing.T) {
	conn, _, ended := peer(t, &fake{block: true})
	_, err := io.WriteString(conn, packet("c"))
	require.NoError(t, err)
	require.NoError(t, conn.Close())
	require.Equal(t, EndClosed, <-ended)
}

func TestAClientThatSendsOnWhileTheMachineRunsInterruptsIt(t *testing.T) {
	conn, in, _ := peer(t, &fake{block: true})
	go func() {
		io.WriteString(conn, packet("c"))
		for range pipelined + 2 {
			io.WriteString(conn, packet("qC"))
		}
	}()
	f, err := readFrame(in)
	require.NoError(t, err)
	require.Contains(t, string(f.body), "T02thread:1;")
	for range pipelined + 2 {
		f, err := readFrame(in)
		require.NoError(t, err)
		require.Equal(t, "QC1", string(f.body))
	}
}

func TestServeTakesTheNextConnectionAfterADetachAndEndsWithAKill(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	served := make(chan error, 1)
	go func() { served <- Serve(context.Background(), listener, &fake{}) }()
	for _, last := range []string{"D", "k"} {
		conn, err := net.Dial("tcp", listener.Addr().String())
		require.NoError(t, err)
		_, err = io.WriteString(conn, packet(last))
		require.NoError(t, err)
		_, err = io.ReadAll(conn)
		require.NoError(t, err)
	}
	require.NoError(t, <-served)
}

func TestServeEndsWithItsContext(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- Serve(ctx, listener, &fake{block: true}) }()
	conn, err := net.Dial("tcp", listener.Addr().String())
	require.NoError(t, err)
	defer conn.Close()
	_, err = io.WriteString(conn, packet("c"))
	require.NoError(t, err)
	_, err = io.ReadFull(conn, make([]byte, 1)) // the ack: the machine runs
	require.NoError(t, err)
	cancel()
	require.NoError(t, <-served)
}
