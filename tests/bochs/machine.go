// SPDX-License-Identifier: GPL-2.0-or-later

package bochs

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"slices"

	"github.com/uklemu/uklemu/emu"
	"github.com/uklemu/uklemu/emu/x86"
)

// Runner runs cases, one after the other, on one machine.
type Runner struct {
	world  *World
	m      *emu.Machine
	clean  []byte // RAM as the world has it
	start  *emu.Snapshot
	events []string
}

// NewRunner makes the machine and lays out its memory.
func NewRunner(world *World, cpu x86.CPU) (*Runner, error) {
	m, err := emu.New(emu.Config{Memory: uint64(world.RAM), CPU: cpu})
	if err != nil {
		return nil, err
	}
	r := &Runner{world: world, m: m, clean: make([]byte, world.RAM)}
	for _, p := range world.Memory {
		copy(r.clean[p.At:], p.Bytes)
	}
	if err := m.WritePhysical(0, r.clean); err != nil {
		m.Close()
		return nil, err
	}
	for v := range uint64(256) {
		m.Probe(uint64(world.Handlers)+16*v, nil)
	}
	for _, address := range world.Land {
		m.Probe(uint64(address), nil)
	}
	m.Observe(r.observe)
	if r.start, err = m.Snapshot(); err != nil {
		m.Close()
		return nil, err
	}
	return r, nil
}

// Close gives the machine back.
func (r *Runner) Close() { r.m.Close() }

func (r *Runner) observe(e emu.Event) {
	if e.Kind != emu.EventException {
		return
	}
	text := e.Vector.String()
	if e.Vector.Info().ErrorCode {
		text += fmt.Sprintf("(%#x)", e.ErrorCode)
	}
	r.events = append(r.events, text)
}

// Run runs a case and says how it ended.
func (r *Runner) Run(c *Case) (*Outcome, error) {
	if err := r.m.Restore(r.start); err != nil {
		return nil, err
	}
	before, was, err := r.prepare(c)
	if err != nil {
		return nil, err
	}
	end := before.RIP + uint64(len(c.Code)/2)
	if !r.stopsAt(end) {
		r.m.Probe(end, nil)
		defer r.m.RemoveProbe(end)
	}
	r.events = nil
	limit := c.Limit
	if limit == 0 {
		limit = defaultLimit
	}
	stop := r.m.Run(emu.Until{Instructions: uint64(limit)})
	out := &Outcome{Events: slices.Clone(r.events), Stop: r.reason(stop)}
	if stop.Why == emu.StopShutdown {
		return out, nil
	}
	out.Changed = r.registers(&before)
	out.Memory, err = r.memory(was)
	return out, err
}

// prepare sets memory and state, and returns both.
func (r *Runner) prepare(c *Case) (before x86.State, was []byte, err error) {
	code, err := hex.DecodeString(c.Code)
	if err != nil {
		return before, nil, err
	}
	base := r.world.Kernel
	if c.User {
		base = r.world.User
	}
	for _, registers := range []State{base, c.State} {
		if err := registers.apply(&before); err != nil {
			return before, nil, err
		}
	}
	was = slices.Clone(r.clean)
	for _, p := range append([]Patch{{c.At, code}}, c.Memory...) {
		copy(was[p.At:], p.Bytes)
		if err := r.m.WritePhysical(uint64(p.At), p.Bytes); err != nil {
			return before, nil, err
		}
	}
	r.m.SetState(&before)
	return before, was, nil
}

func (r *Runner) stopsAt(address uint64) bool {
	offset := address - uint64(r.world.Handlers)
	return offset < 4096 && offset%16 == 0 || slices.Contains(r.world.Land, Word(address))
}

func (r *Runner) reason(stop emu.Stop) string {
	offset := r.m.State().RIP - uint64(r.world.Handlers)
	switch {
	case stop.Why == emu.StopProbe && offset < 4096 && offset%16 == 0:
		return fmt.Sprintf("vector 0x%02x", offset/16)
	case stop.Why == emu.StopProbe:
		return "landed"
	case stop.Why == emu.StopHalt:
		return "hlt"
	}
	return stop.String()
}

// registers are those that changed.
func (r *Runner) registers(before *x86.State) map[string]string {
	state, changed := r.m.State(), map[string]string{}
	old := registers(before)
	for name, v := range registers(&state) {
		if v != old[name] {
			changed[name] = v
		}
	}
	return changed
}

// memory is what changed in RAM.
func (r *Runner) memory(was []byte) (map[string]string, error) {
	is, changed := make([]byte, len(was)), map[string]string{}
	if err := r.m.ReadPhysical(0, is); err != nil {
		return nil, err
	}
	for at := 0; at < len(is); at += 8 {
		a, b := binary.LittleEndian.Uint64(was[at:]), binary.LittleEndian.Uint64(is[at:])
		if a != b {
			changed[fmt.Sprintf("%#x", at)] = fmt.Sprintf("%#x", b)
		}
	}
	return changed, nil
}
