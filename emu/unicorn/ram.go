// SPDX-License-Identifier: GPL-2.0-or-later

package unicorn

import (
	"fmt"
	"runtime"
	"syscall"
)

// MaxRAM is as much as fits below the APICs, in bytes.
const MaxRAM = 3 << 30

// RAM is memory for a guest, zero at first and taken from the system as it is
// touched.
type RAM struct {
	bytes   []byte
	cleanup runtime.Cleanup
}

// NewRAM maps size bytes, a multiple of [PageSize] and at most [MaxRAM].
func NewRAM(size uint64) (*RAM, error) {
	if size == 0 || size%PageSize != 0 || size > MaxRAM {
		return nil, fmt.Errorf("guest memory of %d bytes: want a multiple of %d, at most %d (3 GiB)", size, PageSize, MaxRAM)
	}
	p, err := syscall.Mmap(-1, 0, int(size), syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_PRIVATE|syscall.MAP_ANON)
	if err != nil {
		return nil, fmt.Errorf("guest memory of %d bytes: %w", size, err)
	}
	return ramOf(p), nil
}

// ramOf takes a mapping over.
func ramOf(p []byte) *RAM {
	r := &RAM{bytes: p}
	r.cleanup = runtime.AddCleanup(r, func(p []byte) { _ = syscall.Munmap(p) }, p)
	return r
}

// Bytes is the memory itself.
func (r *RAM) Bytes() []byte { return r.bytes }

// Close gives the memory back. No engine may use it any more.
func (r *RAM) Close() {
	if r.bytes == nil {
		return
	}
	r.cleanup.Stop()
	_ = syscall.Munmap(r.bytes)
	r.bytes = nil
}
