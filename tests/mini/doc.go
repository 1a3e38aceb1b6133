// SPDX-License-Identifier: GPL-2.0-or-later

// Package mini holds builtin:mini against the catalogue of invariants: all of
// them hold on every healthy combination of its options, and each of its
// defects is found, by an invariant that names the cause. docs/defects.md is
// the table of that; go run ./tests/mini/cmd makes it anew.
package mini
