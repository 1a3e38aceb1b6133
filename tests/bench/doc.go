// SPDX-License-Identifier: GPL-2.0-or-later

// Package bench measures the machine against what it has to be measured
// against: QEMU on the same kernel, and a plain C loop over the same
// libunicorn on the same instructions. Ratios mean something on any computer;
// absolute numbers belong to the one they were taken on.
//
// The command in the folder cmd prints the table; the benchmarks beside this
// file are the same measurements one by one, for "go test -bench".
package bench
