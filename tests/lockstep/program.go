// SPDX-License-Identifier: GPL-2.0-or-later

package lockstep

import (
	"fmt"
	"strconv"
	"strings"
)

// Program is a list of cases. Its source is GNU as, with the names of
// payload/layout.inc, so that a case in a report can be read.
type Program struct {
	Seed  uint64
	Cases []Case
}

// Case is a state and a few instructions. Values are expressions of the
// assembler.
type Case struct {
	User      bool // CPL 3
	SecondIDT bool
	RIP       string // its first instruction, if it is not in Text
	RFLAGS    uint64
	CR0, CR4  uint64 // exclusive-or, with what is usual
	EFER      uint64
	GPR       [16]string
	DR        [5]string // DR0 to DR3, DR7
	FSBase    string
	GSBase    string
	KGSBase   string
	RSP0      string
	Text      []string
	// KnownInSteps is the defect that QEMU may have here when it is stepped:
	// one of KnownDefects, or "".
	KnownInSteps string
}

const programHead = `# Generated.
.include "layout.inc"
.macro undefined mask
.pushsection .undefined
.quad 7000f, \mask
.popsection
7000:
.endm
.section .casetable, "a"
.globl case_table, case_table_end
case_table:
.section .cases, "ax"
.globl cases_start, cases_end
cases_start:
`

const programFoot = `cases_end:
.skip 16, 0xcc
.section .casetable
case_table_end:
`

// Source is the program as text for GNU as.
func (p *Program) Source() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# Seed %d, %d cases.\n%s", p.Seed, len(p.Cases), programHead)
	for i := range p.Cases {
		p.Cases[i].write(&b, i)
	}
	b.WriteString(programFoot)
	return b.String()
}

func (c *Case) write(b *strings.Builder, n int) {
	fmt.Fprintf(b, "case_%d:\n", n)
	for i, line := range c.Text {
		fmt.Fprintf(b, "case_%d_%d: %s\n", n, i, line)
	}
	fmt.Fprintf(b, "case_%d_end: int $vec_done\n", n)

	flags := 0
	rip := c.RIP
	if rip == "" {
		rip = fmt.Sprintf("case_%d", n)
		if c.User {
			rip += " + user_alias"
		}
	}
	if c.User {
		flags |= 1
	}
	if c.SecondIDT {
		flags |= 2
	}
	fmt.Fprintf(b, ".pushsection .casetable\n.quad %s, %d, %#x, %#x, %#x\n", rip, flags, c.RFLAGS, c.CR0, c.CR4)
	list := append(append([]string{}, c.GPR[:]...), c.DR[:]...)
	list = append(list, c.FSBase, c.GSBase, c.KGSBase, c.RSP0, fmt.Sprintf("%#x", c.EFER))
	for i, v := range list {
		if v == "" {
			list[i] = "0"
		}
	}
	fmt.Fprintf(b, ".quad %s\n.fill case_size - 248\n.popsection\n", strings.Join(list, ", "))
}

// breakpointsEnabled are the breakpoints that the case enables at any time.
func (c *Case) breakpointsEnabled() (bits uint64) {
	enable, _ := strconv.ParseUint(c.DR[4], 0, 64)
	for _, line := range c.Text {
		if strings.Contains(line, "%dr7") {
			enable |= 0x80 // the one template that writes DR7
		}
	}
	for n := range 4 {
		if enable>>(2*n)&3 != 0 {
			bits |= 1 << n
		}
	}
	return bits
}

// writesUnaligned says whether the case may write 8 bytes that are not aligned.
func (c *Case) writesUnaligned() bool {
	if strings.HasSuffix(c.GPR[4], "3") { // a stack's
		return true
	}
	for _, line := range c.Text {
		if strings.HasPrefix(line, "sidt") || strings.HasPrefix(line, "sgdt") || strings.Contains(line, "0xffc") || strings.Contains(line, "0xfff") ||
			strings.Contains(line, "+ 1,") {
			return true
		}
	}
	return false
}
