// SPDX-License-Identifier: GPL-2.0-or-later

// Package bochs holds the machine against Bochs, whose authors wrote it from
// the same manual and with none of our code: where QEMU and libunicorn share
// their ancestry, and so their faults, it is the second opinion.
//
// oracle/ is a list of cases in Python: a state, an instruction or two, and
// what is special in memory. golden.py runs them on Bochs (the CPU of the
// PyPI package bochscpu-python) and writes to testdata what came out: the
// exceptions on the way, every register and every word of memory that changed.
// The tests here run all of the cases on the machine, each time, and compare;
// none needs Bochs. With it at hand, see install.sh, one test asks whether
// the files are still what Bochs does.
//
// Where the two part, the manual decides. Differences in which Bochs is wrong,
// or the manual leaves the choice, are in known.go, with the manual's word.
package bochs
