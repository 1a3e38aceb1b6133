// SPDX-License-Identifier: GPL-2.0-or-later

package lockstep

import "fmt"

// CompareLogs compares what two machines logged of the same payload, case by
// case, and within a case up to the first difference.
func CompareLogs(p *Payload, a, b Log) *Report {
	r := &Report{}
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
	known := p.Program.Cases[n].Known
	for i := range max(len(a), len(b)) {
		where := fmt.Sprintf("event %d", i)
		if i >= len(a) || i >= len(b) {
			r.add(Difference{Case: n, Where: where,
				Fields: []Field{{"number of events", uint64(len(a)), uint64(len(b))}}}, known)
			return
		}
		if a[i].Event() != EventState {
			r.Events++
		}
		if fields := compareRecords(p, a[i], b[i]); len(fields) > 0 {
			where = fmt.Sprintf("%s (vector %#x at %#x)", where, a[i].Event(), a[i].RIP())
			r.add(Difference{Case: n, Where: where, Fields: fields}, known)
			return
		}
	}
}

func compareRecords(p *Payload, a, b Record) (fields []Field) {
	for i := range a {
		var mask uint64
		if a.Event() != EventState {
			mask = recordMask(p, a, i)
		}
		if (a[i]^b[i])&^mask != 0 {
			fields = append(fields, Field{a.field(i), a[i], b[i]})
		}
	}
	return fields
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
