// SPDX-License-Identifier: GPL-2.0-or-later

package asm

import (
	"errors"
	"fmt"
	"slices"
	"sync"
)

// longest is the most bytes that an instruction has (SDM vol. 2A 2.3.11).
const longest = 15

// Assembler says what encodes the instructions. The bytes are the same, but
// for the forms that docs and tests list.
type Assembler uint8

const (
	// Both is Keystone, and GNU as for what Keystone does not know or is known
	// to encode wrongly; GNU as for all where there is no Keystone.
	Both Assembler = iota
	OnlyKeystone
	OnlyGNU
)

// encoder keeps what is encoded: bytes by text. Keystone needs 80 microseconds
// for one instruction, GNU as a process.
type encoder struct {
	which Assembler
	known map[snippet]encoded
}

func newEncoder(which Assembler) *encoder {
	return &encoder{which: which, known: map[snippet]encoded{}}
}

// encode makes sure that all of these are known. The error is that of having
// no assembler; what is wrong with an instruction stands in known.
func (e *encoder) encode(snippets []snippet) error {
	var asked []snippet
	for _, s := range snippets {
		if _, ok := e.known[s]; ok {
			continue
		}
		e.known[s] = encoded{code: fixedEncoding(s)}
		if e.known[s].code == nil {
			asked = append(asked, s)
		}
	}
	if len(asked) == 0 {
		return nil
	}
	left := asked
	noKeystone := errors.New("it was not asked for")
	if e.which != OnlyGNU {
		if _, noKeystone = Keystone(); noKeystone == nil {
			left = e.viaKeystone(asked)
		}
		if e.which == OnlyKeystone {
			return noKeystone
		}
	}
	if len(left) == 0 {
		return nil
	}
	gnu, err := findGNU()
	if err != nil {
		if noKeystone != nil {
			return fmt.Errorf("%w\n%w", err, noKeystone)
		}
		return nil // what Keystone says has to do
	}
	results, err := byGNU(gnu, left)
	if err != nil {
		return err
	}
	for i, s := range left {
		e.known[s] = results[i]
	}
	return nil
}

// viaKeystone returns the ones that are left for GNU as.
func (e *encoder) viaKeystone(snippets []snippet) []snippet {
	var left []snippet
	for _, s := range snippets {
		code, ok := recall(s)
		var err error
		if !ok {
			code, err = keystoneFor(s)
		}
		e.known[s] = encoded{code, err}
		if err != nil {
			left = append(left, s)
		} else if !ok {
			remember(s, code)
		}
	}
	return left
}

// keystoneFor is what Keystone makes of an instruction, put right.
func keystoneFor(s snippet) ([]byte, error) {
	if why := astray(s); why != "" {
		return nil, errors.New(why + "; GNU as would do")
	}
	code, err := byKeystone(forKeystone(s), s.syntax, s.mode)
	switch {
	case err != nil:
		return nil, err
	case betrays(s, code):
		return nil, errors.New("Keystone 0.9.2 makes AVX-512 of it; GNU as would do")
	}
	return mended(s, code), nil
}

// encodings are what Keystone has made of instructions: variants of a program
// have most of theirs in common.
var encodings struct {
	sync.Mutex
	codes map[snippet][]byte // not to be changed
}

// mostRemembered bounds it, at some megabytes.
const mostRemembered = 1 << 15

func recall(s snippet) ([]byte, bool) {
	encodings.Lock()
	defer encodings.Unlock()
	code, ok := encodings.codes[s]
	return code, ok
}

func remember(s snippet, code []byte) {
	encodings.Lock()
	defer encodings.Unlock()
	if encodings.codes == nil || len(encodings.codes) >= mostRemembered {
		encodings.codes = map[snippet][]byte{}
	}
	encodings.codes[s] = slices.Clip(slices.Clone(code))
}
