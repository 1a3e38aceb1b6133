// SPDX-License-Identifier: GPL-2.0-or-later

package mini

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// typeKind is what a type is.
type typeKind uint8

const (
	isInt typeKind = iota
	isPointer
	isArray
	isStruct
	isUnion
)

// ctype is a type of C, laid out.
type ctype struct {
	kind     typeKind
	name     string // of a number, structure or union
	size     int
	align    int
	signed   bool
	char     bool
	boolean  bool
	to       *ctype // of a pointer, nil for void; of an array's element
	count    int    // of an array
	members  []member
	declared bool // a structure of which only the name is known
}

// member is a field of a structure. One without a name has fields of its own
// that count as the structure's.
type member struct {
	name   string
	offset int
	of     *ctype
}

// integers are the numbers of C as x86-64 Linux has them (System V psABI 3.1.2).
var integers = []ctype{
	{name: "char", size: 1, signed: true, char: true},
	{name: "_Bool", size: 1, boolean: true},
	{name: "unsigned char", size: 1},
	{name: "short int", size: 2, signed: true},
	{name: "short unsigned int", size: 2},
	{name: "int", size: 4, signed: true},
	{name: "unsigned int", size: 4},
	{name: "long int", size: 8, signed: true},
	{name: "long unsigned int", size: 8},
}

// synonyms are other words for numbers: those of the kernel, and short ones.
var synonyms = map[string]string{
	"u8": "unsigned char", "u16": "short unsigned int", "u32": "unsigned int", "u64": "long unsigned int",
	"unsigned short": "short unsigned int", "long": "long int", "unsigned long": "long unsigned int",
	"pid_t": "int", "bool": "_Bool", "short": "short int", "unsigned": "unsigned int",
}

// types are all types of the guest.
type types struct {
	list   []*ctype // in the order of their first mention
	byName map[string]*ctype
}

// layOut lays structures out by the rules of the psABI: every field at the next
// multiple of its alignment, the whole a multiple of the greatest.
func layOut(list []structure) (*types, error) {
	t := &types{byName: map[string]*ctype{}}
	for _, one := range integers {
		one.align = one.size
		t.add(one.name, &one)
	}
	for _, s := range list {
		if err := t.define(s); err != nil {
			return nil, fmt.Errorf("struct %s: %w", s.name, err)
		}
	}
	return t, nil
}

func (t *types) add(key string, c *ctype) *ctype {
	t.list = append(t.list, c)
	t.byName[key] = c
	return c
}

func (t *types) define(s structure) error {
	c := t.record(s.name)
	if c.kind = isStruct; s.union {
		c.kind = isUnion
	}
	if !c.declared {
		return fmt.Errorf("it is there twice")
	}
	c.declared, c.align = false, 1
	for i, line := range strings.Split(strings.TrimSpace(s.fields), "\n") {
		for _, declaration := range strings.Split(strings.TrimSpace(line), ";") {
			if declaration = strings.TrimSpace(declaration); declaration == "" {
				continue
			}
			name, of, err := t.field(declaration)
			if err != nil {
				return fmt.Errorf("line %d: %w", i+1, err)
			}
			c.place(name, of, s)
		}
	}
	if s.align != 0 {
		c.align = s.align
	}
	c.size = roundUp(c.size, c.align)
	return nil
}

// place puts a field behind the others; in a union, beside them.
func (c *ctype) place(name string, of *ctype, s structure) {
	align := of.align
	if s.packed {
		align = 1
	}
	c.align = max(c.align, align)
	at := roundUp(c.size, align)
	if s.union {
		at = 0
	}
	c.members = append(c.members, member{name, at, of})
	c.size = max(c.size, at+of.size)
}

func roundUp(n, to int) int { return (n + to - 1) / to * to }

// record is a structure that may not have been defined yet.
func (t *types) record(name string) *ctype {
	if c := t.byName["struct "+name]; c != nil {
		return c
	}
	return t.add("struct "+name, &ctype{kind: isStruct, name: name, declared: true})
}

// field reads "unsigned long sp", "struct mm_struct *mm", "u64 ist[7]". One that
// is only "struct x" has no name.
func (t *types) field(declaration string) (string, *ctype, error) {
	declaration, count, isArrayed := strings.Cut(strings.TrimSuffix(declaration, "]"), "[")
	words := strings.Fields(strings.ReplaceAll(declaration, "*", " * "))
	name := ""
	if n := len(words); n > 2 || n == 2 && words[0] != "struct" {
		name, words = words[n-1], words[:n-1]
	}
	if name == "" && (len(words) != 2 || words[0] != "struct") {
		return "", nil, fmt.Errorf("%q is not a type and a name", declaration)
	}
	stars := 0
	for ; len(words) > 0 && words[len(words)-1] == "*"; words = words[:len(words)-1] {
		stars++
	}
	of, err := t.named(words, stars > 0)
	if err != nil {
		return "", nil, fmt.Errorf("%q: %w", declaration, err)
	}
	for range stars {
		of = t.pointer(of)
	}
	if isArrayed {
		n, err := strconv.Atoi(count)
		if err != nil {
			return "", nil, fmt.Errorf("%q: %w", declaration, err)
		}
		of = t.array(of, n)
	}
	return name, of, nil
}

func (t *types) named(words []string, pointedAt bool) (*ctype, error) {
	text := strings.Join(words, " ")
	switch {
	case text == "void" && pointedAt:
		return nil, nil
	case len(words) == 2 && words[0] == "struct":
		c := t.record(words[1])
		if c.declared && !pointedAt {
			return nil, fmt.Errorf("struct %s comes later or not at all", words[1])
		}
		return c, nil
	}
	if synonym := synonyms[text]; synonym != "" {
		text = synonym
	}
	if c := t.byName[text]; c != nil {
		return c, nil
	}
	return nil, fmt.Errorf("there is no type %q", text)
}

func (t *types) pointer(to *ctype) *ctype {
	key := "*" + fmt.Sprintf("%p", to)
	if c := t.byName[key]; c != nil {
		return c
	}
	return t.add(key, &ctype{kind: isPointer, size: 8, align: 8, to: to})
}

func (t *types) array(of *ctype, n int) *ctype {
	key := fmt.Sprintf("%p[%d]", of, n)
	if c := t.byName[key]; c != nil {
		return c
	}
	return t.add(key, &ctype{kind: isArray, size: of.size * n, align: of.align, to: of, count: n})
}

// offsets are the constants that the sources have of the structures:
// "pt_regs.ip", "rt_sigframe.uc.uc_mcontext.ip", "sizeof.pt_regs".
func (t *types) offsets() map[string]uint64 {
	all := map[string]uint64{}
	for _, c := range t.list {
		if (c.kind == isStruct || c.kind == isUnion) && !c.declared {
			all["sizeof."+c.name] = uint64(c.size)
			c.eachField(func(path []string, offset int) { all[c.name+"."+strings.Join(path, ".")] = uint64(offset) })
		}
	}
	return all
}

// eachField visits the fields, and the fields of fields.
func (c *ctype) eachField(visit func(path []string, offset int)) {
	for _, m := range c.members {
		if m.name != "" {
			visit([]string{m.name}, m.offset)
		}
		m.of.eachField(func(path []string, offset int) {
			if m.name != "" {
				path = slices.Concat([]string{m.name}, path)
			}
			visit(path, m.offset+offset)
		})
	}
}
