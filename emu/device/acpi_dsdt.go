// SPDX-License-Identifier: GPL-2.0-or-later

package device

// The DSDT's AML, put together by hand (ACPI 6.4, chapter 20). As source:
//
//	Name (\_S5, Package () { 5, 5, 0, 0 })
//	Scope (\_SB)
//	{
//	    Device (COM1)
//	    {
//	        Name (_HID, EisaId ("PNP0501"))
//	        Name (_UID, One)
//	        Name (_CRS, ResourceTemplate ()
//	        {
//	            IO (Decode16, 0x03F8, 0x03F8, 0x01, 0x08)
//	            IRQNoFlags () { 4 }
//	        })
//	    }
//	}
//
// iasl 20200925 disassembles it to just that. A PkgLength of one byte counts
// itself and what follows it.
func dsdt(cfg ACPIConfig) []byte {
	aml := []byte{
		0x08, '\\', '_', 'S', '5', '_', // NameOp, the name from the root
		0x12, 8, // PackageOp, PkgLength
		4,                 // elements
		0x0a, sleepTypeS5, // BytePrefix: SLP_TYP of PM1a_CNT
		0x0a, sleepTypeS5, // the same of PM1b_CNT, which isn't there
		0x00, 0x00, // ZeroOp: reserved
	}
	if !cfg.COM1 {
		return aml
	}
	return append(aml,
		0x10, 51, // ScopeOp, PkgLength
		'\\', '_', 'S', 'B', '_', // the name from the root
		0x5b, 0x82, 43, // ExtOpPrefix DeviceOp, PkgLength
		'C', 'O', 'M', '1',
		0x08, '_', 'H', 'I', 'D', // NameOp
		0x0c, 0x41, 0xd0, 0x05, 0x01, // DWordPrefix, the EISA ID PNP0501
		0x08, '_', 'U', 'I', 'D', 0x01, // NameOp, OneOp
		0x08, '_', 'C', 'R', 'S', // NameOp
		0x11, 16, // BufferOp, PkgLength
		0x0a, 13, // BytePrefix, the buffer's size
		0x47, 0x01, // I/O port descriptor (6.4.2.5) of 7 bytes, 16-bit decode
		0xf8, 0x03, 0xf8, 0x03, // from 0x3f8 to 0x3f8
		0x01, 0x08, // aligned to 1, 8 ports
		0x22, 0x10, 0x00, // IRQ descriptor (6.4.2.1) of 2 bytes, bit 4
		0x79, 0x00, // end tag (6.4.2.9) without a checksum
	)
}
