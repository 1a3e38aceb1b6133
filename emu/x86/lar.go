// SPDX-License-Identifier: GPL-2.0-or-later

package x86

// What LAR and LSL take of system segments and gates, by type (SDM vol. 2A,
// LAR, table 3-53; LSL, table 3-57): in IA-32e mode and outside it.
const (
	larWide   = 1<<TypeLDT | 1<<TypeTSSAvailable | 1<<TypeTSSBusy | 1<<TypeCallGate
	larLegacy = larWide | 1<<TypeTSS16Available | 1<<TypeTSS16Busy | 1<<4 | 1<<TypeTaskGate
	lslWide   = 1<<TypeLDT | 1<<TypeTSSAvailable | 1<<TypeTSSBusy
	lslLegacy = lslWide | 1<<TypeTSS16Available | 1<<TypeTSS16Busy
)

// LAR gives the access rights of the descriptor that a selector names; not ok
// where it may not be seen, which clears ZF.
func LAR(s *State, m Memory, selector uint16) (rights uint32, ok bool, e *Exception) {
	d, ok, e := s.visible(m, selector, larWide, larLegacy)
	return d.High & attrMask, ok, e
}

// LSL gives its limit, in bytes.
func LSL(s *State, m Memory, selector uint16) (limit uint32, ok bool, e *Exception) {
	d, ok, e := s.visible(m, selector, lslWide, lslLegacy)
	return d.Limit(), ok, e
}

func (s *State) visible(m Memory, selector uint16, wide, legacy uint32) (Descriptor, bool, *Exception) {
	if s.CR0&CR0PE == 0 {
		return Descriptor{}, false, raiseUD()
	}
	if nullSelector(selector) {
		return Descriptor{}, false, nil
	}
	l := linear{s: s, m: m}
	d, ok, e := l.descriptor(selector)
	if e != nil || !ok {
		return Descriptor{}, false, e
	}
	if d.High&AttrS == 0 {
		types := legacy
		if s.LongMode() {
			types = wide
		}
		ok = types>>(d.High>>8&15)&1 != 0
	}
	if !(d.Code() && d.Conforming()) && (d.DPL() < s.CPL() || d.DPL() < int(selector&3)) {
		ok = false
	}
	return d, ok, nil
}
