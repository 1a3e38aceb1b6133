// SPDX-License-Identifier: GPL-2.0-or-later

package mini

import "github.com/uklemu/uklemu/asm"

// describe adds what debuggers and the model read.
func (x *executable) describe(code *asm.Code, p *program, t *types) {
	list := x.symbols(code)
	at := 1 + len(x.sections)
	x.sections = append(x.sections, symbolSections(list, p.files, at)...)
}
