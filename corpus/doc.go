// SPDX-License-Identifier: GPL-2.0-or-later

// Package corpus is the layer of what ships with the project: here, the guests
// and how they are named.
//
//	image, err := corpus.Find("guest:stock")
//	// image.Path is its vmlinux, image.Guest has its initrd and command line
package corpus
