// SPDX-License-Identifier: GPL-2.0-or-later

package corpus

import (
	"fmt"
	"slices"
	"strings"
)

// Image is what an image's name on the command line stands for.
type Image struct {
	Name string // as it was given
	Path string // the ELF file, or whatever file was named
	// Guest is what goes along with it, nil for a plain file.
	Guest *Guest
}

const (
	guestPrefix   = "guest:"
	builtinPrefix = "builtin:"
)

// Find resolves the name of an image: "guest:NAME[,option...]" for a built
// guest, "builtin:mini[,option...][,defect=NAME...]" for the one that is made
// when it is asked for, anything else for a file. Whether a file is there is
// not looked at; a file whose name begins like a guest's can be written
// "./guest:x". The error wraps ErrUnknownGuest or ErrDamagedGuest, or says why
// the builtin guest can't be made.
func Find(name string) (Image, error) {
	if rest, ok := strings.CutPrefix(name, builtinPrefix); ok {
		return findBuiltin(name, rest)
	}
	rest, ok := strings.CutPrefix(name, guestPrefix)
	if !ok {
		return Image{Name: name, Path: name}, nil
	}
	guests, damaged := built()
	fields := strings.Split(rest, ",")
	g, err := choose(guests, fields[0], fields[1:])
	if err != nil {
		if damaged != nil {
			err = fmt.Errorf("%w\n%w", err, damaged)
		}
		return Image{}, err
	}
	return Image{Name: name, Path: g.Vmlinux, Guest: &g}, nil
}

// choose finds the guest of that name with all the options, and with the
// fewest others.
func choose(guests []Guest, name string, options []string) (Guest, error) {
	var fit []Guest
	known := false
	for _, g := range guests {
		if g.Name != name {
			continue
		}
		known = true
		if !slices.ContainsFunc(options, func(o string) bool { return !slices.Contains(g.Options, o) }) {
			fit = append(fit, g)
		}
	}
	switch {
	case !known:
		return Guest{}, fmt.Errorf("%w: %s%s: %s", ErrUnknownGuest, guestPrefix, name, available(guests))
	case len(fit) == 0:
		return Guest{}, fmt.Errorf("%w: %s%s is not built with %s: %s", ErrUnknownGuest, guestPrefix, name, strings.Join(options, ","), available(guests))
	}
	return slices.MinFunc(fit, func(a, b Guest) int { return len(a.Options) - len(b.Options) }), nil
}

// Image is what [Find] takes for the guest, with all the options that it is built
// with. The builtin guest has those that one gives it.
func (g Guest) Image() string {
	if g.Kind == KindBuiltin {
		return builtinPrefix + g.Name
	}
	return strings.Join(append([]string{guestPrefix + g.Name}, g.Options...), ",")
}

// available says what could have been named.
func available(guests []Guest) string {
	if len(guests) == 0 {
		return "no guests are built yet; in a checkout of uklemu, make guests builds them"
	}
	names := make([]string, len(guests))
	for i, g := range guests {
		names[i] = g.Image()
	}
	return "there are " + strings.Join(names, " ")
}
