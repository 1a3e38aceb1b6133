// SPDX-License-Identifier: GPL-2.0-or-later

package lockstep

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"
)

// Generate makes n cases from a seed; the same ones on every machine.
func Generate(seed uint64, n int) *Program {
	p := &Program{Seed: seed}
	for i := range n {
		// A source for every case: case 7 of a seed is the same whatever
		// the templates before it drew.
		g := &generator{Rand: newRand(seed, uint64(i)), number: i}
		p.Cases = append(p.Cases, g.newCase())
	}
	return p
}

// generator is at work on one case.
type generator struct {
	*rand.Rand
	number int
	c      Case
	labels int
}

func newRand(seed, n uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, n)) }

func pick[T any](g *generator, list []T) T { return list[g.IntN(len(list))] }

// oneIn is true once in n times.
func (g *generator) oneIn(n int) bool { return g.IntN(n) == 0 }

func (g *generator) newCase() Case {
	g.c.User = g.oneIn(2)
	g.state()
	for range 1 + g.IntN(5) {
		g.template()
	}
	if g.oneIn(8) {
		g.breakpoints()
	}
	return g.c
}

// state draws what the case begins with: mostly what is usual, each thing
// unusual now and then.
func (g *generator) state() {
	c := &g.c
	for i := range c.GPR {
		c.GPR[i] = g.expand("{imm64}")
	}
	c.RFLAGS = g.flags()
	c.FSBase, c.GSBase, c.KGSBase = pick(g, basePool), pick(g, basePool), pick(g, basePool)
	c.SecondIDT = g.oneIn(6)
	c.GPR[4] = g.stack(c.User)
	c.RSP0 = "rsp0_top"
	if g.oneIn(12) {
		c.RSP0 = pick(g, rsp0Pool)
	}
	if g.oneIn(3) {
		c.CR0 = pick(g, cr0Pool)
	}
	if g.oneIn(3) {
		c.CR4 = pick(g, cr4Pool)
	}
	if g.oneIn(12) {
		c.EFER = pick(g, eferPool)
	}
}

func (g *generator) flags() uint64 {
	f := g.Uint64()&(flagCF|flagPF|flagAF|flagZF|flagSF|flagOF) | 2
	for _, o := range []struct {
		bits uint64
		in   int
	}{{flagIF, 3}, {flagTF, 12}, {flagDF, 16}, {flagAC, 8}, {flagNT, 20}, {flagRF, 20}, {flagID, 10}, {3 << 12, 6}} {
		if g.oneIn(o.in) {
			f |= o.bits
		}
	}
	return f
}

// stack is a usable one, two times in three.
func (g *generator) stack(user bool) string {
	pool, usual := kernelStackPool, "case_stack_top"
	if user {
		pool, usual = userStackPool, "user_rw1 + 0x800"
	}
	if !g.oneIn(3) {
		return usual
	}
	return pick(g, pool)
}

// template adds one of the templates that are for this privilege level.
func (g *generator) template() {
	total := 0
	for i := range templates {
		total += templates[i].chance(g.c.User)
	}
	n := g.IntN(total)
	for i := range templates {
		t := &templates[i]
		if n -= t.chance(g.c.User); n < 0 {
			g.add(t)
			return
		}
	}
}

func (g *generator) add(t *template) {
	g.labels++
	if strings.Contains(t.text, "%dr7;") {
		g.c.KnownInSteps = "step-breakpoint"
	}
	for line := range strings.SplitSeq(t.text, ";") {
		g.c.Text = append(g.c.Text, g.expandWithSetup(strings.TrimSpace(line))...)
	}
	if t.undefined != 0 {
		// The next instruction gives every flag a value again.
		g.c.Text = append(g.c.Text, fmt.Sprintf("undefined %#x", t.undefined), g.expand("cmpq {r}, {r}"))
	}
}

var placeholder = regexp.MustCompile(`\{\w+\}`)

// expandWithSetup expands a line and puts the instructions before it that its
// memory operands need.
func (g *generator) expandWithSetup(line string) []string {
	var before []string
	line = placeholder.ReplaceAllStringFunc(line, func(name string) string {
		if name != "{mem}" && name != "{good}" {
			return g.value(name)
		}
		register, address := pick(g, baseRegisters), pick(g, addressPool)
		if name == "{good}" {
			address = pick(g, goodPool)
		}
		before = append(before, fmt.Sprintf("movabsq $%s, %s", address, register))
		return "(" + register + ")"
	})
	return append(before, line)
}

func (g *generator) expand(line string) string {
	return placeholder.ReplaceAllStringFunc(line, g.value)
}

func (g *generator) value(name string) string {
	switch name {
	case "{imm8}":
		return fmt.Sprint(int8(g.Uint32()))
	case "{imm32}":
		return fmt.Sprint(int32(g.interesting()))
	case "{imm64}":
		return fmt.Sprintf("%#x", g.interesting())
	case "{flags}":
		return fmt.Sprintf("%#x", g.flags())
	case "{here}": // a label of this template
		return fmt.Sprintf("case_%d_label_%d", g.number, g.labels)
	case "{userstack}":
		return g.stack(true)
	case "{kernelstack}":
		return g.stack(false)
	case "{target}":
		return pick(g, targetPool)
	case "{base}":
		return pick(g, basePool)
	}
	if pool, ok := pools[name]; ok {
		return pick(g, pool)
	}
	return name // as refuses it, by name
}

// interesting numbers are where carries, signs and widths end.
func (g *generator) interesting() uint64 {
	switch g.IntN(4) {
	case 0:
		return uint64(g.IntN(256))
	case 1:
		return pick(g, edgeNumbers) + uint64(g.IntN(3)) - 1
	case 2:
		return 1 << g.IntN(64)
	}
	return g.Uint64()
}

// breakpoints sets DR0 to an address that the case may touch or execute, and
// DR1 to one of its instructions.
func (g *generator) breakpoints() {
	c := &g.c
	c.KnownInSteps = "step-breakpoint"
	var dr7 uint64
	c.DR[0] = pick(g, watchPool)
	if g.oneIn(2) {
		const enableG0 = 2
		kind := pick(g, []uint64{1, 3, 3}) // write, read or write
		length := pick(g, []uint64{0, 1, 2, 3})
		dr7 |= enableG0 | kind<<16 | length<<18
	}
	alias := ""
	if c.User {
		alias = " + user_alias"
	}
	c.DR[1] = fmt.Sprintf("case_%d_%d%s", g.number, g.IntN(len(c.Text)), alias)
	if dr7 == 0 || g.oneIn(2) {
		dr7 |= 4 // L1, execute
	}
	if g.oneIn(4) {
		c.DR[2] = fmt.Sprintf("case_%d_end%s", g.number, alias)
		dr7 |= 0x20
	}
	c.DR[4] = fmt.Sprintf("%#x", dr7|0x400)
}
