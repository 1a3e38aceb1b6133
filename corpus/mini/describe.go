// SPDX-License-Identifier: GPL-2.0-or-later

package mini

import (
	"slices"

	"github.com/uklemu/uklemu/asm"
)

// typed are variables whose type is told, where the sources have them: those
// that one looks at in a debugger.
var typed = []struct{ name, of string }{
	{"init_task", "task_struct"}, {"init_mm", "mm_struct"}, {"cpu_tss_rw", "tss_struct"}, {"gdt_page", "gdt_page"},
}

// describe adds what debuggers and the model read.
func (x *image) describe(code *asm.Code, p *program, t *types) {
	var variables []variable
	for _, v := range typed {
		if address, ok := code.Labels[v.name]; ok {
			variables = append(variables, variable{v.name, t.byName["struct "+v.of], address})
		}
	}
	if address, ok := code.Labels["current_task"]; ok {
		variables = append(variables, variable{"current_task", t.pointer(t.byName["struct task_struct"]), address})
	}
	var ranges []span
	for _, s := range x.sections {
		if s.flags&flagExecute != 0 && s.size > 0 {
			ranges = append(ranges, span{s.address, s.size})
		}
	}
	x.sections = append(x.sections,
		section{name: ".BTF", typ: typeProgram, bytes: t.btf(), align: 4},
		section{name: ".debug_info", typ: typeProgram, bytes: t.debugInfo(variables), align: 1},
		section{name: ".debug_abbrev", typ: typeProgram, bytes: abbreviations(), align: 1},
		section{name: ".debug_line", typ: typeProgram, bytes: x.lineSection(code, p), align: 1},
		section{name: ".debug_rnglists", typ: typeProgram, bytes: rangeLists(ranges), align: 1},
	)
	at := 1 + len(x.sections)
	x.sections = slices.Concat(x.sections, symbolSections(x.symbols(code), p.files, at))
}
