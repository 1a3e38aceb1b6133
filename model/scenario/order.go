// SPDX-License-Identifier: GPL-2.0-or-later

package scenario

import (
	"maps"
	"slices"
)

// sorted are a map's keys in order: nothing here goes by Go's order of maps.
func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
