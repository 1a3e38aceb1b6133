// SPDX-License-Identifier: GPL-2.0-or-later

// Package model is Unikernel Linux (UKL) on a machine: which kernel it is, where
// its application begins, what happens, and whether what UKL promises holds.
package model
