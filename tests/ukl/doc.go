// SPDX-License-Identifier: GPL-2.0-or-later

// Package ukl tests the UKL kernels that "make guests" builds: Linux with the
// patches of corpus/linux/patches and an application linked into it. Every
// variant runs every application under QEMU and in the emulator, and the
// application says the same everywhere, as it does as an ordinary program.
package ukl
