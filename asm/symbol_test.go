// SPDX-License-Identifier: GPL-2.0-or-later

package asm

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWhatALinkerWantsToKnowIsHandedOn(t *testing.T) {
	code, err := Assemble(`
		.globl f, elsewhere
		.type f, @function
	f:	nop
	g:	ret
		.size f, . - f
		.type table, %object; .weak table
		.data
	table:	.quad f
		.size table, 8
	quiet:	.byte 0`, Options{})
	require.NoError(t, err)
	require.Equal(t, []Symbol{
		{Name: "f", Kind: Function, Size: 2, Global: true},
		{Name: "table", Kind: Object, Size: 8, Global: true, Weak: true},
	}, code.Symbols)
}

func TestSectionsLieInTheOrderThatIsAskedFor(t *testing.T) {
	code, err := Assemble("nop; .data; .byte 1; .section .more; .section .first; .byte 2", Options{Address: 0x1000, Order: []string{".first", ".text"}})
	require.NoError(t, err)
	var names []string
	for _, s := range code.Sections {
		names = append(names, s.Name)
	}
	require.Equal(t, []string{".first", ".text", ".data", ".more"}, names)
	require.Equal(t, []byte{2}, code.Bytes)
	require.Equal(t, uint64(0x1000), code.Address)
}

func TestSectionsWithoutAnAddressAreAligned(t *testing.T) {
	code, err := Assemble("nop; .data; .byte 1; .bss; .byte 2", Options{Address: 0x1000, Alignment: map[string]uint64{".data": 0x1000}})
	require.NoError(t, err)
	require.Equal(t, uint64(0x2000), code.Sections[1].Address)
	require.Equal(t, uint64(0x2010), code.Sections[2].Address)

	_, err = Assemble("nop", Options{Alignment: map[string]uint64{".data": 3}})
	require.ErrorContains(t, err, "the section .data aligned to 3; accepted: a power of two")
}
