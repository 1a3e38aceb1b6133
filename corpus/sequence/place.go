// SPDX-License-Identifier: GPL-2.0-or-later

package sequence

// Place is a named place of the address space. Where it is, is found out on each
// machine. Binary sequences have its number: new ones come last.
type Place uint8

// Places.
const (
	Null Place = iota
	Heap
	Cross
	Edge
	Fresh
	Unmapped
	ReadOnly
	NoAccess
	Stack
	FreshStack
	GuardStack
	AppText
	AppROData
	AppData
	AppBSS
	HalfEnd
	HalfBehind
	NonCanonical
	Upper
	KernelText
	KernelROData
	KernelData
	KernelStack
	DirectMap
	Last
	Path
	Times
	Vectors
	AlternateStack
	Self
	places
)

// placeInfo describes one. below and above are how far from it an operation may
// go that the application itself carries out: in ring 0 it must not hit the kernel.
type placeInfo struct {
	name, does   string
	below, above int64
}

var placeTable = [places]placeInfo{
	Null:           {"null", "address 0", 0, 0xffe},
	Heap:           {"heap", "the first of two pages that are there, writable, zeros for its first 2 KiB", 0, 0x1ff8},
	Cross:          {"cross", "the boundary between these two pages: 4 before it crosses", 0x1000, 0xff8},
	Edge:           {"edge", "the end of these two pages, behind which nothing is", 0x1000, 0xff8},
	Fresh:          {"fresh", "eight pages that come when they are touched", 0, 0x7ff8},
	Unmapped:       {"unmapped", "a page where nothing is any more", 0, 0xff8},
	ReadOnly:       {"readonly", "a page that can be read only", 0, 0xff8},
	NoAccess:       {"noaccess", "a page that is mapped with no rights", 0, 0xff8},
	Stack:          {"stack", "the stack pointer that the application began with", 0x400, 0},
	FreshStack:     {"stack.fresh", "a stack: two pages above are there, four below come when they are touched", 0x3f00, 0x1ff0},
	GuardStack:     {"stack.guard", "the lowest address of that stack, behind which is the guard page", 0x1000, 0x1ff0},
	AppText:        {"app.text", "the application's code", 0, 0},
	AppROData:      {"app.rodata", "its constants", 0, 8},
	AppData:        {"app.data", "its variables that begin with a value", 0, 8},
	AppBSS:         {"app.bss", "its other variables, those that lie last", 8, 0},
	HalfEnd:        {"half.end", "the end of the application half, one page before the addresses that are not canonical", 0x1000, 0xff8},
	HalfBehind:     {"half.behind", "the first address that is not canonical", 0, 0xff8},
	NonCanonical:   {"noncanonical", "an address in the middle of the hole", 0x1000, 0x1000},
	Upper:          {"upper", "the first address of the kernel half", 0x1000, 0},
	KernelText:     {"kernel.text", "do_syscall_64", 0, 0},
	KernelROData:   {"kernel.rodata", "sys_call_table", 0, 0},
	KernelData:     {"kernel.data", "init_task", 0, 0},
	KernelStack:    {"kernel.stack", "the top of the application's thread stack", 0, 0},
	DirectMap:      {"kernel.direct", "where all of memory is mapped", 0, 0},
	Last:           {"last", "the last address", 0, 0},
	Path:           {"path", "the name of a program that is there", 0, 0xf8},
	Times:          {"times", "half a millisecond, as itimerval, timeval or timespec, twice", 0, 0xf8},
	Vectors:        {"vectors", "two struct iovec: in the heap, and in app.bss", 0, 0xf8},
	AlternateStack: {"altstack", "a stack_t that describes a stack of its own", 0, 0xf8},
	Self:           {"self", "the application's process id, not a pointer", 0, 0},
}

func (p Place) String() string {
	if p < places {
		return placeTable[p].name
	}
	return "?"
}

func findPlace(name string) (Place, bool) {
	for p := range placeTable {
		if placeTable[p].name == name {
			return Place(p), true
		}
	}
	return 0, false
}

// near are pointers around the application's edges, that it may touch itself.
var (
	readable   = []Place{Heap, Fresh, Cross, Edge, Stack, FreshStack, GuardStack, ReadOnly, NoAccess, Unmapped, AppROData, AppData, AppBSS, Null, HalfEnd, HalfBehind, NonCanonical}
	writable   = []Place{Heap, Fresh, Cross, Edge, FreshStack, GuardStack, ReadOnly, NoAccess, Unmapped, AppData, AppBSS, Null, HalfEnd, HalfBehind, NonCanonical}
	executable = []Place{Heap, Fresh, Edge, Unmapped, NoAccess, Null, HalfEnd, HalfBehind, NonCanonical}
	pushable   = []Place{Stack, FreshStack, GuardStack, Cross, Fresh}
	evictable  = []Place{Heap, Cross, Fresh, FreshStack, GuardStack}
)
