// SPDX-License-Identifier: GPL-2.0-or-later

package mini

import "testing"

// What it costs to make the guest, most of its instructions having been encoded
// before.
func BenchmarkBuild(b *testing.B) {
	for b.Loop() {
		if _, err := Build(Options{}); err != nil {
			b.Fatal(err)
		}
	}
}

// What it costs when it is in the cache.
func BenchmarkFile(b *testing.B) {
	if _, err := File(Options{}); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := File(Options{}); err != nil {
			b.Fatal(err)
		}
	}
}
