// SPDX-License-Identifier: GPL-2.0-or-later

// Package gdb serves the GDB remote serial protocol for an x86-64 machine, so
// that a stock gdb debugs it, forwards and backwards:
//
//	listener, err := net.Listen("tcp", "127.0.0.1:1234")
//	...
//	err = gdb.Serve(ctx, listener, machine)
//
//	$ gdb -ex 'target remote :1234' vmlinux
//
// The machine is any [Target]. The protocol is that of the GDB manual,
// appendix E, in all-stop mode with one thread. A file here is one extension
// of it, and adds its packets to the list in session.go.
package gdb
