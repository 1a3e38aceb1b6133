// SPDX-License-Identifier: GPL-2.0-or-later

package mini

import (
	"fmt"
	"slices"
	"strings"
)

// Defect is a mistake that can be switched on.
type Defect struct {
	ID   string // in the catalogue of docs/mini.md: M-1, H-1
	Name string // "entry-irqs-on"
	Text string // what is wrong then, one line
	// With are options one of which has to be on; without any, it is about
	// all variants that have UKL.
	With []string
	// Without are options with which it makes no sense.
	Without []string
}

// Defects are all, in the order of the catalogue.
func Defects() []Defect { return slices.Clone(defects) }

// DefectNames are their names.
func DefectNames() []string {
	names := make([]string, len(defects))
	for i, d := range defects {
		names[i] = d.Name
	}
	return names
}

// FindDefect finds one by its name.
func FindDefect(name string) (Defect, bool) {
	i := slices.IndexFunc(defects, func(d Defect) bool { return d.Name == name })
	if i < 0 {
		return Defect{}, false
	}
	return defects[i], true
}

func unknownDefect(name string) error {
	hint := "those that uklemu guests lists"
	if near := nearest(name, DefectNames()); near != "" {
		hint = near + ", for one, or another of " + hint
	}
	for _, d := range defects {
		if strings.EqualFold(d.ID, name) {
			hint = fmt.Sprintf("%s, which is %s", d.Name, d.ID)
		}
	}
	return fmt.Errorf("%w: there is no defect %q; accepted: %s", ErrOptions, name, hint)
}

// Fits says whether the defect can show with these options, its own and other
// defects aside. The error wraps [ErrOptions] and says why not.
func (d Defect) Fits(o Options) error {
	have := o.Names()
	on := func(name string) bool { return slices.Contains(have, name) }
	if i := slices.IndexFunc(d.Without, on); i >= 0 {
		return fmt.Errorf("%w: %s%s makes no sense with %s (%s)", ErrOptions, defectPrefix, d.Name, d.Without[i], d.Text)
	}
	switch {
	case len(d.With) == 0 && !o.UKL():
		return fmt.Errorf("%w: %s%s is a mistake in UKL, and %s has nothing of UKL (%s)", ErrOptions, defectPrefix, d.Name, o.base(), d.Text)
	case len(d.With) > 0 && !slices.ContainsFunc(d.With, func(name string) bool { return on(name) || name == "ukl" && o.UKL() }):
		return fmt.Errorf("%w: %s%s needs %s (%s)", ErrOptions, defectPrefix, d.Name, strings.Join(d.With, " or "), d.Text)
	}
	return nil
}

// Least are the options with which the defect shows that are the fewest.
func (d Defect) Least() Options {
	var best *Options
	for _, o := range Variants() {
		if d.Fits(o) == nil && (best == nil || len(o.Names()) < len(best.Names())) {
			best = &o
		}
	}
	if best == nil {
		return Options{Defects: []string{d.Name}}
	}
	best.Defects = []string{d.Name}
	return *best
}
