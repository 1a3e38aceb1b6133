// SPDX-License-Identifier: GPL-2.0-or-later

package emu

import "github.com/uklemu/uklemu/emu/unicorn"

// points are the function that gets the hits, and memory to hand them over in.
type points struct {
	f     func([]Hit)
	words []uint64
	hits  []Hit
}

// places are points as the engine has them.
func places(points []Point) []unicorn.Place {
	var out []unicorn.Place
	for _, p := range points {
		place := unicorn.Place{Address: p.Address}
		for _, c := range p.Captures {
			place.Captures = append(place.Captures, unicorn.Capture{Base: uint32(c.Base), Offset: c.Offset, Size: c.Size})
		}
		out = append(out, place)
	}
	return out
}

// arrive writes down that a point is at RIP, if one is; the engine does so by
// itself where it gets that far.
func (m *Machine) arrive() {
	if m.points.f == nil {
		return
	}
	m.give()
	if !m.cpu.Arrive() {
		m.tell()
		m.cpu.Arrive()
	}
}

// tell hands over what has been written down.
func (m *Machine) tell() {
	m.tellHits()
	m.tellSeen()
}

func (m *Machine) tellHits() {
	p := &m.points
	if p.f == nil {
		return
	}
	words := m.cpu.TakeHits(p.words[:0])
	if len(words) == 0 {
		return
	}
	hits := p.hits[:0]
	for at := 0; at < len(words); {
		var h Hit
		at += h.read(words[at:])
		hits = append(hits, h)
	}
	p.words, p.hits = nil, nil
	p.f(hits)
	p.words, p.hits = words, hits // p is the body's: f may have closed the machine
}

// read takes a hit from the start of what the engine wrote, and returns how
// many words it has.
func (h *Hit) read(w []uint64) int {
	segments := w[unicorn.HitSegments]
	*h = Hit{
		Point: int(uint32(w[unicorn.HitPlace])), Sequence: w[unicorn.HitSequence], Count: w[unicorn.HitCount],
		GPR: [16]uint64(w[unicorn.HitGPR:]), RIP: w[unicorn.HitRIP], RFLAGS: w[unicorn.HitRFLAGS],
		FSBase: w[unicorn.HitFSBase], GSBase: w[unicorn.HitGSBase], KernelGSBase: w[unicorn.HitKernelGSBase],
		CR3: w[unicorn.HitCR3], CS: uint16(segments), SS: uint16(segments >> 16), Missing: uint32(segments >> 32),
	}
	end := unicorn.HitWords + int(uint16(w[unicorn.HitPlace]>>32))
	h.Words = w[unicorn.HitWords:end:end]
	return end
}
