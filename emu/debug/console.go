// SPDX-License-Identifier: GPL-2.0-or-later

package debug

import "io"

// console lets through what the guest writes for the first time: a replay
// writes the same again.
type console struct {
	w       io.Writer
	at      int64 // bytes that the guest has written at its present position
	written int64 // bytes that have been let through
}

func (c *console) Write(p []byte) (int, error) {
	old := min(max(c.written-c.at, 0), int64(len(p)))
	c.at += int64(len(p))
	c.written = max(c.written, c.at)
	if c.w != nil && old < int64(len(p)) {
		if n, err := c.w.Write(p[old:]); err != nil {
			return int(old) + n, err
		}
	}
	return len(p), nil
}

// forget makes what the guest writes from here on new: its future has changed.
func (c *console) forget() { c.written = c.at }
