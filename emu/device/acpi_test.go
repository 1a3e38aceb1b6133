// SPDX-License-Identifier: GPL-2.0-or-later

package device_test

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/emu/device"
)

var le = binary.LittleEndian

// acpiTables follows the pointers as a kernel does, checks each table on the
// way, and gives them by signature.
func acpiTables(t *testing.T, base uint64, cfg device.ACPIConfig) map[string][]byte {
	t.Helper()
	image, rsdp := device.Tables(base, cfg)
	at := func(address uint64) []byte {
		require.GreaterOrEqual(t, address, base)
		require.Less(t, address, base+uint64(len(image)))
		return image[address-base:]
	}
	tables := map[string][]byte{}
	read := func(address uint64) []byte {
		p := at(address)
		length := le.Uint32(p[4:])
		require.LessOrEqual(t, int(length), len(p))
		tables[string(p[:4])] = p[:length]
		return p[:length]
	}

	require.Zero(t, rsdp%16, "a kernel scans 16-byte boundaries")
	root := at(rsdp)[:36]
	require.Equal(t, "RSD PTR ", string(root[:8]))
	require.Equal(t, uint8(2), root[15])
	require.Equal(t, uint32(36), le.Uint32(root[20:]))
	require.Zero(t, sum(root[:20]))
	require.Zero(t, sum(root))

	rsdt, xsdt := read(uint64(le.Uint32(root[16:]))), read(le.Uint64(root[24:]))
	require.Equal(t, (len(xsdt)-36)/8, (len(rsdt)-36)/4)
	for i := 0; 36+8*i < len(xsdt); i++ {
		address := le.Uint64(xsdt[36+8*i:])
		require.Equal(t, uint32(address), le.Uint32(rsdt[36+4*i:]), "both list the same")
		read(address)
	}
	fadt := tables["FACP"]
	require.NotNil(t, fadt)
	require.Equal(t, uint64(le.Uint32(fadt[40:])), le.Uint64(fadt[140:]), "DSDT and X_DSDT")
	read(uint64(le.Uint32(fadt[40:])))
	facs := uint64(le.Uint32(fadt[36:]))
	require.Zero(t, facs%64)
	read(facs)
	for name, table := range tables {
		if name != "FACS" {
			require.Zero(t, sum(table), name)
			require.Equal(t, "UKLEMU", string(table[10:16]), name)
		}
	}
	return tables
}

func sum(p []byte) (sum uint8) {
	for _, b := range p {
		sum += b
	}
	return sum
}

func fullACPI() device.ACPIConfig {
	return device.ACPIConfig{LAPIC: true, IOAPIC: true, IOAPICID: 1, COM1: true}
}

func TestACPITablesAreFoundAndAddUp(t *testing.T) {
	for name, c := range map[string]struct {
		base uint64
		cfg  device.ACPIConfig
		want int
	}{
		"everything":      {device.ACPIBase, fullACPI(), 6},
		"without APICs":   {device.ACPIBase, device.ACPIConfig{}, 5},
		"a local APIC":    {device.ACPIBase, device.ACPIConfig{LAPIC: true}, 6},
		"an odd base":     {0x7fe_0007, fullACPI(), 6},
		"an aligned base": {0x7fe_0000, fullACPI(), 6},
	} {
		t.Run(name, func(t *testing.T) { require.Len(t, acpiTables(t, c.base, c.cfg), c.want) })
	}
}

func TestACPITablesFitBelow1MiB(t *testing.T) {
	image, _ := device.Tables(device.ACPIBase, fullACPI())
	require.Less(t, len(image), 0x1000)
	again, _ := device.Tables(device.ACPIBase, fullACPI())
	require.True(t, bytes.Equal(image, again))
}

func TestFADT(t *testing.T) {
	fadt := acpiTables(t, device.ACPIBase, fullACPI())["FACP"]
	require.Len(t, fadt, 276)
	require.Equal(t, uint8(6), fadt[8])
	require.Equal(t, uint16(9), le.Uint16(fadt[46:]), "SCI_INT")
	require.Zero(t, le.Uint32(fadt[48:]), "SMI_CMD: always in ACPI mode")
	require.Equal(t, []uint8{4, 2, 0, 4}, []uint8(fadt[88:92]), "lengths of the PM blocks")
	require.Equal(t, uint8(0x32), fadt[108], "CENTURY")
	require.Zero(t, le.Uint32(fadt[112:])&(1<<20), "not hardware-reduced")
	require.NotZero(t, le.Uint32(fadt[112:])&(1<<10), "RESET_REG_SUP")
	require.Equal(t, uint8(device.ResetValue), fadt[128])

	// Each block twice: as a port and as a generic address of I/O space.
	for _, c := range []struct {
		name          string
		port, address int
		width         uint8
		want          uint64
	}{
		{"PM1a_EVT_BLK", 56, 148, 32, 0x600}, {"PM1a_CNT_BLK", 64, 172, 16, 0x604}, {"PM_TMR_BLK", 76, 208, 32, 0x608},
		{"RESET_REG", 0, 116, 8, 0xcf9},
	} {
		if c.port != 0 {
			require.Equal(t, uint32(c.want), le.Uint32(fadt[c.port:]), c.name)
		}
		require.Equal(t, uint8(1), fadt[c.address], c.name)
		require.Equal(t, c.width, fadt[c.address+1], c.name)
		require.Equal(t, c.want, le.Uint64(fadt[c.address+4:]), c.name)
	}
	moved := fullACPI()
	moved.PMBase = 0xb000
	fadt = acpiTables(t, device.ACPIBase, moved)["FACP"]
	require.Equal(t, uint32(0xb008), le.Uint32(fadt[76:]))
}

func TestMADT(t *testing.T) {
	madt := acpiTables(t, device.ACPIBase, fullACPI())["APIC"]
	require.Equal(t, uint32(0xfee00000), le.Uint32(madt[36:]))
	require.Equal(t, uint32(1), le.Uint32(madt[40:]), "PCAT_COMPAT")
	var got [][]byte
	for p := madt[44:]; len(p) > 0; p = p[p[1]:] {
		got = append(got, append([]byte{}, p[:p[1]]...))
	}
	want := [][]byte{
		{0, 8, 0, 0, 1, 0, 0, 0},
		{4, 6, 0xff, 0, 0, 1},
		{1, 12, 1, 0, 0, 0, 0xc0, 0xfe, 0, 0, 0, 0},
		{2, 10, 0, 0, 2, 0, 0, 0, 0, 0},
		{2, 10, 0, 9, 9, 0, 0, 0, 0xd, 0},
	}
	require.Empty(t, cmp.Diff(want, got))
}

// TestDSDTPackagesEndWhereTheySay checks each PkgLength against the bytes
// that it encloses.
func TestDSDTPackagesEndWhereTheySay(t *testing.T) {
	aml := acpiTables(t, device.ACPIBase, fullACPI())["DSDT"][36:]
	require.Equal(t, []byte("\x08\\_S5_"), aml[:6])
	end := func(at int) int { return at + int(aml[at]) }
	require.Equal(t, byte(0x12), aml[6])
	require.Equal(t, byte(4), aml[8], "four elements")
	scope := end(7)
	require.Equal(t, byte(0x10), aml[scope])
	require.Equal(t, len(aml), end(scope+1), "the scope is the rest")
	dev := scope + 7
	require.Equal(t, []byte{0x5b, 0x82}, aml[dev:dev+2])
	require.Equal(t, len(aml), end(dev+2), "the device is the rest of the scope")
	crs := bytes.Index(aml, []byte("_CRS")) + 4
	require.Equal(t, byte(0x11), aml[crs])
	require.Equal(t, len(aml), end(crs+1), "the buffer is the rest of the device")
	require.Equal(t, []byte{0x0a, byte(len(aml) - crs - 4)}, aml[crs+2:crs+4], "its size")
	require.Equal(t, []byte{0x79, 0}, aml[len(aml)-2:], "the end tag")

	small := acpiTables(t, device.ACPIBase, device.ACPIConfig{})["DSDT"][36:]
	require.Equal(t, aml[:scope], small, "without COM1 \\_S5 alone")
}

// The value of \_S5 must be the one that the PM device takes for power off.
func TestDSDTSleepTypePowersOff(t *testing.T) {
	aml := acpiTables(t, device.ACPIBase, fullACPI())["DSDT"][36:]
	r := newPM()
	out16(r, pm1Control, uint16(aml[10])<<10|1<<13)
	require.Equal(t, 1, *r.offs)
}
