// SPDX-License-Identifier: GPL-2.0-or-later

package space

import (
	"encoding/json"
	"fmt"
)

// jsonRange is a range as JSON has it. Addresses are text: they don't fit into
// the numbers of most readers.
type jsonRange struct {
	Start    string `json:"start"`
	End      string `json:"end"` // the last address
	Size     uint64 `json:"size"`
	Access   string `json:"access"`
	User     bool   `json:"user"`
	Global   bool   `json:"global"`
	Mapped   bool   `json:"mapped"`
	Page     uint64 `json:"page,omitempty"`
	Accessed string `json:"accessed,omitempty"`
	Dirty    string `json:"dirty,omitempty"`
	Physical string `json:"physical,omitempty"` // of contiguous memory
	Repeated bool   `json:"repeated,omitempty"`
	Kind     Kind   `json:"kind"`
	Name     string `json:"name"`
	Group    Group  `json:"group"`
	Guard    bool   `json:"guard"`
}

// MarshalJSON is the form that "uklemu info" has for an element of its
// layout.
func (r Range) MarshalJSON() ([]byte, error) {
	j := jsonRange{
		Start: hex(r.Start), End: hex(r.Last()), Size: r.Size, Access: r.Rights.String()[:3],
		User: r.Rights&User != 0, Global: r.Rights&Global != 0, Mapped: r.Mapped(), Page: r.Page, Repeated: r.Repeated,
		Kind: r.Kind, Name: r.Name, Group: r.Kind.Group(), Guard: r.Kind.Guard(),
	}
	if r.Page != 0 {
		j.Accessed, j.Dirty = r.Accessed.String(), r.Dirty.String()
		if r.Contiguous {
			j.Physical = hex(r.Physical)
		}
	}
	return json.Marshal(j)
}

func hex(v uint64) string { return fmt.Sprintf("%#x", v) }
