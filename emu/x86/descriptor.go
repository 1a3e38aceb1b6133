// SPDX-License-Identifier: GPL-2.0-or-later

package x86

// Bits of Segment.Attr, where the second doubleword of a descriptor has them
// (SDM vol. 3A, figure 3-8; the type field of code and data, table 3-1).
const (
	AttrAccessed   = 1 << 8
	AttrWritable   = 1 << 9  // of data
	AttrReadable   = 1 << 9  // of code
	AttrExpandDown = 1 << 10 // of data
	AttrConforming = 1 << 10 // of code
	AttrCode       = 1 << 11
	AttrS          = 1 << 12 // code or data, not system
	AttrDPL        = 3 << 13
	AttrP          = 1 << 15
	AttrAVL        = 1 << 20
	AttrL          = 1 << 21
	AttrDB         = 1 << 22
	AttrG          = 1 << 23

	attrMask = 0x00f0ff00
)

// Types of system descriptors (SDM vol. 3A, table 3-2). The 32-bit types are
// the 64-bit ones in IA-32e mode.
const (
	TypeTSS16Available = 1
	TypeLDT            = 2
	TypeTSS16Busy      = 3
	TypeTaskGate       = 5
	TypeTSSAvailable   = 9
	TypeTSSBusy        = 11
	TypeCallGate       = 12
	TypeInterruptGate  = 14
	TypeTrapGate       = 15
)

// Type is the type field: for code and data table 3-1's, else table 3-2's.
func (g Segment) Type() int { return int(g.Attr >> 8 & 15) }

// DPL is the descriptor privilege level.
func (g Segment) DPL() int { return int(g.Attr >> 13 & 3) }

// Null says whether the register holds a null selector or was never usable.
func (g Segment) Null() bool { return g.Attr&AttrP == 0 }

// holds says whether the n bytes from an offset are inside the limit (SDM
// vol. 3A 6.3). Not for 64-bit mode, which has no limits.
func (g Segment) holds(offset uint32, n int) bool {
	last := uint64(offset) + uint64(n) - 1
	if g.Attr&(AttrCode|AttrExpandDown) != AttrExpandDown {
		return last <= uint64(g.Limit)
	}
	top := uint64(0xffff)
	if g.Attr&AttrDB != 0 {
		top = 0xffffffff
	}
	return uint64(offset) > uint64(g.Limit) && last <= top
}

// Descriptor is one entry of the GDT or an LDT, as two doublewords.
type Descriptor struct {
	Low, High uint32
	Address   uint64 // linear, of its first byte
}

// Attr holds the attributes as Segment has them.
func (d Descriptor) Attr() uint32 { return d.High & attrMask }

// DPL is the descriptor privilege level.
func (d Descriptor) DPL() int { return int(d.High >> 13 & 3) }

// Present is bit P.
func (d Descriptor) Present() bool { return d.High&AttrP != 0 }

// Code says whether it describes a code segment.
func (d Descriptor) Code() bool { return d.High&(AttrS|AttrCode) == AttrS|AttrCode }

// Conforming says whether a code segment is conforming.
func (d Descriptor) Conforming() bool { return d.High&AttrConforming != 0 }

// WritableData says whether it describes a writable data segment, as SS
// must be.
func (d Descriptor) WritableData() bool {
	return d.High&(AttrS|AttrCode|AttrWritable) == AttrS|AttrWritable
}

// Base is the 32-bit base.
func (d Descriptor) Base() uint32 {
	return d.Low>>16 | d.High&0xff<<16 | d.High&0xff000000
}

// Limit is the limit in bytes, granularity applied.
func (d Descriptor) Limit() uint32 {
	limit := d.Low&0xffff | d.High&0xf0000
	if d.High&AttrG != 0 {
		return limit<<12 | 0xfff
	}
	return limit
}

// Segment is what a segment register holds when it is loaded with the
// descriptor by the selector.
func (d Descriptor) Segment(selector uint16) Segment {
	return Segment{Selector: selector, Base: uint64(d.Base()), Limit: d.Limit(), Attr: d.Attr() | AttrAccessed}
}

// nullSegment is SS after a null selector with that RPL was loaded. Bits
// 13 and 14 keep the CPL, as the hidden part of SS does on every CPU.
func nullSegment(selector uint16) Segment {
	return Segment{Selector: selector, Attr: uint32(selector&3) << 13}
}

func nullSelector(selector uint16) bool { return selector&^3 == 0 }

// Gate is an entry of the IDT, 8 bytes long or 16 (SDM vol. 3A, figures 7-2
// and 7-8).
type Gate struct {
	Selector uint16
	Offset   uint64
	IST      int // 0 but in IA-32e mode
	Type     int
	DPL      int
	S        bool // must be clear
	Present  bool
	Reserved bool // the type field of the upper half isn't 0 (16 bytes only)
}

// DecodeGate reads a gate of 8 or 16 bytes; fewer give a gate that isn't
// present and has no valid type.
func DecodeGate(p []byte) Gate {
	if len(p) < 8 {
		return Gate{}
	}
	low, high := getUint(p[:4]), getUint(p[4:8])
	g := Gate{
		Selector: uint16(low >> 16),
		Offset:   low&0xffff | high&0xffff0000,
		Type:     int(high >> 8 & 15),
		DPL:      int(high >> 13 & 3),
		S:        high&AttrS != 0,
		Present:  high&AttrP != 0,
	}
	if len(p) < 16 {
		return g
	}
	g.IST = int(high & 7)
	g.Offset |= getUint(p[8:12]) << 32
	g.Reserved = getUint(p[12:16])&0x1f00 != 0
	return g
}

// SystemSegment is a TSS or LDT descriptor, of 8 bytes or 16 (SDM vol. 3A,
// figure 9-4), as LTR and LLDT load it.
func SystemSegment(selector uint16, p []byte) Segment {
	if len(p) < 8 {
		return Segment{Selector: selector}
	}
	d := Descriptor{Low: uint32(getUint(p[:4])), High: uint32(getUint(p[4:8]))}
	g := Segment{Selector: selector, Base: uint64(d.Base()), Limit: d.Limit(), Attr: d.Attr()}
	if len(p) >= 16 {
		g.Base |= getUint(p[8:12]) << 32
	}
	return g
}
