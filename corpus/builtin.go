// SPDX-License-Identifier: GPL-2.0-or-later

package corpus

import (
	"errors"
	"fmt"
	"strings"

	"github.com/uklemu/uklemu/corpus/mini"
)

// miniName is the one builtin guest.
const miniName = "mini"

// miniLine is its command line: a panic ends the run.
const miniLine = "console=ttyS0 panic=-1"

// builtin is the mini guest as "uklemu guests" lists it: with all that it can
// be given.
func builtin() Guest {
	g := variant(mini.Options{})
	g.Options, g.Defects = mini.OptionNames(), mini.DefectNames()
	return g
}

// variant is the guest with the options given.
func variant(o mini.Options) Guest {
	return Guest{
		Name: miniName, Kind: KindBuiltin, Kernel: mini.Release, Options: o.Names(), Defects: o.Defects,
		Applications: []string{"tour"}, Append: miniLine, Hash: mini.Hash(o),
	}
}

// findBuiltin is for what stands behind "builtin:". The guest is made if need
// be.
func findBuiltin(name, rest string) (Image, error) {
	base, words, _ := strings.Cut(rest, ",")
	if base != miniName {
		guests, _ := built()
		return Image{}, fmt.Errorf("%w: %s%s: the builtin guest is %s%s; %s", ErrUnknownGuest, builtinPrefix, base, builtinPrefix, miniName, available(guests))
	}
	o, err := mini.Parse(words)
	if err != nil {
		return Image{}, fmt.Errorf("%w: %s: %w", ErrUnknownGuest, name, err)
	}
	path, err := mini.File(o)
	switch {
	case errors.Is(err, mini.ErrOptions):
		return Image{}, fmt.Errorf("%w: %s: %w", ErrUnknownGuest, name, err)
	case err != nil:
		return Image{}, err
	}
	g := variant(o)
	g.Vmlinux = path
	return Image{Name: name, Path: path, Guest: &g}, nil
}
