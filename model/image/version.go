// SPDX-License-Identifier: GPL-2.0-or-later

package image

import (
	"strconv"
	"strings"
)

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

const (
	bannerMost   = 512
	bannerPrefix = "Linux version "
)

// readVersion takes it from linux_banner (init/version.c).
func (i *Image) readVersion() Version {
	at, ok := i.Address("linux_banner")
	if !ok {
		return Version{}
	}
	banner := strings.TrimRight(i.text(at, bannerMost), "\n")
	rest, ok := strings.CutPrefix(banner, bannerPrefix)
	if !ok {
		return Version{}
	}
	v := Version{Banner: banner}
	v.Release, _, _ = strings.Cut(rest, " ")
	numbers, _, _ := strings.Cut(v.Release, "-")
	for n, text := range strings.SplitN(numbers, ".", 3) {
		digits := len(text) - len(strings.TrimLeft(text, "0123456789"))
		number, err := strconv.Atoi(text[:digits])
		if err != nil {
			break
		}
		*[]*int{&v.Major, &v.Minor, &v.Patch}[n] = number
	}
	return v
}
