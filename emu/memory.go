// SPDX-License-Identifier: GPL-2.0-or-later

package emu

import (
	"fmt"

	"github.com/uklemu/uklemu/emu/unicorn"
	"github.com/uklemu/uklemu/emu/x86"
)

// linear is linear memory for the manual's rules: what IDT, GDT, TSS and
// stacks are read and written through.
type linear struct{ m *Machine }

var _ x86.Memory = linear{}

func (l linear) Load(address uint64, p []byte, how x86.Access) *x86.Exception {
	l.m.give()
	return l.m.cpu.ReadLinear(address, p, how)
}

func (l linear) Store(address uint64, p []byte, how x86.Access) *x86.Exception {
	l.m.give()
	return l.m.cpu.WriteLinear(address, p, how)
}

// give hands the state to the engine, whose page walk goes by it.
func (m *Machine) give() {
	if !m.changed {
		return
	}
	m.cpu.Store(&m.state)
	m.changed = false
}

// Translate asks the page tables where a linear address is, as a supervisor
// would read it and without leaving a trace in them.
func (m *Machine) Translate(address uint64) (unicorn.Translation, error) {
	if m.body == nil {
		return unicorn.Translation{}, ErrClosed
	}
	m.give()
	t, e := m.cpu.Walk(address, unicorn.Peek, x86.Access{})
	if e != nil {
		return t, &NotMappedError{Address: address, Exception: *e}
	}
	return t, nil
}

// NotMappedError says that a linear address could not be reached.
type NotMappedError struct {
	Address   uint64
	Exception x86.Exception
}

func (e *NotMappedError) Error() string {
	if e.Exception.Vector == x86.VectorGP {
		return fmt.Sprintf("address %#x is not canonical", e.Address)
	}
	return fmt.Sprintf("address %#x is not mapped", e.Address)
}

// ReadMemory copies linear memory for a debugger: no access rights are asked,
// nothing is changed. It returns how many bytes could be read, and an error
// if not all.
func (m *Machine) ReadMemory(address uint64, p []byte) (int, error) {
	return m.eachPage(address, p, m.ReadPhysical)
}

// WriteMemory writes linear memory for a debugger.
func (m *Machine) WriteMemory(address uint64, p []byte) (int, error) {
	return m.eachPage(address, p, m.WritePhysical)
}

func (m *Machine) eachPage(address uint64, p []byte, do func(at uint64, p []byte) error) (int, error) {
	done := 0
	for done < len(p) {
		t, err := m.Translate(address)
		if err != nil {
			return done, err
		}
		n := min(len(p)-done, unicorn.PageSize-int(address%unicorn.PageSize))
		if err := do(t.Physical, p[done:done+n]); err != nil {
			return done, err
		}
		address += uint64(n)
		done += n
	}
	return done, nil
}
