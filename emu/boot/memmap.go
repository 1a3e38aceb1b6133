// SPDX-License-Identifier: GPL-2.0-or-later

package boot

// mapEntry is a line of the memory map in the form that e820, multiboot and
// PVH share (ACPI 6.5, 15.1 and table 15.4).
type mapEntry struct {
	Range
	kind uint32
}

const (
	kindRAM      = 1
	kindReserved = 2
)

// memoryMap tells RAM from what is reserved: the legacy hole and what the
// firmware keeps. The lines are sorted and do not overlap.
func (l *loader) memoryMap() []mapEntry {
	var lines []mapEntry
	next, size := uint64(0), l.memory.Size()
	for _, r := range union(append([]Range{legacyHole}, l.opts.Reserved...)) {
		if end := min(r.Start, size); end > next {
			lines = append(lines, mapEntry{Range{next, end}, kindRAM})
		}
		lines = append(lines, mapEntry{r, kindReserved})
		next = r.End
	}
	if size > next {
		lines = append(lines, mapEntry{Range{next, size}, kindRAM})
	}
	return lines
}

// lowerKiB and upperKiB are the RAM below 640 KiB and from 1 MiB to its first
// hole, as older structures have them.
func lowerKiB(lines []mapEntry) uint32 { return ramKiBFrom(lines, 0) }
func upperKiB(lines []mapEntry) uint32 { return ramKiBFrom(lines, 0x100000) }

func ramKiBFrom(lines []mapEntry, start uint64) uint32 {
	for _, line := range lines {
		if line.kind == kindRAM && line.Start == start {
			return uint32(min((line.End-line.Start)/1024, 0xffffffff))
		}
	}
	return 0
}
