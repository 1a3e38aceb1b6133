// SPDX-License-Identifier: GPL-2.0-or-later

package lockstep

import "fmt"

// CompareLogs compares what two machines logged of the same payload, case by
// case, and within a case up to the first difference.
func CompareLogs(p *Payload, a, b Log) *Report {
	r := newReport()
	byCaseA, byCaseB := a.byCase(), b.byCase()
	for n := range p.Program.Cases {
		r.Cases++
		compareCase(r, p, n, byCaseA[n], byCaseB[n])
	}
	return r
}

func (l Log) byCase() map[int]Log {
	m := map[int]Log{}
	for i, from := 0, 0; i < len(l); i++ {
		if i+1 == len(l) || l[i+1].Case() != l[i].Case() {
			m[l[i].Case()] = l[from : i+1]
			from = i + 1
		}
	}
	return m
}

func compareCase(r *Report, p *Payload, n int, a, b Log) {
	for i := range max(len(a), len(b)) {
		where := fmt.Sprintf("event %d", i)
		if i >= len(a) || i >= len(b) {
			r.add(Difference{Case: n, Where: where,
				Fields: []Field{{"number of events", uint64(len(a)), uint64(len(b))}}})
			return
		}
		if a[i].Event() != EventState {
			r.Events++
			r.ByEvent[a[i].Event()]++
		}
		e := &evidence{payload: p, a: a[i], b: b[i]}
		fields := e.compare(r)
		if len(fields) == 0 {
			continue
		}
		where = fmt.Sprintf("%s (vector %#x at %#x)", where, a[i].Event(), a[i].RIP())
		r.add(Difference{Case: n, Where: where, Fields: fields, Known: e.explanation()})
		return
	}
}

// compare lists the fields that differ beyond what the manual leaves open and
// the known defects that change a value.
func (e *evidence) compare(r *Report) (fields []Field) {
	for i := range e.a {
		differ := e.a[i] ^ e.b[i]
		if e.a.Event() != EventState {
			differ &^= recordMask(e.payload, e.a, i)
		}
		for _, k := range KnownDefects {
			if differ == 0 {
				break
			}
			if k.bits == nil {
				continue
			}
			if bits := k.bits(e, i); differ&bits != 0 {
				r.Tolerated[k.Name]++
				differ &^= bits
			}
		}
		if differ != 0 {
			fields = append(fields, Field{e.a.field(i), e.a[i], e.b[i]})
		}
	}
	return fields
}

// explanation is the known defect that parted the machines, or "".
func (e *evidence) explanation() string {
	for _, k := range KnownDefects {
		if k.ends != nil && k.ends(e) {
			return k.Name
		}
	}
	return ""
}

// FlagRF is left out of every comparison. SDM vol. 3B 18.3.1.1 has it set in
// the image that a fault pushes, and in that of an interrupt between two
// iterations of a REP; QEMU's do_interrupt64 pushes what RF was.
const FlagRF = flagRF

// recordMask says which bits of a field the manual leaves open.
func recordMask(p *Payload, r Record, field int) uint64 {
	switch field {
	case fieldRFLAGS:
		return p.undefinedAt(r.RIP()) | FlagRF
	case fieldHandlerRFLAGS:
		return p.undefinedAt(r.RIP())
	case fieldR11:
		if r.Event() == EventSyscall {
			return p.undefinedAt(r.RIP())
		}
	}
	return 0
}
