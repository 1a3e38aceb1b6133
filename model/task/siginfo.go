// SPDX-License-Identifier: GPL-2.0-or-later

package task

import (
	"encoding/binary"
	"fmt"
)

// SigInfo is a siginfo_t.
type SigInfo struct {
	Signal, Errno, Code int32
	// Address is si_addr, of the signals that an instruction causes.
	Address uint64
	// PID and UID are the sender's, of signals that a process sends.
	PID, UID int32
}

// sigInfoSize is SI_MAX_SIZE (include/uapi/asm-generic/siginfo.h).
const sigInfoSize = 128

// sigInfo decodes sigInfoSize bytes, in the format of the ABI.
func (r *Reader) sigInfo(b []byte) SigInfo {
	word := func(field string) (uint64, bool) {
		offset, ok := r.image.Offset("siginfo", field)
		if !ok || offset < 0 || offset+8 > int64(len(b)) {
			return 0, false
		}
		return binary.LittleEndian.Uint64(b[offset:]), true
	}
	half := func(field string) int32 {
		v, _ := word(field)
		return int32(v)
	}
	s := SigInfo{Signal: half("si_signo"), Errno: half("si_errno"), Code: half("si_code")}
	if s.byInstruction() {
		s.Address, _ = word("_sifields._sigfault._addr")
		return s
	}
	if s.sent() {
		s.PID, s.UID = half("_sifields._kill._pid"), half("_sifields._kill._uid")
	}
	return s
}

// byInstruction says whether the kernel sends it for what an instruction did.
func (s SigInfo) byInstruction() bool {
	switch s.Signal {
	case 4, 5, 7, 8, 11: // SIGILL, SIGTRAP, SIGBUS, SIGFPE, SIGSEGV
		return s.Code > 0 && s.Code != siKernel
	}
	return false
}

// sent says whether a process has sent it: by kill, sigqueue or tgkill.
func (s SigInfo) sent() bool { return s.Code == 0 || s.Code == -1 || s.Code == -6 }

// signalNames are those of x86 (arch/x86/include/uapi/asm/signal.h), from 1.
var signalNames = [...]string{"", "SIGHUP", "SIGINT", "SIGQUIT", "SIGILL", "SIGTRAP", "SIGABRT", "SIGBUS", "SIGFPE", "SIGKILL",
	"SIGUSR1", "SIGSEGV", "SIGUSR2", "SIGPIPE", "SIGALRM", "SIGTERM", "SIGSTKFLT", "SIGCHLD", "SIGCONT", "SIGSTOP", "SIGTSTP",
	"SIGTTIN", "SIGTTOU", "SIGURG", "SIGXCPU", "SIGXFSZ", "SIGVTALRM", "SIGPROF", "SIGWINCH", "SIGIO", "SIGPWR", "SIGSYS"}

// SignalName is "SIGSEGV" or, for a real-time signal, "SIGRTMIN+2".
func SignalName(n int32) string {
	switch {
	case n > 0 && int(n) < len(signalNames):
		return signalNames[n]
	case n == 32:
		return "SIGRTMIN"
	case n > 32 && n <= 64:
		return fmt.Sprintf("SIGRTMIN+%d", n-32)
	}
	return fmt.Sprintf("signal %d", n)
}

// siKernel is the code of a signal from the kernel with nothing to add.
const siKernel = 0x80

// codes are what si_code is for signals from anywhere
// (include/uapi/asm-generic/siginfo.h).
var codes = map[int32]string{0: "SI_USER", siKernel: "SI_KERNEL", -1: "SI_QUEUE", -2: "SI_TIMER", -3: "SI_MESGQ", -4: "SI_ASYNCIO", -5: "SI_SIGIO", -6: "SI_TKILL"}

// faultCodes are what it is for SIGSEGV.
var faultCodes = map[int32]string{1: "SEGV_MAPERR", 2: "SEGV_ACCERR", 3: "SEGV_BNDERR", 4: "SEGV_PKUERR"}

func (s SigInfo) code() string {
	if name, ok := faultCodes[s.Code]; ok && s.Signal == 11 {
		return name
	}
	if name, ok := codes[s.Code]; ok {
		return name
	}
	return fmt.Sprintf("code %d", s.Code)
}

func (s SigInfo) String() string {
	switch {
	case s.byInstruction():
		return fmt.Sprintf("%s %s at %#x", SignalName(s.Signal), s.code(), s.Address)
	case s.sent():
		return fmt.Sprintf("%s %s from process %d of user %d", SignalName(s.Signal), s.code(), s.PID, s.UID)
	}
	return fmt.Sprintf("%s %s", SignalName(s.Signal), s.code())
}

// signalSet are the names of a mask's signals.
func signalSet(mask uint64) string {
	return joined(bitNames(mask, "", func(bit int) string { return SignalName(int32(bit) + 1) }))
}
