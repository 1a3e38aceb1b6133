// SPDX-License-Identifier: GPL-2.0-or-later

package device_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/emu/device"
)

type pcRig struct {
	*device.Interrupts
	intr *wire
}

// newPC has the 8259s at vectors 0x30 and 0x38, with nothing masked.
func newPC(lapic, ioapic bool) pcRig {
	r := pcRig{intr: &wire{}}
	cfg := device.InterruptsConfig{IOAPIC: ioapic, IOAPICID: 1, INTR: r.intr.line()}
	if lapic {
		cfg.LAPIC.Clock = &fakeClock{}
	}
	r.Interrupts = device.NewInterrupts(cfg)
	out8(r.PIC(), 0x20, 0x11)
	out8(r.PIC(), 0x21, 0x30, 0x04, 0x01)
	out8(r.PIC(), 0xa0, 0x11)
	out8(r.PIC(), 0xa1, 0x38, 0x02, 0x01)
	return r
}

func (r pcRig) redirect(pin uint32, entry uint32) {
	store32(r.IOAPIC(), device.IOAPICBase, 0x10+2*pin)
	store32(r.IOAPIC(), device.IOAPICBase+0x10, entry)
}

// take is the CPU taking what is pending.
func (r pcRig) take(t *testing.T) uint8 {
	t.Helper()
	require.True(t, r.intr.level)
	require.True(t, r.Pending())
	vector, ok := r.Acknowledge()
	require.True(t, ok)
	return vector
}

var pcs = map[string]struct{ lapic, ioapic bool }{
	"8259s alone": {false, false}, "with a local APIC": {true, false}, "with both APICs": {true, true},
}

func TestPCDeliversThroughThe8259(t *testing.T) {
	for name, c := range pcs {
		t.Run(name, func(t *testing.T) {
			r := newPC(c.lapic, c.ioapic)
			require.Equal(t, c.ioapic, r.IOAPIC() != nil)
			for _, irq := range []int{0, 4, 8} {
				r.IRQ(irq)(true)
				require.Equal(t, uint8(0x30+irq), r.take(t))
				require.False(t, r.intr.level)
				out8(r.PIC(), 0xa0, 0x20)
				out8(r.PIC(), 0x20, 0x20)
			}
			_, ok := r.Acknowledge()
			require.False(t, ok, "nothing pending: nothing happens")
		})
	}
}

func TestPCNMI(t *testing.T) {
	for name, c := range pcs {
		r := newPC(c.lapic, c.ioapic)
		nmi := r.NMILine()
		nmi(true)
		nmi(true)
		require.True(t, r.NMI(), name)
		require.True(t, r.TakeNMI(), name)
		require.False(t, r.TakeNMI(), "%s: one edge, one NMI", name)
		nmi(false)
		r.MaskNMI(true)
		nmi(true)
		require.False(t, r.NMI(), "%s: masked in port 0x70", name)
		r.MaskNMI(false)
		require.True(t, r.TakeNMI(), "%s: the gate opens on an asserted line", name)
	}
}

func TestPCWithALocalAPICDisabledByItsMSR(t *testing.T) {
	r := newPC(true, true)
	require.True(t, r.LAPIC().SetBase(0xfee00000))
	r.IRQ(4)(true)
	require.Equal(t, uint8(0x34), r.take(t), "the 8259 has the INTR pin")
	r.NMILine()(true)
	require.True(t, r.TakeNMI())
}

// A kernel in symmetric mode: 8259s masked, the IOAPIC's entries set.
func TestPCSymmetricMode(t *testing.T) {
	r := newPC(true, true)
	out8(r.PIC(), 0x21, 0xff)
	out8(r.PIC(), 0xa1, 0xff)
	r.redirect(2, 0x30)
	r.redirect(4, 0x34)
	r.redirect(9, 0x8059)
	r.redirect(20, 0x8070)
	for _, c := range []struct {
		irq    int
		vector uint8
		level  bool
	}{{0, 0x30, false}, {4, 0x34, false}, {9, 0x59, true}, {20, 0x70, true}} {
		line := r.IRQ(c.irq)
		line(true)
		require.Equal(t, c.vector, r.take(t), "IRQ %d", c.irq)
		store32(r.LAPIC(), apic+xEOI, 0)
		require.Equal(t, c.level, r.Pending(), "IRQ %d is still asserted", c.irq)
		if c.level {
			r.take(t)
			line(false)
			store32(r.LAPIC(), apic+xEOI, 0)
		}
		require.False(t, r.Pending())
	}
	r.IRQ(2)(true)
	require.False(t, r.Pending(), "2 is the cascade")
}

func TestPCTaskPriorityHoldsBackTheAPICButNotThe8259(t *testing.T) {
	r := newPC(true, true)
	r.LAPIC().SetCR8(15)
	r.redirect(5, 0x50)
	out8(r.PIC(), 0x21, 0x20)
	r.IRQ(5)(true)
	require.False(t, r.intr.level)
	r.IRQ(4)(true)
	require.Equal(t, uint8(0x34), r.take(t))
	r.LAPIC().SetCR8(0)
	require.Equal(t, uint8(0x50), r.take(t))
}

// "Virtual wire mode via the IOAPIC": its input 0 is the 8259, LINT0 masked.
func TestPCVirtualWireThroughTheIOAPIC(t *testing.T) {
	r := newPC(true, true)
	store32(r.LAPIC(), apic+xLINT0, 0x10700)
	r.IRQ(1)(true)
	require.False(t, r.intr.level, "the 8259 is cut off")
	r.IRQ(1)(false)
	r.redirect(0, 0x700)
	r.IRQ(1)(true)
	r.IRQ(3)(true)
	require.Equal(t, uint8(0x31), r.take(t))
	out8(r.PIC(), 0x20, 0x20)
	require.Equal(t, uint8(0x33), r.take(t), "one edge of INT for each")
}

func TestPCRefreshTellsTheLevel(t *testing.T) {
	r := newPC(true, false)
	r.IRQ(4)(true)
	r.intr.level = false // as after a restore, when the CPU's copy is old
	r.Refresh()
	require.True(t, r.intr.level)
}

func TestPCDeviceList(t *testing.T) {
	for name, c := range pcs {
		r := newPC(c.lapic, c.ioapic)
		names := []string{}
		for _, d := range r.Devices() {
			names = append(names, d.Name())
		}
		require.Subset(t, []string{"interrupts", "pic", "lapic", "ioapic"}, names, name)
		require.Empty(t, r.Regions())
		require.Equal(t, uint64(0xffff), r.Read(device.Access{Size: 2}))
		r.Write(device.Access{Size: 2}, 0)
	}
}
