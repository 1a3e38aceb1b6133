// SPDX-License-Identifier: GPL-2.0-or-later

package device

import "encoding/binary"

// ACPIConfig says what the tables tell.
type ACPIConfig struct {
	// LAPIC and IOAPIC say which are there; the MADT tells of them.
	LAPIC, IOAPIC     bool
	LAPICID, IOAPICID uint8
	PMBase            uint16 // of the [ACPIPM]; 0 is [PMBase]
	COM1              bool   // the DSDT has a PNP0501 at 0x3f8, IRQ 4
}

// SCI is the interrupt of ACPI's events, a level.
const SCI = 9

// Where a PC keeps the tables, and the RSDP for those who scan for it: on a
// 16-byte boundary from 0xe0000 (ACPI 6.4, 5.2.5.1).
const ACPIBase = 0xe0000

const acpiHeaderSize = 36

// Tables are ACPI's tables (ACPI 6.4, chapter 5) as they lie in memory from
// base on, which is below 4 GiB, and where among them the RSDP is.
func Tables(base uint64, cfg ACPIConfig) (image []byte, rsdp uint64) {
	if cfg.PMBase == 0 {
		cfg.PMBase = PMBase
	}
	b := &tableBuilder{base: base}
	// The RSDP comes first, and is filled in last.
	rsdp = b.place(make([]byte, 36), 16)
	dsdt := b.place(sealed("DSDT", 2, dsdt(cfg)), 16)
	facs := b.place(facs(), 64)
	list := []uint64{b.place(sealed("FACP", 6, fadt(cfg, facs, dsdt)), 16)}
	if cfg.LAPIC {
		list = append(list, b.place(sealed("APIC", 5, madt(cfg)), 16))
	}
	rsdt := b.place(sealed("RSDT", 1, pointers(list, 4)), 16)
	xsdt := b.place(sealed("XSDT", 1, pointers(list, 8)), 16)
	copy(b.image[rsdp-base:], rootPointer(rsdt, xsdt))
	return b.image, rsdp
}

// tableBuilder puts one table after the other.
type tableBuilder struct {
	base  uint64
	image []byte
}

func (b *tableBuilder) place(table []byte, align uint64) uint64 {
	for (b.base+uint64(len(b.image)))%align != 0 {
		b.image = append(b.image, 0)
	}
	at := b.base + uint64(len(b.image))
	b.image = append(b.image, table...)
	return at
}

// Names that the header carries. The two of the creator stand for a compiler.
const (
	oemID      = "UKLEMU"
	oemTableID = "UKLEMU  "
	creatorID  = "UKLE"
)

// sealed is a table with its header (5.2.6) and a checksum that makes all
// bytes add up to 0.
func sealed(signature string, revision uint8, body []byte) []byte {
	t := make([]byte, 0, acpiHeaderSize+len(body))
	t = append(t, signature...)
	t = binary.LittleEndian.AppendUint32(t, uint32(acpiHeaderSize+len(body)))
	t = append(t, revision, 0)
	t = append(t, oemID...)
	t = append(t, oemTableID...)
	t = binary.LittleEndian.AppendUint32(t, 1)
	t = append(t, creatorID...)
	t = binary.LittleEndian.AppendUint32(t, 1)
	t = append(t, body...)
	t[9] = checksum(t)
	return t
}

// checksum is the byte that makes the sum 0.
func checksum(p []byte) uint8 {
	var sum uint8
	for _, b := range p {
		sum += b
	}
	return -sum
}

// rootPointer is the RSDP (5.2.5.3): the first 20 bytes have a checksum of
// their own, from ACPI 1.0.
func rootPointer(rsdt, xsdt uint64) []byte {
	p := append([]byte("RSD PTR "), 0)
	p = append(p, oemID...)
	p = append(p, 2) // ACPI 2.0 and later
	p = binary.LittleEndian.AppendUint32(p, uint32(rsdt))
	p = binary.LittleEndian.AppendUint32(p, 36)
	p = binary.LittleEndian.AppendUint64(p, xsdt)
	p = append(p, 0, 0, 0, 0)
	p[8] = checksum(p[:20])
	p[32] = checksum(p)
	return p
}

func pointers(list []uint64, size int) []byte {
	var p []byte
	for _, at := range list {
		entry := binary.LittleEndian.AppendUint64(nil, at)
		p = append(p, entry[:size]...)
	}
	return p
}

// facs is the FACS (5.2.10): no header, no checksum, on a 64-byte boundary.
func facs() []byte {
	p := make([]byte, 64)
	copy(p, "FACS")
	binary.LittleEndian.PutUint32(p[4:], 64)
	p[32] = 2 // version
	return p
}

// madt is the MADT's body (5.2.12).
func madt(cfg ACPIConfig) []byte {
	p := binary.LittleEndian.AppendUint32(nil, LAPICBase)
	p = binary.LittleEndian.AppendUint32(p, 1) // PCAT_COMPAT: there are 8259s
	// Processor local APIC: type 0, processor 0, enabled.
	p = append(p, 0, 8, 0, cfg.LAPICID, 1, 0, 0, 0)
	// Local APIC NMI: type 4, all processors, flags conforming, LINT1.
	p = append(p, 4, 6, 0xff, 0, 0, 1)
	if !cfg.IOAPIC {
		return p
	}
	// I/O APIC: type 1, its ID, its address, its first global interrupt.
	p = append(p, 1, 12, cfg.IOAPICID, 0)
	p = binary.LittleEndian.AppendUint32(p, IOAPICBase)
	p = binary.LittleEndian.AppendUint32(p, 0)
	// Interrupt source override: type 2, ISA, IRQ 0 is input 2, conforming.
	p = append(p, 2, 10, 0, 0, timerPin, 0, 0, 0, 0, 0)
	// The same: IRQ 9, the SCI, is active high (1) and level (3 << 2).
	p = append(p, 2, 10, 0, SCI, SCI, 0, 0, 0, 0xd, 0)
	return p
}
