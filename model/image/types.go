// SPDX-License-Identifier: GPL-2.0-or-later

package image

import (
	"errors"
	"fmt"

	"github.com/uklemu/uklemu/model/ctypes"
)

// readTypes prefers DWARF: it has the types that BTF has, and of some kernels
// more. If DWARF can't be read, BTF is as good.
func (f *elfFile) readTypes() (*ctypes.Types, error) {
	types, err := f.dwarfTypes()
	if err == nil {
		return types, nil
	}
	b, failed := f.data(".BTF")
	if failed == nil {
		types, failed = ctypes.FromBTF(b)
	}
	if failed == nil {
		return types, nil
	}
	if errors.Is(err, ctypes.ErrNoTypes) {
		err = failed
	}
	return nil, err
}

func (f *elfFile) dwarfTypes() (*ctypes.Types, error) {
	info, err := f.reader(".debug_info")
	if err != nil {
		return nil, err
	}
	if info == nil {
		return nil, ctypes.ErrNoTypes
	}
	d := ctypes.DWARF{Info: info}
	for name, b := range map[string]*[]byte{".debug_abbrev": &d.Abbrev, ".debug_str": &d.Str, ".debug_str_offsets": &d.StrOffsets} {
		if *b, err = f.data(name); err != nil {
			return nil, err
		}
	}
	if d.Abbrev == nil {
		return nil, fmt.Errorf("%w: .debug_info without .debug_abbrev", ctypes.ErrMalformed)
	}
	return ctypes.FromDWARF(d)
}
