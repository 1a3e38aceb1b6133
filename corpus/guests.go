// SPDX-License-Identifier: GPL-2.0-or-later

package corpus

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/uklemu/uklemu/internal/cache"
)

// Kinds of guests.
const (
	KindBuiltin = "builtin" // made when it is named, by package mini
	KindBuilt   = "built"   // by "make guests", in the cache folder
)

// Guest is a guest that ships with the project: a kernel with what it needs
// to run.
type Guest struct {
	Name         string   `json:"name"`
	Kind         string   `json:"kind"`
	Kernel       string   `json:"kernel"`       // its release
	Options      []string `json:"options"`      // that it was built with or can be given
	Defects      []string `json:"defects"`      // that it can be given
	Applications []string `json:"applications"` // that are linked into it

	// Files, as paths; those that the guest does not have are "".
	Vmlinux string `json:"vmlinux"`
	BzImage string `json:"bzImage"`
	Initrd  string `json:"initrd"`
	// Append is the kernel's command line.
	Append string `json:"append"`
	// Hash is over all that the guest was made from.
	Hash string `json:"hash"`
}

var (
	// ErrUnknownGuest is for a name that no guest has, or options that no
	// guest of the name has.
	ErrUnknownGuest = errors.New("no such guest")
	// ErrDamagedGuest is for a folder in the cache that is not what "make
	// guests" leaves there.
	ErrDamagedGuest = errors.New("damaged guest in the cache")
)

// descriptionMost bounds guest.json.
const descriptionMost = 1 << 20

// Guests are all that can be named: the builtin one with all the options and
// defects that it can be given, and those that are built, by name. Guests that
// are damaged are left out, and the error, which wraps ErrDamagedGuest, says
// which and why.
func Guests() ([]Guest, error) {
	guests, err := built()
	return append([]Guest{builtin()}, guests...), err
}

// built are the guests in the cache.
func built() ([]Guest, error) {
	folders, err := filepath.Glob(filepath.Join(globQuote(cache.Dir()), "guests", "*", "guest.json"))
	if err != nil {
		return nil, err
	}
	var guests []Guest
	var damaged []error
	for _, description := range folders {
		g, err := readGuest(description)
		if err != nil {
			damaged = append(damaged, fmt.Errorf("%w: %s: %w; make it again with: make guests", ErrDamagedGuest, description, err))
			continue
		}
		guests = append(guests, g)
	}
	slices.SortFunc(guests, func(a, b Guest) int { return strings.Compare(a.Name, b.Name) })
	return guests, errors.Join(damaged...)
}

// globQuote makes a path match only itself.
func globQuote(path string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}

func readGuest(description string) (Guest, error) {
	f, err := os.Open(description)
	if err != nil {
		return Guest{}, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, descriptionMost))
	if err != nil {
		return Guest{}, err
	}
	g := Guest{Kind: KindBuilt}
	if err := json.Unmarshal(b, &g); err != nil {
		return Guest{}, err
	}
	if g.Name == "" || g.Vmlinux == "" {
		return Guest{}, errors.New(`"name" or "vmlinux" is missing`)
	}
	for _, file := range []*string{&g.Vmlinux, &g.BzImage, &g.Initrd} {
		if *file == "" {
			continue
		}
		if !filepath.IsLocal(*file) {
			return Guest{}, fmt.Errorf("%q is not a file in its folder", *file)
		}
		*file = filepath.Join(filepath.Dir(description), *file)
		if _, err := os.Stat(*file); err != nil {
			return Guest{}, err
		}
	}
	return g, nil
}
