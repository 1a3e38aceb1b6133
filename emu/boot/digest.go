// SPDX-License-Identifier: GPL-2.0-or-later

package boot

import (
	"crypto/sha256"
	"fmt"
	"io"
)

// Digest is the SHA-256 of the whole file: what tells one image from another.
func (img *Image) Digest() ([32]byte, error) {
	h := sha256.New()
	if _, err := io.Copy(h, io.NewSectionReader(img.r, 0, int64(img.size))); err != nil {
		return [32]byte{}, fmt.Errorf("%s: %w", img.name, err)
	}
	return [32]byte(h.Sum(nil)), nil
}
