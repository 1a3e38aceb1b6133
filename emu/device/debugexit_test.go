// SPDX-License-Identifier: GPL-2.0-or-later

package device_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/emu/device"
)

func TestDebugExitTellsTheValue(t *testing.T) {
	var got []uint32
	d := device.NewDebugExit(func(value uint32) { got = append(got, value) })
	for _, size := range []int{1, 2, 4} {
		d.Write(device.Access{Address: device.DebugExitPort, Size: size}, 0xfedcba98_76543210)
	}
	require.Equal(t, []uint32{0x10, 0x3210, 0x76543210}, got)
	require.Zero(t, in8(d, device.DebugExitPort))
	out8(device.NewDebugExit(nil), device.DebugExitPort, 1)
}
