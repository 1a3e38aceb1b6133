// SPDX-License-Identifier: GPL-2.0-or-later

package emu_test

import (
	"bytes"
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/emu"
	"github.com/uklemu/uklemu/emu/device"
	"github.com/uklemu/uklemu/emu/x86"
)

// echoes is a program that sends what it receives on the serial port back, one
// up, and its RDRAND at the start.
var echoes = listing(`
66 ba f8 03             mov dx,0x3f8
48 0f c7 f0             rdrand rax
ee                      out dx,al
66 ba fd 03             mov dx,0x3fd
ec                      in al,dx
a8 01                   test al,0x1
74 fb                   jz d
66 ba f8 03             mov dx,0x3f8
ec                      in al,dx
ff c0                   inc eax
ee                      out dx,al
eb ed                   jmp 9
`)

func echoing(t testing.TB, config emu.Config) *rig {
	t.Helper()
	var err error
	config.CPU, err = x86.ParseCPU("+rdrand")
	require.NoError(t, err)
	r := configuredRig(t, config)
	r.kernel(echoes, nil)
	return r
}

// Machines from one snapshot beside each other, on goroutines of their own, each
// with its console and its input: none hears of another, and the snapshot's
// machine hears of none. The race detector looks on where it is on.
func TestStartedMachinesHaveTheirOwnConsoles(t *testing.T) {
	var first bytes.Buffer
	r := echoing(t, emu.Config{Console: &first, Input: []byte("ab")})
	s := snapshot(t, r.Machine)
	r.on(200)
	require.Equal(t, "bc", first.String()[1:])

	const machines, rounds = 8, 5
	var all sync.WaitGroup
	for i := range machines {
		all.Go(func() {
			for round := range rounds {
				var console bytes.Buffer
				m, err := s.StartWith(emu.Outside{Console: &console, Input: fmt.Appendf(nil, "%d%d", i, round)})
				if err != nil {
					t.Error(err)
					return
				}
				m.Run(emu.Until{Instructions: 200})
				m.Type([]byte("z"))
				m.Run(emu.Until{Instructions: 200})
				m.Close()
				want := fmt.Sprintf("bc%c%c{", '1'+i, '1'+round)
				if console.Len() == 0 || console.String()[1:] != want {
					t.Errorf("machine %d, round %d: %q, not %q", i, round, console.String(), want)
				}
			}
		})
	}
	all.Wait()
	require.Equal(t, "bc", first.String()[1:])
}

// Without anything given a machine writes nowhere, has what was typed before
// the snapshot, and what was given to one that had the memory before is gone.
func TestStartedMachineHasNothingOfTheOneBefore(t *testing.T) {
	var first, second bytes.Buffer
	idle := 0
	r := echoing(t, emu.Config{Console: &first})
	s := snapshot(t, r.Machine)
	m, err := s.StartWith(emu.Outside{Console: &second, Input: []byte("a"), Idle: func(device.Time) bool { idle++; return false }})
	require.NoError(t, err)
	m.Run(emu.Until{Instructions: 100})
	require.Equal(t, "b", second.String()[1:])
	m.Close()

	next, err := s.Start()
	require.NoError(t, err)
	defer next.Close()
	next.Run(emu.Until{Instructions: 100})
	next.Type([]byte("a"))
	next.Run(emu.Until{Instructions: 100})
	state := next.State()
	state.RIP, state.RFLAGS = kernelCode+uint64(len(echoes)), state.RFLAGS|x86.FlagIF
	require.NoError(t, next.WritePhysical(codeAt+uint64(len(echoes)), []byte{0xf4}))
	next.SetState(&state)
	next.Run(emu.Until{Instructions: 100, Time: next.Now() + 1000})
	require.Zero(t, first.Len())
	require.Equal(t, "b", second.String()[1:])
	require.Zero(t, idle)
}

// RDRAND goes on as in the snapshot, or by the seed that a machine is given.
func TestStartedMachineHasItsSeed(t *testing.T) {
	r := echoing(t, emu.Config{Seed: 5})
	s := snapshot(t, r.Machine)
	random := func(o emu.Outside) byte {
		var console bytes.Buffer
		o.Console = &console
		m, err := s.StartWith(o)
		require.NoError(t, err)
		defer m.Close()
		m.Run(emu.Until{Instructions: 10})
		return console.Bytes()[0]
	}
	other := random(emu.Outside{Seed: 6})
	require.Equal(t, other, random(emu.Outside{Seed: 6}))
	same := random(emu.Outside{})
	require.NotEqual(t, other, same)
	require.Equal(t, same, random(emu.Outside{Seed: 5}))
}

// counter is a user's device: a port that counts its reads. Its wire to the
// world, which is no state, is told of each.
type counter struct {
	counterState
	name  string
	reads *int
}

type counterState struct {
	count   uint16
	history [4]struct {
		at   device.Time
		seen bool
	}
}

func (c *counter) Name() string { return c.name }
func (c *counter) Regions() []device.Region {
	return []device.Region{{Space: device.Ports, Base: 0x2f8, Size: 1}}
}
func (c *counter) Write(device.Access, uint64) {}
func (c *counter) State() any                  { return &c.counterState }

func (c *counter) Read(device.Access) uint64 {
	*c.reads++
	c.history[c.count%4].seen = true
	c.count++
	return uint64(c.count)
}

func counterOf(name string, reads *int) func(emu.Board) (device.Device, error) {
	return func(emu.Board) (device.Device, error) { return &counter{name: name, reads: reads}, nil }
}

// counting is a machine with a counter, whose program reads it into EAX, for ever.
func counting(t testing.TB, reads *int) *rig {
	r := configuredRig(t, emu.Config{Devices: []func(emu.Board) (device.Device, error){counterOf("counter", reads)}})
	r.kernel(listing("66 ba f8 02  mov dx,0x2f8\n31 c0  xor eax,eax\nec  in al,dx\neb fd  jmp 6"), nil)
	return r
}

// Each machine has devices of its own, with the state that the snapshot has.
func TestStartedMachinesHaveTheirOwnDevices(t *testing.T) {
	var reads, own int
	r := counting(t, &reads)
	r.on(2 + 2*3)
	s := snapshot(t, r.Machine)
	one, err := s.Start()
	require.NoError(t, err)
	defer one.Close()
	two, err := s.StartWith(emu.Outside{Devices: []func(emu.Board) (device.Device, error){counterOf("counter", &own)}})
	require.NoError(t, err)
	r.on(2 * 10)
	one.Run(emu.Until{Instructions: 2 * 20})
	two.Run(emu.Until{Instructions: 2 * 30})
	for m, want := range map[*emu.Machine]uint64{r.Machine: 13, one: 23, two: 33} {
		require.Equal(t, want, m.State().GPR[x86.RAX])
	}
	require.Equal(t, 3+10+20, reads)
	require.Equal(t, 30, own)
	two.Close() // and is not kept
	three, err := s.Start()
	require.NoError(t, err)
	defer three.Close()
	three.Run(emu.Until{Instructions: 2})
	require.Equal(t, 30, own)

	for name, devices := range map[string][]func(emu.Board) (device.Device, error){
		"counter2 with state":    {counterOf("counter2", &own)},
		"12 devices, this one h": {},
	} {
		_, err = s.StartWith(emu.Outside{Devices: devices})
		require.ErrorContains(t, err, "the snapshot is of another kind of machine")
		_ = name
	}
}

// A function that returns one device for every machine is found out.
func TestDeviceThatMachinesWouldShare(t *testing.T) {
	d := &counter{name: "counter", reads: new(int)}
	r := configuredRig(t, emu.Config{Devices: []func(emu.Board) (device.Device, error){func(emu.Board) (device.Device, error) { return d, nil }}})
	s := snapshot(t, r.Machine)
	_, err := s.Start()
	require.EqualError(t, err, "device counter: its function in Devices returned the same device for another machine; each needs its own")
	_, err = s.StartWith(emu.Outside{Devices: []func(emu.Board) (device.Device, error){counterOf("counter", new(int))}})
	require.NoError(t, err)
}

// odd is a device whose state can be said at will.
type odd struct {
	counter
	state any
}

func (o *odd) State() any { return o.state }

// Devices whose state no snapshot can hold are refused when the machine is made.
func TestDevicesThatNoSnapshotCanHold(t *testing.T) {
	n := 0
	for text, devices := range map[string][]device.Device{
		"device counter: there is another of that name":                   {&counter{name: "counter", reads: &n}, &odd{counter{name: "counter", reads: &n}, &struct{ N uint8 }{}}},
		"device uart: there is another of that name":                      {&counter{name: "uart", reads: &n}},
		`device "": want a name of 1 to 100 bytes`:                        {&counter{name: "", reads: &n}},
		"State is a <nil>; want a pointer to a struct":                    {&odd{counter{name: "odd"}, nil}},
		"State is a emu_test.counterState; want a pointer":                {&odd{counter{name: "odd"}, counterState{}}},
		"State is a *int; want a pointer to a struct":                     {&odd{counter{name: "odd"}, &n}},
		"has a field N of type int; a snapshot needs":                     {&odd{counter{name: "odd"}, &struct{ N int }{}}},
		"has a field A.Text of type string":                               {&odd{counter{name: "odd"}, &struct{ A [2]struct{ Text string } }{}}},
		"has a field Next of type *emu_test.counterState":                 {&odd{counter{name: "odd"}, &struct{ Next *counterState }{}}},
		"has a field queue of type []uint8; a snapshot needs fields of f": {&odd{counter{name: "odd"}, &struct{ queue []byte }{}}},
	} {
		var config emu.Config
		for i, d := range devices {
			if i > 0 {
				d = moved{d}
			}
			config.Devices = append(config.Devices, func(emu.Board) (device.Device, error) { return d, nil })
		}
		_, err := emu.New(config)
		require.ErrorContains(t, err, text)
	}
}

// moved is a device without an address.
type moved struct{ device.Device }

func (moved) Regions() []device.Region { return nil }

// What starts from a kept machine allocates a name for it, and nothing else.
func TestStartOfAKeptMachineAllocatesItsName(t *testing.T) {
	r := scattering(t)
	s := snapshot(t, r.Machine)
	start := func() {
		m, err := s.Start()
		require.NoError(t, err)
		m.Close()
	}
	start()
	require.LessOrEqual(t, testing.AllocsPerRun(100, start), 1.0)
}
