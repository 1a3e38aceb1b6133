// SPDX-License-Identifier: GPL-2.0-or-later

package gdb

import (
	"bytes"
	"encoding/hex"
	"fmt"
)

var registerCommands = []command{
	{"g", (*session).readRegisters},
	{"G", (*session).writeRegisters},
	{"p", (*session).readRegister},
	{"P", (*session).writeRegister},
}

func (r *register) size() int { return r.bits / 8 }

func (s *session) readRegisters(request) string {
	regs, err := s.target.Registers()
	if err != nil {
		return failure(err)
	}
	var out []byte
	for i := range registerList {
		r := &registerList[i]
		p := make([]byte, r.size())
		r.get(&regs, p)
		out = append(out, p...)
	}
	return hex.EncodeToString(out)
}

// writeRegisters takes what gdb sends, which may be a leading part of the
// list.
func (s *session) writeRegisters(q request) string {
	p, ok := decodeHex(q.args)
	if !ok {
		return errorMalformed
	}
	regs, err := s.target.Registers()
	if err != nil {
		return failure(err)
	}
	for i := range registerList {
		r := &registerList[i]
		if len(p) < r.size() {
			break
		}
		r.set(&regs, p[:r.size()])
		p = p[r.size():]
	}
	if err := s.target.SetRegisters(regs); err != nil {
		return failure(err)
	}
	return "OK"
}

func (s *session) readRegister(q request) string {
	n, ok := parseHex(q.args)
	if !ok || n >= uint64(len(registerList)) {
		return errorMalformed
	}
	regs, err := s.target.Registers()
	if err != nil {
		return failure(err)
	}
	r := &registerList[n]
	p := make([]byte, r.size())
	r.get(&regs, p)
	return hex.EncodeToString(p)
}

func (s *session) writeRegister(q request) string {
	number, value, _ := bytes.Cut(q.args, []byte{'='})
	n, ok1 := parseHex(number)
	p, ok2 := decodeHex(value)
	if !ok1 || !ok2 || n >= uint64(len(registerList)) {
		return errorMalformed
	}
	r := &registerList[n]
	if len(p) != r.size() {
		return failure(fmt.Errorf("%s has %d bytes, not %d", r.name, r.size(), len(p)))
	}
	regs, err := s.target.Registers()
	if err != nil {
		return failure(err)
	}
	r.set(&regs, p)
	if err := s.target.SetRegisters(regs); err != nil {
		return failure(err)
	}
	return "OK"
}
