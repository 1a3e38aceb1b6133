// SPDX-License-Identifier: GPL-2.0-or-later

// Package check has the tests that the invariants hold on the guests that the
// project builds.
package check
