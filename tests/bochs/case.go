// SPDX-License-Identifier: GPL-2.0-or-later

package bochs

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strconv"
)

// Word is a number as JSON carries it, in a string: "0xffff800000000000".
type Word uint64

func (w *Word) UnmarshalText(text []byte) error {
	v, err := strconv.ParseUint(string(text), 0, 64)
	*w = Word(v)
	return err
}

func (w Word) MarshalText() ([]byte, error) { return fmt.Appendf(nil, "%#x", uint64(w)), nil }

// Patch is bytes at a physical address.
type Patch struct {
	At    Word
	Bytes []byte
}

// UnmarshalJSON reads ["0x1000", "0f0b"].
func (p *Patch) UnmarshalJSON(b []byte) error {
	var pair [2]string
	if err := json.Unmarshal(b, &pair); err != nil {
		return err
	}
	if err := p.At.UnmarshalText([]byte(pair[0])); err != nil {
		return err
	}
	var err error
	p.Bytes, err = hex.DecodeString(pair[1])
	return err
}

// State is registers by name, as the oracle spells them: numbers, and parts
// of segments and tables.
type State map[string]json.RawMessage

// World is what every case starts from.
type World struct {
	RAM      Word    `json:"ram"`
	Handlers Word    `json:"handlers"` // 16 bytes for each vector
	Land     []Word  `json:"land"`     // where runs stop too
	Kernel   State   `json:"kernel"`
	User     State   `json:"user"`
	Memory   []Patch `json:"memory"`
}

// Case is what differs from the world, and what comes of it.
type Case struct {
	Name   string  `json:"name"`
	Text   string  `json:"text"`
	Code   string  `json:"code"`
	At     Word    `json:"at"` // physical, of the code
	User   bool    `json:"user"`
	Limit  int     `json:"limit"`  // instructions; 0 for defaultLimit
	Oracle string  `json:"oracle"` // "manual", or empty for Bochs
	State  State   `json:"state"`
	Memory []Patch `json:"memory"`
	Then   Outcome `json:"then"`
}

const defaultLimit = 64

// Outcome is how a case ended. Of a shutdown, and where the manual's tables
// are the oracle, Changed is nil, and only the events count.
type Outcome struct {
	Stop    string            `json:"stop"`
	Events  []string          `json:"events"`
	Changed map[string]string `json:"changed"`
	Memory  map[string]string `json:"memory"` // 8-byte words, by physical address
}

// Group is one file of cases.
type Group struct {
	Name  string `json:"group"`
	About string `json:"about"`
	Cases []Case `json:"cases"`
}

// Load reads a folder that golden.py has written.
func Load(folder string) (*World, []Group, error) {
	world := &World{}
	if err := read(filepath.Join(folder, "world.json"), world); err != nil {
		return nil, nil, err
	}
	names, err := filepath.Glob(filepath.Join(folder, "*.json"))
	if err != nil {
		return nil, nil, err
	}
	sort.Strings(names)
	var groups []Group
	for _, name := range names {
		if filepath.Base(name) == "world.json" {
			continue
		}
		var g Group
		if err := read(name, &g); err != nil {
			return nil, nil, err
		}
		groups = append(groups, g)
	}
	return world, groups, nil
}

func read(name string, v any) error {
	text, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, v); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}
