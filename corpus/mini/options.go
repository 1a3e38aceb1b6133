// SPDX-License-Identifier: GPL-2.0-or-later

package mini

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Options say which of its variants the guest is. The zero value is UKL as
// docs/ukl-kernel.md has it, without any option.
type Options struct {
	UseRet    bool // returns by POPFQ, STI, RET instead of IRET
	ISTPF     bool // #PF on a stack of its own
	SameStack bool // system calls stay on the application's stack
	Bypass    bool // a short way into a system call and out of it
	Stock     bool // nothing of UKL: the application runs at CPL 3, by SYSCALL
	KML       bool // nothing of UKL but the application at CPL 0, by CALL
	Defects   []string
}

// option is one as people name it.
type option struct {
	name, text string
	of         func(*Options) *bool
}

// options are in the order in which they are named.
var options = []option{
	{"use_ret", "returns to the application by POPFQ, STI and RET instead of IRET", func(o *Options) *bool { return &o.UseRet }},
	{"ist_pf", "page faults on a stack of their own, instead of double faults on the application's", func(o *Options) *bool { return &o.ISTPF }},
	{"same_stack", "system calls run on the application's stack", func(o *Options) *bool { return &o.SameStack }},
	{"bypass", "a short way into the simplest system calls and out of them", func(o *Options) *bool { return &o.Bypass }},
	{"stock", "nothing of UKL: the application runs at CPL 3 and makes its calls by SYSCALL", func(o *Options) *bool { return &o.Stock }},
	{"kml", "nothing of UKL, but the application runs at CPL 0 and makes its calls by CALL", func(o *Options) *bool { return &o.KML }},
}

// ErrOptions is what the error wraps when options or defects are not to be had.
var ErrOptions = errors.New("no such variant of builtin:mini")

const defectPrefix = "defect="

// OptionNames are all options, in their order.
func OptionNames() []string {
	names := make([]string, len(options))
	for i, o := range options {
		names[i] = o.name
	}
	return names
}

// Describe is an option's line in the manual, "" for one that there is not.
func Describe(name string) string {
	for _, o := range options {
		if o.name == name {
			return o.text
		}
	}
	return ""
}

// Parse reads "use_ret,same_stack,defect=NAME", what stands behind
// "builtin:mini,". The error wraps [ErrOptions] and says what would be accepted.
func Parse(text string) (Options, error) {
	var o Options
	if text == "" {
		return o, nil
	}
	for _, word := range strings.Split(text, ",") {
		if name, ok := strings.CutPrefix(word, defectPrefix); ok {
			o.Defects = append(o.Defects, name)
			continue
		}
		i := slices.IndexFunc(options, func(known option) bool { return known.name == word })
		if i < 0 {
			return Options{}, unknownOption(word)
		}
		*options[i].of(&o) = true
	}
	return o, o.Check()
}

func unknownOption(word string) error {
	hint := ""
	switch near := nearest(word, OptionNames()); {
	case near != "":
		hint = fmt.Sprintf("; did you mean %s?", near)
	case nearest(word, DefectNames()) == word:
		hint = fmt.Sprintf("; a defect is named as %s%s", defectPrefix, word)
	}
	return fmt.Errorf("%w: there is no option %q; accepted: %s, and %sNAME%s", ErrOptions, word, strings.Join(OptionNames(), ", "), defectPrefix, hint)
}

// Check says whether these make sense together. The error wraps [ErrOptions].
func (o Options) Check() error {
	if o.Stock && o.KML {
		return fmt.Errorf("%w: stock and kml: the application runs at CPL 3 in one and at CPL 0 in the other", ErrOptions)
	}
	if !o.UKL() {
		for _, name := range o.Names() {
			if name != "stock" && name != "kml" {
				return fmt.Errorf("%w: %s is an option of UKL, and %s has nothing of UKL", ErrOptions, name, o.base())
			}
		}
	}
	for i, name := range o.Defects {
		d, ok := FindDefect(name)
		if !ok {
			return unknownDefect(name)
		}
		if slices.Contains(o.Defects[:i], name) {
			return fmt.Errorf("%w: %s%s is there twice", ErrOptions, defectPrefix, name)
		}
		if err := d.Fits(o); err != nil {
			return err
		}
	}
	return nil
}

// UKL says whether the guest has Unikernel Linux at all.
func (o Options) UKL() bool { return !o.Stock && !o.KML }

func (o Options) base() string {
	switch {
	case o.Stock:
		return "stock"
	case o.KML:
		return "kml"
	}
	return "ukl"
}

// Names are the options that are on, without the defects.
func (o Options) Names() []string {
	names := []string{}
	for _, known := range options {
		if *known.of(&o) {
			names = append(names, known.name)
		}
	}
	return names
}

// String is what Parse reads, in the order of the tables.
func (o Options) String() string {
	words := o.Names()
	for _, d := range defects {
		if slices.Contains(o.Defects, d.Name) {
			words = append(words, defectPrefix+d.Name)
		}
	}
	return strings.Join(words, ",")
}

// Variants are all the combinations of options that make sense, without
// defects.
func Variants() []Options {
	var all []Options
	for bits := range 1 << len(options) {
		var o Options
		for i, known := range options {
			*known.of(&o) = bits>>i&1 != 0
		}
		if o.Check() == nil {
			all = append(all, o)
		}
	}
	return all
}
