// SPDX-License-Identifier: GPL-2.0-or-later

package image_test

import (
	"encoding/binary"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/internal/testelf"
	"github.com/uklemu/uklemu/model/image"
)

// memory is bytes at an address, and nothing else.
type memory struct {
	at uint64
	b  []byte
}

var errNothing = errors.New("nothing is there")

func (m memory) ReadMemory(address uint64, p []byte) (int, error) {
	if address < m.at || address+uint64(len(p)) > m.at+uint64(len(m.b)) {
		return 0, errNothing
	}
	return copy(p, m.b[address-m.at:]), nil
}

// What of the image with alternatives is where.
const (
	codeAt, replacementsAt, tableAt = 0x1000, 0x5000, 0x6000
	featureA, featureB              = 9*32 + 20, 3*32 + 1
	inverted                        = 1 << 15
)

// patchable has one place of 8 bytes with two alternatives.
func patchable(table ...byte) testelf.Image {
	le := binary.LittleEndian
	entry := func(at, instr, replacement uint32, feature uint16, length, replacementLength byte) []byte {
		b := le.AppendUint32(nil, instr-at)
		b = le.AppendUint32(b, replacement-(at+4))
		return append(le.AppendUint16(b, feature), length, replacementLength)
	}
	i := little(
		testelf.Section{Name: ".altinstr_replacement", Type: testelf.Progbits, Flags: testelf.Alloc | testelf.Exec, Address: replacementsAt, Data: []byte{
			0x0f, 0x01, 0xcb, // stac
			0xe9, 0x18, 0xc0, 0xff, 0xff, // jmp 0x1020
		}},
		testelf.Section{Name: ".altinstructions", Type: testelf.Progbits, Flags: testelf.Alloc, Address: tableAt, Data: append(append(
			entry(tableAt, codeAt, replacementsAt, featureA, 8, 3),
			entry(tableAt+12, codeAt, replacementsAt+3, featureB|inverted, 8, 5)...), table...)},
	)
	copy(i.Sections[0].Data, []byte{0x31, 0xc0, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90}) // xor %eax, %eax
	return i
}

func TestMemoryTellsWhichAlternativeWasChosen(t *testing.T) {
	img, err := read(patchable().Bytes())
	require.NoError(t, err)
	for _, test := range []struct {
		name   string
		memory []byte
		chosen int // feature, 0 for none
		known  bool
	}{
		{"as linked", []byte{0x31, 0xc0, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90}, 0, true},
		{"with longer NOPs", []byte{0x31, 0xc0, 0x66, 0x0f, 0x1f, 0x44, 0, 0}, 0, true},
		{"the first", []byte{0x0f, 0x01, 0xcb, 0x0f, 0x1f, 0x44, 0, 0}, featureA, true},
		{"the second, its jump moved", []byte{0xe9, 0x1b, 0, 0, 0, 0x90, 0x90, 0x90}, featureB, true},
		{"the second, its jump shortened", []byte{0xeb, 0x1e, 0x0f, 0x1f, 0x44, 0, 0, 0x90}, featureB, true},
		{"a jump elsewhere", []byte{0xeb, 0x1f, 0x0f, 0x1f, 0x44, 0, 0, 0x90}, 0, false},
		{"something else", []byte{0xc3, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc}, 0, false},
	} {
		places, err := img.Alternatives(memory{codeAt, test.memory})
		require.NoError(t, err, test.name)
		require.Len(t, places, 1)
		p := places[0]
		require.Equal(t, uint64(codeAt), p.Address)
		require.Equal(t, test.memory, p.Memory)
		require.Len(t, p.Alternatives, 2)
		require.Equal(t, [2]bool{false, true}, [2]bool{p.Alternatives[0].Inverted, p.Alternatives[1].Inverted})
		require.Equal(t, test.known, p.Known, test.name)
		require.Equal(t, test.name == "as linked", p.Same())
		if test.chosen == 0 {
			require.Nil(t, p.Chosen, test.name)
		} else {
			require.Equal(t, test.chosen, p.Chosen.Feature, test.name)
		}
	}
}

func TestAlternativesThatCannotBeCompared(t *testing.T) {
	img, err := read(patchable().Bytes())
	require.NoError(t, err)
	_, err = img.Alternatives(memory{})
	require.ErrorIs(t, err, errNothing)
	require.ErrorContains(t, err, "the alternative at 0x1000: 0 of 8 bytes")

	img, err = read(patchable(1, 2, 3).Bytes())
	require.NoError(t, err)
	_, err = img.Alternatives(img)
	require.ErrorIs(t, err, image.ErrMalformed)
	require.ErrorContains(t, err, ".altinstructions has 27 bytes, not a multiple of 12")

	img, err = read(patchable(0, 0, 0, 0x10, 0, 0, 0, 0, 0, 0, 9, 0).Bytes())
	require.NoError(t, err)
	_, err = img.Alternatives(img)
	require.ErrorContains(t, err, "wants to patch 0x10006018")

	stock, err := read(little().Bytes())
	require.NoError(t, err)
	places, err := stock.Alternatives(memory{})
	require.NoError(t, err)
	require.Empty(t, places)
}

// Until 5.15 an entry of the exception table had a handler, and no type.
func TestFixupsOfOlderKernelsHaveHandlers(t *testing.T) {
	i := published(false)
	copy(i.Sections[2].Data, "Linux version 5.10.0 (a@b) #1\n\x00\x00\x00\x00\x00\x00\x00")
	binary.LittleEndian.PutUint32(i.Sections[2].Data[0x88:], ^uint32(dataAt+0x88-textAt)+1)
	img, err := read(i.Bytes())
	require.NoError(t, err)
	require.Equal(t, []image.Fixup{{Insn: textAt + 0x44, Fixup: textAt + 0xc5, Handler: textAt}}, img.ExceptionTable())
	require.Empty(t, img.ExceptionTable()[0].TypeName())
}
