// SPDX-License-Identifier: GPL-2.0-or-later

package lockstep

import (
	"encoding/binary"
	"fmt"
)

// recordSize is handlers.S's.
const recordSize = 256

// Events that are no vectors, as layout.inc numbers them.
const (
	EventDone    = 0xf0  // the end of a case
	EventSyscall = 0x100 // SYSCALL's or SYSENTER's entry
	EventState   = 0x101 // memory and system registers after a case
)

// Record is one line of the guest's log; handlers.S says what is where.
type Record [recordSize / 8]uint64

func (r Record) Case() int         { return int(r[0] >> 16) }
func (r Record) Event() int        { return int(r[0] & 0xffff) }
func (r Record) ErrorCode() uint64 { return r[1] }
func (r Record) RIP() uint64       { return r[2] }

// logStart and logEnd are layout.inc's.
const logStart, logEnd = 0x01000000, 0x03000000

// recordFields are the names of a record's quadwords.
var recordFields = [recordSize / 8]string{
	"event", "error code", "RIP", "CS", "RFLAGS", "RSP", "SS", "RSP in handler", "CR2", "DR6",
	"RAX", "RCX", "RDX", "RBX", "RBP", "RSI", "RDI", "R8", "R9", "R10", "R11", "R12", "R13", "R14", "R15",
	"RFLAGS in handler", "CS SS DS ES", "FS GS", "FS base", "GS base", "kernel GS base", "MXCSR, x87 status",
}

// stateFields are those of an EventState.
var stateFields = [recordSize / 8]string{
	"event", "digest of memory", "digest of page tables", "digest of the GDT",
	"EFER", "STAR", "LSTAR", "CSTAR", "FMASK", "FS base", "GS base", "kernel GS base",
	"SYSENTER_CS", "SYSENTER_ESP", "SYSENTER_EIP", "PAT", "DR0", "DR1", "MXCSR, TR, LDTR",
	"digest of page tables without accessed flags", "digest of memory without bit 16",
}

func (r Record) field(n int) string {
	if r.Event() == EventState {
		return stateFields[n]
	}
	return recordFields[n]
}

// Fields of a record that are looked into.
const (
	fieldErrorCode     = 1
	fieldSS            = 6
	fieldDR6           = 9
	fieldSegments      = 26
	fieldRFLAGS        = 4
	fieldHandlerRFLAGS = 25
	fieldR11           = 20
	fieldCR2           = 8
	fieldRAX           = 10
	fieldRCX           = 11
	fieldR15           = 24
	fieldFSGS          = 27

	stateMemory            = 1
	stateTables            = 2
	stateTablesNotAccessed = 19
	stateMemoryNotRF       = 20
)

// Log is what a whole run wrote.
type Log []Record

// ReadLog takes the log out of a machine that has reached "finished".
func ReadLog(m Machine, p *Payload) (Log, error) {
	var next [8]byte
	if err := m.ReadPhysical(p.Symbols["log_next"], next[:]); err != nil {
		return nil, fmt.Errorf("the log's end: %w", err)
	}
	last := binary.LittleEndian.Uint64(next[:])
	if last < logStart || last > logEnd || (last-logStart)%recordSize != 0 {
		return nil, fmt.Errorf("the log's end is %#x, outside of the log", last)
	}
	raw := make([]byte, last-logStart)
	if err := m.ReadPhysical(logStart, raw); err != nil {
		return nil, fmt.Errorf("the log: %w", err)
	}
	log := make(Log, len(raw)/recordSize)
	for i := range log {
		for j := range log[i] {
			log[i][j] = binary.LittleEndian.Uint64(raw[i*recordSize+j*8:])
		}
	}
	return log, nil
}

// Count says how often each event is in the log.
func (l Log) Count() map[int]int {
	n := map[int]int{}
	for _, r := range l {
		n[r.Event()]++
	}
	return n
}
