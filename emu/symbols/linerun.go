// SPDX-License-Identifier: GPL-2.0-or-later

package symbols

// Opcodes of line programs (DWARF 5, 6.2.5.2 and 6.2.5.3).
const (
	opExtended       = 0
	opCopy           = 1
	opAdvancePC      = 2
	opAdvanceLine    = 3
	opSetFile        = 4
	opConstAddPC     = 8
	opFixedAdvancePC = 9

	opEndSequence = 1
	opSetAddress  = 2
)

// lineState is the state machine's registers, as far as rows need them.
type lineState struct {
	address uint64
	file    uint64
	line    int64
}

// run executes the program. Every opcode takes at least a byte and makes at
// most one row, so the rows are no more than the program's bytes.
func (p *lineProgram) run() []sequence {
	var sequences []sequence
	state, rows := lineState{file: 1, line: 1}, []row(nil)
	ordered := true
	emit := func() {
		if n := len(rows); n > 0 && rows[n-1].address > state.address {
			ordered = false
		}
		p.left.rows--
		rows = append(rows, row{state.address, uint32(state.file), uint32(state.line)})
	}
	c := &p.code
	for len(c.b) > 0 && !c.failed && p.left.rows >= 0 {
		opcode := c.u8()
		switch {
		case opcode >= p.opcodeBase:
			p.special(&state, opcode)
			emit()
		case opcode == opExtended:
			body := cursor{b: c.take(c.uleb())}
			switch body.u8() {
			case opSetAddress:
				state.address = body.u64()
			case opEndSequence:
				if ordered && len(rows) > 0 {
					sequences = append(sequences, sequence{rows[0].address, state.address, p.unit, rows})
				}
				state, rows, ordered = lineState{file: 1, line: 1}, nil, true
			}
		case opcode == opCopy:
			emit()
		default:
			p.standard(&state, opcode)
		}
	}
	return sequences
}

// special advances both address and line (DWARF 5, 6.2.5.1).
func (p *lineProgram) special(s *lineState, opcode uint8) {
	adjusted := opcode - p.opcodeBase
	s.address += uint64(adjusted/p.lineRange) * p.minimum
	s.line += int64(p.lineBase) + int64(adjusted%p.lineRange)
}

func (p *lineProgram) standard(s *lineState, opcode uint8) {
	c := &p.code
	switch opcode {
	case opAdvancePC:
		s.address += c.uleb() * p.minimum
	case opAdvanceLine:
		s.line += c.sleb()
	case opSetFile:
		s.file = c.uleb()
	case opConstAddPC:
		s.address += uint64((255-p.opcodeBase)/p.lineRange) * p.minimum
	case opFixedAdvancePC:
		s.address += uint64(c.u16())
	default:
		// Columns, statement flags and opcodes of the future: skipped by
		// the operand counts of the header.
		for range p.lengths[opcode-1] {
			c.uleb()
		}
	}
}
