// SPDX-License-Identifier: GPL-2.0-or-later

package sequence

// events are the operations that are no system calls.
var events = func() []Operation {
	list := []Operation{
		{Name: "nops", Does: "eight instructions that do nothing", kind: plainCode, Weight: 2},
		{Name: "push", Does: "PUSH and POP", kind: plainCode, Weight: 2},
		{Name: "vector", Does: "works in XMM0 to XMM3", kind: plainCode, Weight: 2},
		{Name: "int3", Does: "INT3: #BP", kind: plainCode},
		{Name: "ud2", Does: "UD2: #UD", kind: plainCode},
		{Name: "spin", Does: "waits for a signal whose handler stops", kind: plainCode, Weight: rare},
		{Name: "load", Does: "reads a byte", Args: args("address", toRead), kind: touchLoad, Weight: 3},
		{Name: "store", Does: "writes a byte", Args: args("address", toWrite, "byte", oneByte), kind: touchStore, Weight: 3},
		{Name: "execute", Does: "calls an address where no code is", Args: args("address", toExecute), kind: touchExecute, Weight: rare},
		{Name: "stack", Does: "moves the stack pointer", Args: args("address", toPush), kind: moveStack, Weight: 6},
		{Name: "flags", Does: "sets these flags and clears the others, for all that comes", Args: args("flags", flagBits), kind: setFlags, Weight: 6},
		{Name: "handle", Does: "says what becomes of a signal: a handler that returns, that makes a call before it does, or that stops, for the operations that follow to be its own",
			Args: args("signal", signal, "handler", handler, "flags", actionBits, "call", nestedCall), kind: setHandler, Weight: 8},
		{Name: "frame", Does: "changes a field of the frame of the signal whose handler has stopped", Args: args("field", frameField, "value", fieldValue), kind: setField, Weight: 3},
		{Name: "return", Does: "returns from that handler", kind: handlerReturn, Weight: 3},
		{Name: "thread", Does: "starts a thread", Args: args("yields", yields), kind: makeThread, Needs: needCare, Weight: 3},
		{Name: "evict", Does: "a page is taken away; the next touch brings an empty one", Args: args("page", toEvict), kind: evictPage, Weight: 3},
		{Name: "call", Does: "a system call by its number", Args: args("number", number, "0", anyNumber, "1", anyNumber, "2", anyNumber, "3", anyNumber, "4", anyNumber), kind: anyCall, Weight: 2},
		{Name: "function", Does: "calls a function of the kernel", Args: args("function", function, "0", pointer, "1", length), Needs: needShortcuts, kind: callFunction},
	}
	for i := range list {
		list[i].Number = NotACall
	}
	return list
}()
