// SPDX-License-Identifier: GPL-2.0-or-later

package device

import "encoding/binary"

// fadtSize is that of ACPI 6.4 (5.2.9), the header included.
const fadtSize = 276

// IAPC_BOOT_ARCH: there are legacy devices and a keyboard controller; there is
// no VGA and no MSI.
const fadtBootArch = 1<<0 | 1<<1 | 1<<2 | 1<<3

// Fixed feature flags: WBINVD works; C1 on every processor; no sleep button
// and no RTC wake in the fixed registers (where a power button is); the PM
// timer has 24 bits; there is a reset register.
const fadtFlags = 1<<0 | 1<<2 | 1<<5 | 1<<6 | 1<<10

// fadt is the FADT's body. Offsets are those of the table in the
// specification, which counts from the start of the header.
func fadt(cfg ACPIConfig, facs, dsdt uint64) []byte {
	t := make([]byte, fadtSize)
	le := binary.LittleEndian
	pm := uint32(cfg.PMBase)

	le.PutUint32(t[36:], uint32(facs))
	le.PutUint32(t[40:], uint32(dsdt))
	t[45] = 1 // preferred PM profile: desktop
	le.PutUint16(t[46:], SCI)
	// SMI_CMD at 48 is 0: the machine is in ACPI mode from the start.
	le.PutUint32(t[56:], pm+pmStatus)
	le.PutUint32(t[64:], pm+pmControl)
	le.PutUint32(t[76:], pm+pmTimer)
	t[88] = 4 // PM1_EVT_LEN
	t[89] = 2 // PM1_CNT_LEN
	t[91] = 4 // PM_TMR_LEN
	// Latencies above 100 and 1000 say that there is no C2 and no C3.
	le.PutUint16(t[96:], 0xfff)
	le.PutUint16(t[98:], 0xfff)
	t[108] = rtcCentury
	le.PutUint16(t[109:], fadtBootArch)
	le.PutUint32(t[112:], fadtFlags)
	putPort(t[116:], ResetPort, 8, accessByte)
	t[128] = ResetValue
	t[131] = 4 // minor version: 6.4
	// X_FIRMWARE_CTRL at 132 is 0, as FIRMWARE_CTRL is not.
	le.PutUint64(t[140:], dsdt)
	putPort(t[148:], uint64(pm+pmStatus), 32, accessWord)
	putPort(t[172:], uint64(pm+pmControl), 16, accessWord)
	putPort(t[208:], uint64(pm+pmTimer), 32, accessDword)
	return t[acpiHeaderSize:]
}

// Access sizes of a generic address structure.
const (
	accessByte  = 1
	accessWord  = 2
	accessDword = 3
)

// putPort is a generic address structure (5.2.3.2) in I/O space. The PM1 event
// block is 32 bits wide, but its two registers are of 16.
func putPort(p []byte, port uint64, width, access uint8) {
	p[0] = 1 // system I/O
	p[1], p[3] = width, access
	binary.LittleEndian.PutUint64(p[4:], port)
}
