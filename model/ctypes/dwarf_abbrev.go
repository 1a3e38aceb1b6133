// SPDX-License-Identifier: GPL-2.0-or-later

package ctypes

// abbreviation says which attributes an entry of .debug_info has (DWARF 5,
// 7.5.3).
type abbreviation struct {
	tag        uint64
	children   bool
	attributes []attribute
	fixed      int // size of all attributes, -1 if it depends
	sibling    bool
}

type attribute struct {
	name, form uint16
	size       int // what formSize says
	implicit   int64
}

// abbreviations are those of a unit. Compilers number them from 1.
type abbreviations struct {
	dense  []abbreviation // [code-1]
	sparse map[uint64]abbreviation
	length int // in .debug_abbrev
}

// attributesMost bounds what one table may have: compilers need some thousands.
const attributesMost = 1 << 18

func (a *abbreviations) find(code uint64) *abbreviation {
	if code-1 < uint64(len(a.dense)) {
		return &a.dense[code-1]
	}
	if found, ok := a.sparse[code]; ok {
		return &found
	}
	return nil
}

// readAbbreviations reads the table at the start of b. One that is cut short
// has what there is of it.
func (u *unitHeader) readAbbreviations(b []byte) *abbreviations {
	c := cursor{b: b}
	table := &abbreviations{}
	defer func() { table.length = c.at }()
	for attributes := 0; ; {
		code := c.uleb()
		if code == 0 || c.failed {
			return table
		}
		a := abbreviation{tag: c.uleb(), children: c.u8() != 0}
		for {
			name, form := c.uleb(), c.uleb()
			if attributes++; c.failed || attributes > attributesMost {
				return table
			}
			at := attribute{name: uint16(min(name, 0xffff)), form: uint16(min(form, 0xffff))}
			if form == formImplicitConst {
				at.implicit = c.sleb()
			}
			if name == 0 && form == 0 {
				break
			}
			at.size = u.formSize(at.form)
			if at.size < 0 {
				a.fixed = -1
			} else if a.fixed >= 0 {
				a.fixed += at.size
			}
			a.sibling = a.sibling || at.name == attrSibling
			a.attributes = append(a.attributes, at)
		}
		switch {
		case code == uint64(len(table.dense))+1:
			table.dense = append(table.dense, a)
		default:
			if table.sparse == nil {
				table.sparse = make(map[uint64]abbreviation)
			}
			table.sparse[code] = a
		}
	}
}
