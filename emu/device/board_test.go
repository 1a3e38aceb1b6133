// SPDX-License-Identifier: GPL-2.0-or-later

package device_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/emu/device"
)

// board is a whole PC without its CPU, and what comes out of it.
type board struct {
	*device.Interrupts
	clock   *fakeClock
	list    []device.Device
	uart    *device.UART
	pm      *device.ACPIPM
	outputs []string
}

func newBoard(lapic bool) *board {
	b := &board{clock: &fakeClock{}}
	say := func(what string) func() { return func() { b.outputs = append(b.outputs, what) } }
	cfg := device.InterruptsConfig{IOAPIC: lapic}
	if lapic {
		cfg.LAPIC.Clock = b.clock
		cfg.LAPIC.TSC = 1_500_000_000
	}
	b.Interrupts = device.NewInterrupts(cfg)
	pit := device.NewPIT(b.clock, b.IRQ(0))
	b.uart = device.NewUART(device.UARTConfig{Clock: b.clock, IRQ: b.IRQ(4), Transmit: func(c byte) {
		b.outputs = append(b.outputs, fmt.Sprintf("sent %02x", c))
	}})
	b.pm = device.NewACPIPM(device.ACPIPMConfig{Clock: b.clock, SCI: b.IRQ(device.SCI), PowerOff: say("off")})
	port92 := device.NewPort92(func(level bool) { b.outputs = append(b.outputs, fmt.Sprint("A20 ", level)) }, say("fast reset"))
	b.list = append(b.Devices(), pit, device.NewPort61(b.clock, pit), b.uart, b.pm, port92,
		device.NewRTC(device.RTCConfig{Clock: b.clock, IRQ: b.IRQ(8), NMIMask: b.MaskNMI}),
		device.NewI8042(b.IRQ(1), port92.KeyboardA20, say("keyboard reset")),
		device.NewResetControl(say("reset")),
		device.NewDebugExit(func(v uint32) { b.outputs = append(b.outputs, fmt.Sprint("exit ", v)) }))
	return b
}

// pass lets time pass as the machine does, but gives up on long stretches,
// which devices must also stand.
func (b *board) pass(d device.Time) {
	until := b.clock.now + d
	for range 100 {
		next := until
		for _, t := range b.timed() {
			next = min(next, max(t.Next(), b.clock.now))
		}
		if next == until {
			break
		}
		b.clock.now = next
		b.advance()
	}
	b.clock.now = until
	b.advance()
}

func (b *board) timed() (list []device.Timed) {
	for _, d := range b.list {
		if t, ok := d.(device.Timed); ok {
			list = append(list, t)
		}
	}
	return list
}

func (b *board) advance() {
	for _, t := range b.timed() {
		t.Advance(b.clock.now)
	}
}

// save is a snapshot in bytes, as a file has it.
func (b *board) save(t testing.TB) []byte {
	t.Helper()
	var buf bytes.Buffer
	for _, d := range b.list {
		require.NoError(t, binary.Write(&buf, binary.LittleEndian, d.State()), d.Name())
	}
	return buf.Bytes()
}

func (b *board) restore(t testing.TB, snapshot []byte, now device.Time) {
	t.Helper()
	r := bytes.NewReader(snapshot)
	for _, d := range b.list {
		require.NoError(t, binary.Read(r, binary.LittleEndian, d.State()), d.Name())
	}
	require.Zero(t, r.Len())
	b.clock.now = now
	b.advance()
}

// step does one thing that a guest, a person or time could do, chosen by
// three numbers, and says what came of it.
func (b *board) step(kind uint8, where, value uint64) string {
	d := b.list[where%uint64(len(b.list))]
	switch kind % 8 {
	case 0:
		b.pass(device.Time(value % 3_000_000))
	case 1:
		vector, ok := b.Acknowledge()
		return fmt.Sprint("vector ", vector, ok)
	case 2:
		b.IRQ(int(where % 24))(value&1 != 0)
	case 3:
		return b.outside(where, value)
	default:
		regions := d.Regions()
		if len(regions) == 0 {
			return "no registers"
		}
		r := regions[value>>40%uint64(len(regions))]
		size := 1 << (kind >> 3 & 3)
		a := device.Access{Space: r.Space, Address: r.Base + where>>8%r.Size, Size: size}
		if r.Space == device.Memory && kind&0x20 == 0 {
			a.Address &^= 15 // where registers are
			a.Size = 4
		}
		if kind%8 == 4 {
			return fmt.Sprintf("%s %#x reads %#x", d.Name(), a.Address, d.Read(a))
		}
		d.Write(a, value)
	}
	return ""
}

// outside is what comes from elsewhere than the bus.
func (b *board) outside(where, value uint64) string {
	switch where % 8 {
	case 0:
		return fmt.Sprint("room ", b.uart.Room(), b.uart.Receive([]byte{byte(value), 1, 2}))
	case 1:
		return fmt.Sprint("break ", b.uart.ReceiveBreak())
	case 2:
		b.uart.SetModem(uint8(value))
	case 3:
		b.NMILine()(value&1 != 0)
		return fmt.Sprint("NMI ", b.NMI(), value&2 != 0 && b.TakeNMI())
	case 4:
		b.pm.PowerButton()
	}
	l := b.LAPIC()
	if l == nil {
		return ""
	}
	switch where % 8 {
	case 5:
		return fmt.Sprint("base ", l.SetBase(value), l.Base())
	case 6:
		l.SetTSCDeadline(l.TSC(b.clock.now) + value%1_000_000)
		return fmt.Sprint("deadline ", l.TSCDeadline())
	case 7:
		l.SetCR8(uint8(value & 15))
		l.Raise(device.LVTEntry(value >> 8 % 7))
	}
	return ""
}

// play does n random steps and gives all that could be seen from outside.
func (b *board) play(random *rand.Rand, n int) []string {
	b.outputs = nil
	var seen []string
	for range n {
		seen = append(seen, b.step(uint8(random.Uint32()), random.Uint64(), random.Uint64()))
		seen = append(seen, fmt.Sprint(b.clock.now, b.Pending(), b.NMI()))
		for _, t := range b.timed() {
			seen = append(seen, fmt.Sprint(t.Name(), " next ", t.Next()))
		}
	}
	return append(seen, b.outputs...)
}

func TestStatesAreOfFixedSize(t *testing.T) {
	for _, d := range newBoard(true).list {
		t.Run(d.Name(), func(t *testing.T) {
			require.Equal(t, reflect.Pointer, reflect.TypeOf(d.State()).Kind())
			require.GreaterOrEqual(t, binary.Size(d.State()), 0)
			require.Same(t, d.State(), d.State(), "it is the device's own, not a copy")
		})
	}
}

func TestNamesAndRegionsAreApart(t *testing.T) {
	names := map[string]bool{}
	taken := map[device.Space]map[uint64]string{device.Ports: {}, device.Memory: {}}
	for _, d := range newBoard(true).list {
		require.False(t, names[d.Name()], d.Name())
		names[d.Name()] = true
		for _, r := range d.Regions() {
			for a := r.Base; a < r.Base+r.Size; a++ {
				require.Empty(t, taken[r.Space][a], "%s at %#x", d.Name(), a)
				taken[r.Space][a] = d.Name()
			}
		}
	}
}

// All that changes is in State: a board that is restored, and another one that
// has never seen the past, go on exactly as the first did.
func TestARestoredBoardGoesOnTheSame(t *testing.T) {
	for _, lapic := range []bool{false, true} {
		for seed := range uint64(60) {
			b := newBoard(lapic)
			b.play(rand.New(rand.NewPCG(seed, 1)), 300)
			snapshot, now := b.save(t), b.clock.now
			first := b.play(rand.New(rand.NewPCG(seed, 2)), 300)
			end := b.save(t)

			b.restore(t, snapshot, now)
			second := b.play(rand.New(rand.NewPCG(seed, 2)), 300)
			require.Empty(t, cmp.Diff(first, second), "seed %d", seed)
			require.True(t, bytes.Equal(end, b.save(t)), "seed %d", seed)

			other := newBoard(lapic)
			other.restore(t, snapshot, now)
			require.Empty(t, cmp.Diff(first, other.play(rand.New(rand.NewPCG(seed, 2)), 300)), "seed %d", seed)
		}
	}
}

// Advance after a restore must not change what was saved.
func TestRestoreIsIdempotent(t *testing.T) {
	for seed := range uint64(40) {
		b := newBoard(true)
		b.play(rand.New(rand.NewPCG(seed, 3)), 200)
		b.advance()
		snapshot := b.save(t)
		b.restore(t, snapshot, b.clock.now)
		require.True(t, bytes.Equal(snapshot, b.save(t)), "seed %d", seed)
	}
}

// A device that is advanced late or early ends in the same state as one that
// is advanced on time, so that the moments the machine looks don't matter.
func TestAdvanceDoesNotDependOnHowOften(t *testing.T) {
	for seed := range uint64(40) {
		often, seldom := newBoard(false), newBoard(false)
		for _, b := range []*board{often, seldom} {
			b.play(rand.New(rand.NewPCG(seed, 4)), 150)
		}
		until := often.clock.now + 5*millisecond
		for often.clock.now < until {
			often.clock.now = min(until, often.clock.now+977)
			often.advance()
		}
		seldom.pass(5 * millisecond)
		require.Equal(t, often.clock.now, seldom.clock.now)
		for i, d := range often.list {
			if d.Name() == "pic" || d.Name() == "interrupts" {
				continue // which edges were latched when is compared elsewhere
			}
			require.Empty(t, cmp.Diff(d.State(), seldom.list[i].State()), "%s, seed %d", d.Name(), seed)
		}
	}
}

func FuzzDevices(f *testing.F) {
	f.Add([]byte("the quick brown fox jumps over the lazy dog, and then some more of it"), true)
	f.Add(bytes.Repeat([]byte{0xff, 0x05, 0x80, 0x34}, 60), false)
	f.Add(bytes.Repeat([]byte{0x05, 0x00, 0x04, 0x0c, 0x01}, 80), true)
	f.Fuzz(func(t *testing.T, script []byte, lapic bool) {
		b := newBoard(lapic)
		for ; len(script) >= 12; script = script[12:] {
			where := uint64(binary.LittleEndian.Uint32(script[1:]))
			value := uint64(binary.LittleEndian.Uint32(script[5:])) | uint64(script[9])<<40
			if script[10] == 0xff { // a sleep of days or years
				b.clock.now += device.Time(value) * device.Time(script[11]) << 8
				b.advance()
			}
			b.step(script[0], where, value)
		}
		snapshot := b.save(t)
		b.restore(t, snapshot, b.clock.now)
	})
}
