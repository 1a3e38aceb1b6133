// SPDX-License-Identifier: GPL-2.0-or-later

package image

// Version is that of the kernel.
type Version struct {
	Release             string // "6.1.0-13-amd64", "" if the image is not Linux
	Major, Minor, Patch int
	Banner              string // linux_banner, without the line's end
}

// AtLeast says whether it is this version or a later one.
func (v Version) AtLeast(major, minor int) bool {
	return v.Major > major || v.Major == major && v.Minor >= minor
}
