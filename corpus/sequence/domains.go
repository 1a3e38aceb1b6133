// SPDX-License-Identifier: GPL-2.0-or-later

package sequence

import "github.com/uklemu/uklemu/emu/x86"

var anywhere = func() (all []Place) {
	for p := range Self {
		all = append(all, p)
	}
	return all
}()

// Domains of arguments. Numbers are those of the kernel's uapi headers.
var (
	anyNumber = &Domain{Name: "number", Does: "any number", Results: true,
		Numbers: []uint64{0, 1, 2, 3, 8, 0x7f, 0xff, 0x1000, 0x7fffffff, 0x80000000, 0xffffffff, 1 << 32, 1 << 63, ^uint64(0), ^uint64(13)}}
	pointer = &Domain{Name: "pointer", Does: "anywhere", Places: anywhere, Results: true}
	length  = &Domain{Name: "length", Does: "in bytes",
		Numbers: []uint64{0, 1, 4, 7, 8, 9, 16, 63, 64, 0x200, 0xfff, 0x1000, 0x1001, 0x2000, 0x7fffffff, 0x80000000, 0x7ffff000, 1 << 47, ^uint64(0), ^uint64(7)}}
	fd = &Domain{Name: "fd", Does: "a file descriptor: 3 and 4 are those of the first pipe", Results: true,
		Numbers: []uint64{3, 4, 0, 1, 2, 5, 6, 100, ^uint64(0)}}
	pid = &Domain{Name: "pid", Does: "a process", Places: []Place{Self}, Results: true,
		Numbers: []uint64{0, 1, 2, ^uint64(0), 0x7fffffff}}
	signal = &Domain{Name: "signal", Does: "a signal's number", Numbers: []uint64{0, 64, 65},
		Names: []Named{{"SIGUSR1", 10}, {"SIGUSR2", 12}, {"SIGSEGV", 11}, {"SIGTRAP", 5}, {"SIGALRM", 14}, {"SIGILL", 4}, {"SIGFPE", 8}, {"SIGBUS", 7}, {"SIGCHLD", 17}, {"SIGHUP", 1}, {"SIGKILL", 9}, {"SIGSTOP", 19}}}
	protection = &Domain{Name: "protection", Does: "of memory", Bits: true, Names: []Named{{"READ", 1}, {"WRITE", 2}, {"EXEC", 4}}}
	mapping    = &Domain{Name: "mapping", Does: "flags of mmap", Bits: true,
		Names: []Named{{"SHARED", 1}, {"PRIVATE", 2}, {"FIXED", 0x10}, {"ANONYMOUS", 0x20}, {"GROWSDOWN", 0x100}, {"POPULATE", 0x8000}}}
	mask      = &Domain{Name: "how", Does: "of rt_sigprocmask", Names: []Named{{"BLOCK", 0}, {"UNBLOCK", 1}, {"SETMASK", 2}}, Numbers: []uint64{3}}
	setSize   = &Domain{Name: "size", Does: "of a set of signals", Numbers: []uint64{8, 8, 8, 0, 4, 16}}
	archCode  = &Domain{Name: "code", Does: "of arch_prctl", Names: []Named{{"SET_FS", 0x1002}, {"SET_GS", 0x1001}, {"GET_FS", 0x1003}, {"GET_GS", 0x1004}}, Numbers: []uint64{0, 0x1005}}
	base      = &Domain{Name: "base", Does: "a pointer that the kernel keeps; the application's code and constants are left out", Places: []Place{Heap, Fresh, AppData, AppBSS, ReadOnly, Stack, Unmapped, Null, HalfEnd, HalfBehind, NonCanonical, Upper, KernelText, KernelData, Last}, Results: true}
	timer     = &Domain{Name: "timer", Does: "of setitimer", Names: []Named{{"REAL", 0}, {"VIRTUAL", 1}, {"PROF", 2}}}
	cloneBits = &Domain{Name: "clone flags", Does: "of clone, with the signal at the end", Bits: true,
		Names: []Named{{"SIGCHLD", 17}, {"VM", 0x100}, {"FS", 0x200}, {"FILES", 0x400}, {"SIGHAND", 0x800}, {"VFORK", 0x4000}, {"THREAD", 0x10000}, {"SETTLS", 0x80000}, {"PARENT_SETTID", 0x100000}, {"CHILD_CLEARTID", 0x200000}, {"CHILD_SETTID", 0x1000000}}}
	waitBits = &Domain{Name: "wait flags", Does: "of wait4", Bits: true, Names: []Named{{"NOHANG", 1}, {"UNTRACED", 2}}}
	advice   = &Domain{Name: "advice", Does: "of madvise", Names: []Named{{"NORMAL", 0}, {"WILLNEED", 3}, {"DONTNEED", 4}, {"FREE", 8}}}
	openBits = &Domain{Name: "open flags", Does: "of open", Bits: true, Names: []Named{{"WRONLY", 1}, {"RDWR", 2}, {"CREAT", 0x40}, {"EXCL", 0x80}, {"TRUNC", 0x200}, {"NONBLOCK", 0x800}, {"CLOEXEC", 0x80000}}}
	clock    = &Domain{Name: "clock", Does: "of clock_gettime", Names: []Named{{"REALTIME", 0}, {"MONOTONIC", 1}, {"PROCESS", 2}, {"THREAD", 3}}}
	number   = &Domain{Name: "call number", Does: "of a system call that may not be there",
		Numbers: []uint64{39, 0x1_0000_0000 | 39, 0xdeadbeef_00000000 | 39, 335, 512, 100_000, 1 << 31, 0xffffffff, 0x40000000 | 39, ^uint64(0)}}
	futexOp = &Domain{Name: "futex operation", Does: "of futex", Names: []Named{{"WAIT", 0}, {"WAKE", 1}, {"WAIT_PRIVATE", 128}, {"WAKE_PRIVATE", 129}}}
	level   = &Domain{Name: "level", Does: "of iopl", Numbers: []uint64{0, 3, 1, 2, 4}}

	toRead     = &Domain{Name: "to read", Does: "where the application may read", Places: readable, Closed: true}
	toWrite    = &Domain{Name: "to write", Does: "where it may write", Places: writable, Closed: true}
	toExecute  = &Domain{Name: "to execute", Does: "where it may try to go: there is no code", Places: executable, Closed: true}
	toPush     = &Domain{Name: "stack", Does: "where its stack pointer may be", Places: pushable, Closed: true}
	childStack = &Domain{Name: "child's stack", Does: "null for its parent's; what runs in ring 0 must not push into the kernel", Places: []Place{Null, FreshStack, GuardStack, Fresh}, Closed: true}
	toEvict    = &Domain{Name: "to evict", Does: "pages that come again when they are touched", Places: evictable, Closed: true}
	flagBits   = &Domain{Name: "flags", Does: "of RFLAGS; CLI (interrupts off) and IOPL in CPL 0 alone", Bits: true, Closed: true, ByHand: x86.FlagIF,
		Names: []Named{{"DF", x86.FlagDF}, {"AC", x86.FlagAC}, {"NT", x86.FlagNT}, {"TF", x86.FlagTF}, {"CLI", x86.FlagIF}, {"IOPL", x86.FlagIOPL},
			{"CF", x86.FlagCF}, {"PF", x86.FlagPF}, {"AF", x86.FlagAF}, {"ZF", x86.FlagZF}, {"SF", x86.FlagSF}, {"OF", x86.FlagOF}}}
	handler = &Domain{Name: "handler", Does: "what becomes of a signal", Closed: true, Names: []Named{
		{"default", handlerDefault}, {"ignore", handlerIgnore}, {"returns", handlerReturns}, {"nested", handlerNested}, {"stops", handlerStops}}}
	actionBits = &Domain{Name: "action flags", Does: "of rt_sigaction", Bits: true, Closed: true,
		Names: []Named{{"SA_ONSTACK", 0x08000000}, {"SA_RESTART", 0x10000000}, {"SA_NODEFER", 0x40000000}, {"SA_RESETHAND", 0x80000000}}}
	nestedCall = &Domain{Name: "nested call", Does: "what a nested handler calls", Closed: true, Names: []Named{{"getpid", 39}, {"sched_yield", 24}, {"getppid", 110}, {"gettid", 186}}}
	frameField = &Domain{Name: "field", Does: "of a signal frame's sigcontext", Closed: true, Names: []Named{
		{"ip", 0xb0}, {"sp", 0xa8}, {"flags", 0xb8}, {"cs", 0xc0}, {"ss", 0xc6}, {"ax", 0x98}, {"bx", 0x88}, {"cx", 0xa0}, {"dx", 0x90}, {"si", 0x78}, {"di", 0x70}, {"bp", 0x80},
		{"r8", 0x30}, {"r11", 0x48}, {"r15", 0x68}, {"mask", 0x130}, {"fpstate", 0xe8}}}
	fieldValue = &Domain{Name: "field value", Does: "what a field is made; in ring 0 it must not lead into the kernel", Closed: true, Places: []Place{HalfBehind, NonCanonical, Null, Heap, Fresh, FreshStack, Unmapped},
		Numbers: []uint64{0, 0x10, 0x18, 0x33, 0x2b, 0xc3, 0xffff, 0x202, 0x602, 0x40202, 0x7202, 0x246, 0x46, 0x20202, ^uint64(0)}}
	yields   = &Domain{Name: "yields", Does: "how often a thread gives the CPU away before it exits", Numbers: []uint64{0, 4}, Range: true, Closed: true}
	oneByte  = &Domain{Name: "byte", Does: "a byte", Numbers: []uint64{0, 0xff}, Range: true, Closed: true}
	function = &Domain{Name: "function", Does: "a function of the kernel that its options let the application call", Closed: true, Names: []Named{{"shortcut_tcp_sendmsg", 0}, {"shortcut_tcp_recvmsg", 1}}}
)

// Handlers, as the handler domain numbers them.
const (
	handlerDefault = iota
	handlerIgnore
	handlerReturns
	handlerNested
	handlerStops
)
