// SPDX-License-Identifier: GPL-2.0-or-later

package debug

import "slices"

// ReadMemory implements [gdb.Target].
func (d *Machine) ReadMemory(address uint64, p []byte) (int, error) {
	return d.m.ReadMemory(address, p)
}

// WriteMemory implements [gdb.Target]. It makes a new future.
func (d *Machine) WriteMemory(address uint64, p []byte) (int, error) {
	n, err := d.m.WriteMemory(address, p)
	if n > 0 {
		written := slices.Clone(p[:n])
		d.changed(func() error {
			_, err := d.m.WriteMemory(address, written)
			return err
		})
	}
	return n, err
}
