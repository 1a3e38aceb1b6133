// SPDX-License-Identifier: GPL-2.0-or-later

package unicorn

import (
	"fmt"
	"os"
	"runtime"
	"syscall"
)

// Image is what RAM held at some moment, in a file without a name: memory of
// many machines can begin as a copy of it that is made page by page, where
// they write.
type Image struct {
	file *os.File
	size uint64
}

// NewImage makes one of a table's pages.
func NewImage(t *Table) (*Image, error) {
	size := uint64(len(t.at)) * PageSize
	f, err := memoryFile()
	if err != nil {
		return nil, fmt.Errorf("a file in memory for a snapshot's %d MiB: %w", size>>20, err)
	}
	if err := f.Truncate(int64(size)); err != nil {
		f.Close()
		return nil, fmt.Errorf("a file in memory for a snapshot's %d MiB: %w", size>>20, err)
	}
	defer runtime.KeepAlive(t) // its memory is not Go's
	err = t.Each(func(number uint32, page []byte) error {
		_, err := f.WriteAt(page, int64(number)*PageSize)
		return err
	})
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("a snapshot's pages into a file in memory: %w", err)
	}
	return &Image{file: f, size: size}, nil
}

// Close gives the file back; memory that began as a copy of it stays good.
func (i *Image) Close() { i.file.Close() }

// RAM is memory that begins as the image. It takes what is read from the
// image's pages and what is written from the system.
func (i *Image) RAM() (*RAM, error) {
	p, err := syscall.Mmap(int(i.file.Fd()), 0, int(i.size), syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_PRIVATE)
	if err != nil {
		return nil, fmt.Errorf("guest memory of %d bytes: %w", i.size, err)
	}
	runtime.KeepAlive(i)
	return ramOf(p), nil
}
