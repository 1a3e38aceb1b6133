// SPDX-License-Identifier: GPL-2.0-or-later

package gdb

import (
	"bytes"
	"fmt"
	"strings"
)

var descriptionCommands = []command{
	{"qXfer:features:read:", (*session).readFeatures},
}

// bit is a named bit or field of a register.
type bit struct {
	name       string
	start, end int
}

func single(name string, n int) bit { return bit{name, n, n} }

// flagTypes are the registers that gdb shows by the names of their bits.
var flagTypes = []struct {
	id      string
	size    int
	feature string
	bits    []bit
}{
	// SDM vol. 1, figure 3-8.
	{"i386_eflags", 4, featureCore, []bit{
		single("CF", 0), single("", 1), single("PF", 2), single("AF", 4), single("ZF", 6), single("SF", 7),
		single("TF", 8), single("IF", 9), single("DF", 10), single("OF", 11), {"IOPL", 12, 13},
		single("NT", 14), single("RF", 16), single("VM", 17), single("AC", 18), single("VIF", 19),
		single("VIP", 20), single("ID", 21)}},
	// SDM vol. 1, figure 10-3.
	{"i386_mxcsr", 4, featureSSE, []bit{
		single("IE", 0), single("DE", 1), single("ZE", 2), single("OE", 3), single("UE", 4), single("PE", 5),
		single("DAZ", 6), single("IM", 7), single("DM", 8), single("ZM", 9), single("OM", 10),
		single("UM", 11), single("PM", 12), {"RC", 13, 14}, single("FZ", 15)}},
	// SDM vol. 3A, 2.5.
	{"x64_cr0", 8, featureSystem, []bit{
		single("PE", 0), single("MP", 1), single("EM", 2), single("TS", 3), single("ET", 4), single("NE", 5),
		single("WP", 16), single("AM", 18), single("NW", 29), single("CD", 30), single("PG", 31)}},
	{"x64_cr3", 8, featureSystem, []bit{{"PCID", 0, 11}, {"PDBR", 12, 63}}},
	{"x64_cr4", 8, featureSystem, []bit{
		single("VME", 0), single("PVI", 1), single("TSD", 2), single("DE", 3), single("PSE", 4),
		single("PAE", 5), single("MCE", 6), single("PGE", 7), single("PCE", 8), single("OSFXSR", 9),
		single("OSXMMEXCPT", 10), single("UMIP", 11), single("LA57", 12), single("VMXE", 13),
		single("SMXE", 14), single("FSGSBASE", 16), single("PCIDE", 17), single("OSXSAVE", 18),
		single("SMEP", 20), single("SMAP", 21), single("PKE", 22)}},
	// SDM vol. 3A, 2.2.1.
	{"x64_efer", 8, featureSystem, []bit{
		single("SCE", 0), single("LME", 8), single("LMA", 10), single("NXE", 11)}},
}

// vec128 is an XMM register as gdb's i386.sse feature has it.
const vec128 = `<vector id="v4f" type="ieee_single" count="4"/>
<vector id="v2d" type="ieee_double" count="2"/>
<vector id="v16i8" type="int8" count="16"/>
<vector id="v8i16" type="int16" count="8"/>
<vector id="v4i32" type="int32" count="4"/>
<vector id="v2i64" type="int64" count="2"/>
<union id="vec128">
<field name="v4_float" type="v4f"/>
<field name="v2_double" type="v2d"/>
<field name="v16_int8" type="v16i8"/>
<field name="v8_int16" type="v8i16"/>
<field name="v4_int32" type="v4i32"/>
<field name="v2_int64" type="v2i64"/>
<field name="uint128" type="uint128"/>
</union>
`

var targetXML = describe()

// describe writes target.xml from the list of registers, so that the two
// cannot disagree.
func describe() string {
	var b strings.Builder
	b.WriteString(`<?xml version="1.0"?>
<!DOCTYPE target SYSTEM "gdb-target.dtd">
<target version="1.0">
<architecture>i386:x86-64</architecture>
`)
	feature := ""
	for n, r := range registerList {
		if r.feature != feature {
			if feature != "" {
				b.WriteString("</feature>\n")
			}
			feature = r.feature
			fmt.Fprintf(&b, "<feature name=%q>\n", feature)
			describeTypes(&b, feature)
		}
		fmt.Fprintf(&b, `<reg name=%q bitsize="%d" type=%q regnum="%d"`, r.name, r.bits, r.kind, n)
		if r.group != "" {
			fmt.Fprintf(&b, " group=%q", r.group)
		}
		b.WriteString("/>\n")
	}
	b.WriteString("</feature>\n</target>\n")
	return b.String()
}

func describeTypes(b *strings.Builder, feature string) {
	if feature == featureSSE {
		b.WriteString(vec128)
	}
	for _, t := range flagTypes {
		if t.feature != feature {
			continue
		}
		fmt.Fprintf(b, "<flags id=%q size=\"%d\">\n", t.id, t.size)
		for _, f := range t.bits {
			fmt.Fprintf(b, "<field name=%q start=\"%d\" end=\"%d\"/>\n", f.name, f.start, f.end)
		}
		b.WriteString("</flags>\n")
	}
}

// readFeatures serves "annex:offset,length" of the one document there is.
func (s *session) readFeatures(q request) string {
	annex, window, _ := bytes.Cut(q.args, []byte{':'})
	if string(annex) != "target.xml" {
		return "E00" // the manual's answer to an unknown annex
	}
	offset, length, ok := parseRange(window)
	if !ok {
		return errorMalformed
	}
	return transferWindow(targetXML, offset, length)
}

// transferWindow answers a qXfer read: 'm' before data when more follows, 'l'
// before the last.
func transferWindow(document string, offset, length uint64) string {
	if offset >= uint64(len(document)) {
		return "l"
	}
	rest := document[offset:]
	length = min(length, maxPacket/2) // escapes may double it
	if length >= uint64(len(rest)) {
		return "l" + rest
	}
	return "m" + rest[:length]
}
