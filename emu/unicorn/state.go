// SPDX-License-Identifier: GPL-2.0-or-later

package unicorn

/*
#include "engine.h"
*/
import "C"

import (
	"runtime"
	"unsafe"

	"github.com/uklemu/uklemu/emu/x86"
)

func (c *CPU) get64(at int) uint64    { return *(*uint64)(unsafe.Pointer(&c.state[at])) }
func (c *CPU) get32(at int) uint32    { return *(*uint32)(unsafe.Pointer(&c.state[at])) }
func (c *CPU) put64(at int, v uint64) { *(*uint64)(unsafe.Pointer(&c.state[at])) = v }
func (c *CPU) put32(at int, v uint32) { *(*uint32)(unsafe.Pointer(&c.state[at])) = v }

// attributes are the bits of a descriptor's second doubleword that are neither
// base nor limit.
const attributes = 0x00f0ff00

// The flags under which the engine translates blocks; the ones here follow
// from the architectural state.
const (
	hfCPL        = 3
	hfInhibit    = 1 << 3
	hfCS32       = 1 << 4
	hfSS32       = 1 << 5
	hfAddSeg     = 1 << 6
	hfPE         = 1 << 7
	hfMPEMTS     = 7 << 9
	hfLMA        = 1 << 14
	hfCS64       = 1 << 15
	hfOSFXSR     = 1 << 22
	hfSMAP       = 1 << 23
	hfKnown      = hfCPL | hfInhibit | hfCS32 | hfSS32 | hfAddSeg | hfPE | hfMPEMTS | hfLMA | hfCS64 | hfOSFXSR | hfSMAP
	cr4OSFXSR    = 1 << 9
	cr4SMAP      = 1 << 21
	attrL, attrB = 1 << 21, 1 << 22
)

// Load copies the engine's part of the state into s: all but DR0 to DR7, CR8,
// the kind of shadow (ShadowSTI stands for either) and the blocking of NMIs.
func (c *CPU) Load(s *x86.State) {
	defer runtime.KeepAlive(c)
	l := c.library.layout
	for i := range s.GPR {
		s.GPR[i] = c.get64(l.gpr + 8*i)
	}
	s.RIP = c.get64(l.rip)
	s.RFLAGS = uint64(c.e.rflags)
	for i := range s.Seg {
		s.Seg[i] = c.segment(l.segment + i*l.stride)
	}
	s.LDTR, s.TR = c.segment(l.ldtr), c.segment(l.tr)
	s.GDTR = x86.Table{Base: c.get64(l.gdtrBase), Limit: uint16(c.get32(l.gdtrLimit))}
	s.IDTR = x86.Table{Base: c.get64(l.idtrBase), Limit: uint16(c.get32(l.idtrLimit))}
	s.CR0, s.CR2, s.CR3, s.CR4 = c.get64(l.cr), c.get64(l.cr+16), c.get64(l.cr+24), c.get64(l.cr+32)
	s.XCR0, s.PKRU = c.get64(l.xcr0), c.get32(l.pkru)
	s.EFER, s.STAR = c.get64(l.efer), c.get64(l.star)
	s.LSTAR, s.CSTAR, s.FMASK = c.get64(l.lstar), c.get64(l.cstar), c.get64(l.fmask)
	s.KernelGSBase = c.get64(l.kernelGSBase)
	s.SysenterCS, s.SysenterESP, s.SysenterEIP = uint64(c.get32(l.sysenterCS)), c.get64(l.sysenterESP), c.get64(l.sysenterEIP)
	s.TSCAux = c.get64(l.tscAux)
	if c.e.inhibit == 0 {
		s.Shadow = x86.ShadowNone
	} else if s.Shadow == x86.ShadowNone {
		s.Shadow = x86.ShadowSTI
	}
}

func (c *CPU) segment(at int) x86.Segment {
	l := c.library.layout
	return x86.Segment{
		Selector: uint16(c.get32(at + l.selector)),
		Base:     c.get64(at + l.base),
		Limit:    c.get32(at + l.limit),
		Attr:     c.get32(at+l.attributes) & attributes,
	}
}

func (c *CPU) putSegment(at int, s *x86.Segment) {
	l := c.library.layout
	c.put32(at+l.selector, uint32(s.Selector))
	c.put64(at+l.base, s.Base)
	c.put32(at+l.limit, s.Limit)
	c.put32(at+l.attributes, s.Attr)
}

// Store gives s to the engine, which has it from the next run on. What it
// translated under other control registers is flushed.
func (c *CPU) Store(s *x86.State) {
	defer runtime.KeepAlive(c)
	l := c.library.layout
	for i := range s.GPR {
		c.put64(l.gpr+8*i, s.GPR[i])
	}
	c.put64(l.rip, s.RIP)
	c.e.rflags = C.uint64_t(s.RFLAGS)
	for i := range s.Seg {
		c.putSegment(l.segment+i*l.stride, &s.Seg[i])
	}
	c.putSegment(l.ldtr, &s.LDTR)
	c.putSegment(l.tr, &s.TR)
	c.put64(l.gdtrBase, s.GDTR.Base)
	c.put32(l.gdtrLimit, uint32(s.GDTR.Limit))
	c.put64(l.idtrBase, s.IDTR.Base)
	c.put32(l.idtrLimit, uint32(s.IDTR.Limit))
	if c.translating() != (translating{s.CR0 & cr0Paging, s.CR3, s.CR4, s.EFER, s.PKRU}) || s.PAEPaging() && c.pdpte() != s.PDPTE {
		c.e.flush = 1
	}
	c.put64(l.cr, s.CR0)
	c.put64(l.cr+16, s.CR2)
	c.put64(l.cr+24, s.CR3)
	c.put64(l.cr+32, s.CR4)
	c.put64(l.xcr0, s.XCR0)
	c.put32(l.pkru, s.PKRU)
	c.put64(l.efer, s.EFER)
	c.put64(l.star, s.STAR)
	c.put64(l.lstar, s.LSTAR)
	c.put64(l.cstar, s.CSTAR)
	c.put64(l.fmask, s.FMASK)
	c.put64(l.kernelGSBase, s.KernelGSBase)
	c.put32(l.sysenterCS, uint32(s.SysenterCS))
	c.put64(l.sysenterESP, s.SysenterESP)
	c.put64(l.sysenterEIP, s.SysenterEIP)
	c.put64(l.tscAux, s.TSCAux)
	c.put32(l.hflags, c.get32(l.hflags)&^hfKnown|hiddenFlags(s))
	c.publish(s)
}

// translating is what the TLB was filled under, beside the PDPTEs.
type translating struct {
	cr0, cr3, cr4, efer uint64
	pkru                uint32
}

const cr0Paging = 1 | 1<<16 | 1<<31 // PE, WP, PG

func (c *CPU) translating() translating {
	l := c.library.layout
	return translating{c.get64(l.cr) & cr0Paging, c.get64(l.cr + 24), c.get64(l.cr + 32), c.get64(l.efer), c.get32(l.pkru)}
}

func (c *CPU) pdpte() (out [4]uint64) {
	for i := range out {
		out[i] = uint64(c.e.pdpte[i])
	}
	return out
}

// publish tells the MMU, which reads these on every miss, and the next run.
func (c *CPU) publish(s *x86.State) {
	c.e.cr0, c.e.cr3, c.e.cr4, c.e.efer = C.uint64_t(s.CR0), C.uint64_t(s.CR3), C.uint64_t(s.CR4), C.uint64_t(s.EFER)
	for i, v := range s.PDPTE {
		c.e.pdpte[i] = C.uint64_t(v)
	}
	c.e.tables[0] = C.struct_range{begin: C.uint64_t(s.GDTR.Base), size: C.uint64_t(s.GDTR.Limit) + 1}
	c.e.tables[1] = C.struct_range{}
	if !s.LDTR.Null() {
		c.e.tables[1] = C.struct_range{begin: C.uint64_t(s.LDTR.Base), size: C.uint64_t(s.LDTR.Limit) + 1}
	}
	c.e.state_changed = 1
	c.e.bits = 16
	if cs := &s.Seg[x86.CS]; s.EFER&(1<<10) != 0 && cs.Attr&attrL != 0 {
		c.e.bits = 64
	} else if cs.Attr&attrB != 0 {
		c.e.bits = 32
	}
}

func hiddenFlags(s *x86.State) uint32 {
	cs, ss := &s.Seg[x86.CS], &s.Seg[x86.SS]
	var f uint32
	if s.CR0&1 != 0 {
		f |= hfPE | uint32(cs.Selector)&hfCPL
	}
	if s.Shadow != x86.ShadowNone {
		f |= hfInhibit
	}
	if ss.Attr&attrB != 0 {
		f |= hfSS32
	}
	switch {
	case s.EFER&(1<<10) != 0 && cs.Attr&attrL != 0:
		f |= hfCS64 | hfCS32 | hfSS32
	case cs.Attr&attrB != 0:
		f |= hfCS32
		if s.Seg[x86.DS].Base|s.Seg[x86.ES].Base|ss.Base != 0 {
			f |= hfAddSeg
		}
	default:
		f |= hfAddSeg
	}
	f |= uint32(s.CR0) << 8 & hfMPEMTS
	if s.EFER&(1<<10) != 0 {
		f |= hfLMA
	}
	if s.CR4&cr4OSFXSR != 0 {
		f |= hfOSFXSR
	}
	if s.CR4&cr4SMAP != 0 {
		f |= hfSMAP
	}
	return f
}
