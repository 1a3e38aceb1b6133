// SPDX-License-Identifier: GPL-2.0-or-later

package sequence

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
)

const example = `uklemu sequence 1
handle(SIGUSR1, nested, SA_RESTART|SA_NODEFER, getpid)
stack(&stack.fresh+0x28)
flags(DF|AC)
r3 = getpid() (irq: 12)
kill(r3, SIGUSR1) (by: syscall, nmi: 5)
write(4, &edge-4, 8)
read(*heap+4, &half.end-1, 0x1000)
kill(self, 0)
mmap(0, 0x2000, READ|WRITE, PRIVATE|ANONYMOUS, -1, 0)
call(0x100000027, r3+1, 0, 0, 0, 0)
`

func TestTextIsWhatWasRead(t *testing.T) {
	s, err := Parse(example)
	require.NoError(t, err)
	require.Empty(t, cmp.Diff(example, s.String()))
}

func TestPeopleWriteAsTheyLike(t *testing.T) {
	s, err := Parse("# a finding\n\n  uklemu   sequence 1 # the form\r\n\tr17=getpid( )# its result\n kill ( r17 ,10 )(irq:0x10)\n")
	require.NoError(t, err)
	require.Equal(t, "uklemu sequence 1\nr0 = getpid()\nkill(r0, SIGUSR1) (irq: 16)\n", s.String())
}

func TestErrorsSayWhereAndWhatWouldDo(t *testing.T) {
	for text, want := range map[string]string{
		"":                                      "line 1, column 1: there is no first line; accepted: uklemu sequence 1",
		"getpid()":                              "line 1, column 1: the first line has to say that this is a sequence, and of which version; accepted: uklemu sequence 1",
		"uklemu sequence 2":                     "line 1, column 1: the first line has to say that this is a sequence, and of which version; accepted: uklemu sequence 1",
		Header + "\ngetpit()":                   `line 2, column 1: there is no operation "getpit"; accepted: getpid`,
		Header + "\n\nx = getpid()":             `line 3, column 1: a result can't be called "x"; accepted: r0, r1, ...`,
		Header + "\ngetpid":                     "line 2, column 7: unexpected end of the line; accepted: '('",
		Header + "\nkill(self)":                 `line 2, column 10: unexpected ")"; accepted: ',', kill has 2 arguments, the next is signal`,
		Header + "\nkill(self, SIG)":            `line 2, column 12: unexpected "SIG"; accepted: SIGUSR1, SIGUSR2, SIGSEGV, SIGTRAP, SIGALRM, SIGILL, SIGFPE, SIGBUS, SIGCHLD, SIGHUP, SIGKILL, SIGSTOP, a number, rN, &place, *place`,
		Header + "\nkill(r1, 0)":                "line 2, column 6: no operation before this one has a result r1",
		Header + "\nstack(&nowhere)":            `line 2, column 8: unexpected "nowhere"; accepted: cross, fresh, stack, stack.fresh, stack.guard`,
		Header + "\nstack(0)":                   "line 2, column 7: address of stack can't be 0; accepted: &stack-0x400, &stack.fresh-0x3f00+0x1ff0, &stack.guard-0x1000+0x1ff0, &cross-0x1000+0xff8, &fresh+0x7ff8",
		Header + "\nstore(&kernel.text, 0)":     "line 2, column 7: address of store can't be &kernel.text",
		Header + "\nload(&app.bss+9)":           "line 2, column 6: address of load can't be &app.bss+9",
		Header + "\nflags(DF) (irq: 1)":         "line 2, column 12: flags executes nothing, so nothing can come in the middle of it",
		Header + "\nnops() (by: syscall)":       "line 2, column 9: nops is no system call",
		Header + "\ngetpid() (irq: 65536)":      `line 2, column 16: unexpected "65536"; accepted: a boundary, 0 to 65535`,
		Header + "\ngetpid() (irq: 1, nmi: 2)":  "line 2, column 19: only one thing can come in the middle of an operation, and here is irq already",
		Header + "\ngetpid() (mce: 2)":          `line 2, column 11: unexpected "mce"; accepted: irq, nmi, db, by`,
		Header + "\ngetpid() getpid()":          `line 2, column 10: unexpected "getpid"; accepted: the end of the line, a comment, (irq: N)`,
		Header + "\nthread(5)":                  "line 2, column 8: yields of thread can't be 5; accepted: 0 to 4",
		Header + "\nread(99999999999999999999)": `line 2, column 6: unexpected "99999999999999999999"; accepted: a number of 64 bits`,
		Header + strings.Repeat("\nnops()", 65): "line 66, column 1: more than 64 operations",
	} {
		_, err := Parse(text)
		require.ErrorContains(t, err, want, text)
		var where *Error
		require.ErrorAs(t, err, &where)
	}
}

// What the parser takes, it takes again after it has been printed, and it is
// the same in binary.
func FuzzParse(f *testing.F) {
	f.Add(example)
	f.Add("")
	f.Add(Header + "\nr0 = pipe(&heap)\nwrite(*heap+4, &app.rodata, 8)")
	f.Add(Header + "\nframe(r8, &half.behind-0)\nevict(&stack.fresh)\nexecute(&null) (db: 3)")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := Parse(text)
		if err != nil {
			require.IsType(t, &Error{}, err)
			return
		}
		again, err := Parse(s.String())
		require.NoError(t, err, s.String())
		require.Empty(t, cmp.Diff(s, again))
		require.Empty(t, cmp.Diff(append(Sequence(nil), s...).Normal(), s))
		require.Empty(t, cmp.Diff(s, Decode(s.Encode())))
	})
}

// Every string of bytes is a sequence, which is one as text too.
func FuzzDecode(f *testing.F) {
	s, err := Parse(example)
	require.NoError(f, err)
	f.Add(s.Encode())
	f.Add([]byte{})
	f.Add([]byte{0xff, 0xff, 0xff, 0xff})
	f.Add([]byte("hardly a sequence, but one all the same"))
	f.Fuzz(func(t *testing.T, b []byte) {
		s := Decode(b)
		require.LessOrEqual(t, len(s), MaxOps)
		require.Empty(t, cmp.Diff(s, Decode(s.Encode())))
		again, err := Parse(s.String())
		require.NoError(t, err, s.String())
		require.Empty(t, cmp.Diff(s, again))
	})
}

// What is on somebody's disk has to mean the same later.
func TestBinaryFormStaysAsItIs(t *testing.T) {
	s := Decode([]byte{0xff, 64, 0x81, 12, 0, 85, 2, 29, 4, 10, 10, 4, 3, 6, 2, 0xd8})
	require.Equal(t, `uklemu sequence 1
getpid() (by: syscall, irq: 12)
kill(self, SIGUSR1)
flags(CF)
load(&readonly)
`, s.String())
}
