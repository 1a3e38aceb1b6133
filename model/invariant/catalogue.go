// SPDX-License-Identifier: GPL-2.0-or-later

package invariant

import (
	"fmt"
	"slices"
	"strings"
)

// catalogue is all invariants, group by group.
var catalogue = slices.Concat(
	addressSpace,
	modeTracking,
	syscallEntry,
	syscallExit,
	interrupts,
	userAccess,
	stacks,
	signals,
	programs,
	contextSwitch,
	flags,
	outcomes,
	relations,
)

// All is the whole catalogue, in its order.
func All() []Invariant { return slices.Clone(catalogue) }

// ByID finds invariants by their ids, in the order given.
func ByID(ids ...string) ([]Invariant, error) {
	var found []Invariant
	for _, id := range ids {
		i := slices.IndexFunc(catalogue, func(i Invariant) bool { return strings.EqualFold(i.Rule().ID, id) })
		if i < 0 {
			return nil, fmt.Errorf("no invariant %q: there are %s", id, strings.Join(names(catalogue), ", "))
		}
		found = append(found, catalogue[i])
	}
	return found, nil
}

func names(list []Invariant) (ids []string) {
	for _, i := range list {
		ids = append(ids, i.Rule().ID)
	}
	return ids
}
