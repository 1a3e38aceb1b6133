// SPDX-License-Identifier: GPL-2.0-or-later

package boot

import "bytes"

// The text that every Linux carries as linux_banner (init/version.c).
const bannerStart = "Linux version "

// bannerMost is longer than any banner: release, builder, compiler, date.
const bannerMost = 512

// LinuxVersion is the kernel's banner, "Linux version 6.1.0 (...) ...", found
// in the bytes that are loaded, so that a stripped image has it too. It is ""
// if the image is not a Linux kernel or keeps its banner compressed. Of a
// bzImage it is the version string of the setup header.
func (img *Image) LinuxVersion() (string, error) {
	if img.elf == nil {
		for _, p := range img.offered {
			if bz, ok := p.(bzImage); ok {
				return bz.version, nil
			}
		}
		return "", nil
	}
	left := img.size // segments that share bytes are not an excuse to read them all again
	for _, s := range img.elf.segments {
		if s.FileSize > left {
			break
		}
		left -= s.FileSize
		banner, err := img.findBanner(s)
		if banner != "" || err != nil {
			return banner, err
		}
	}
	return "", nil
}

func (img *Image) findBanner(s Segment) (string, error) {
	const chunk = 256 << 10
	buffer := make([]byte, min(chunk+bannerMost, s.FileSize))
	for done := uint64(0); done < s.FileSize; done += chunk {
		b := buffer[:min(uint64(len(buffer)), s.FileSize-done)]
		if err := img.read(b, s.Offset+done, "the image"); err != nil {
			return "", err
		}
		if banner := bannerIn(b); banner != "" {
			return banner, nil
		}
	}
	return "", nil
}

// bannerIn skips other texts that begin like the banner, such as the format
// string of /proc/version ("%s version %s" has no "Linux", but modules and
// messages may): a release begins with a digit, and the banner ends its line.
func bannerIn(b []byte) string {
	for {
		i := bytes.Index(b, []byte(bannerStart))
		if i < 0 {
			return ""
		}
		b = b[i:]
		text := b[:min(len(b), bannerMost)]
		end := bytes.IndexAny(text, "\n\x00")
		if end > len(bannerStart) && text[len(bannerStart)] >= '0' && text[len(bannerStart)] <= '9' {
			return string(text[:end])
		}
		b = b[len(bannerStart):]
	}
}
