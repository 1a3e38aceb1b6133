// SPDX-License-Identifier: GPL-2.0-or-later

package emu_test

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"errors"
	"io"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/emu"
	"github.com/uklemu/uklemu/emu/device"
	"github.com/uklemu/uklemu/emu/unicorn"
	"github.com/uklemu/uklemu/emu/x86"
)

// file is a snapshot's file taken apart, to be put together with right
// checksums.
type file struct {
	line    []byte
	parts   []emu.Part
	bundles []byte
}

func split(b []byte) *file {
	line, parts, bundles := emu.SplitFile(bytes.Clone(b))
	return &file{line, parts, bundles}
}

func (f *file) bytes() []byte { return emu.JoinFile(f.line, f.parts, f.bundles) }

func (f *file) part(t testing.TB, name string) *emu.Part {
	t.Helper()
	for i := range f.parts {
		if string(f.parts[i].Name) == name {
			return &f.parts[i]
		}
	}
	require.FailNow(t, "no such part", name)
	return nil
}

// A file says what is in it: names and layouts can be read without this
// program.
func TestSnapshotFileDescribesItself(t *testing.T) {
	_, b := saved(t)
	require.True(t, bytes.HasPrefix(b, []byte("uklemu snapshot 3\n")))
	f := split(b)
	require.Equal(t, b, f.bytes())
	for name, layout := range map[string]string{
		"image":        "bytes",
		"features":     "text",
		"machine":      "{Memory uint64, TSCHz uint64, Vendor uint8, APICID uint8, NoACPI bool}",
		"device pit":   "{Channel [3]{Base uint64, LoadAt uint64, ",
		"device uart":  "{Data [16]uint8, Flags [16]uint8, Head uint8, ",
		"device lapic": "{Base uint64, ISR [8]uint32, ",
		"cpu":          "{GPR [16]uint64, RIP uint64, RFLAGS uint64, Seg [6]{Selector uint16, Base uint64, Limit uint32, Attr uint32}, ",
	} {
		require.Contains(t, string(f.part(t, name).Layout), layout, name)
	}
	require.Contains(t, string(f.part(t, "features").Value), "+apic,")
	require.EqualValues(t, rigMemory, binary.LittleEndian.Uint64(f.part(t, "machine").Value))
}

// What a file says is looked at, however right its checksums are.
func TestSnapshotFileOfAnotherIsRefused(t *testing.T) {
	_, b := saved(t)
	progress := func(f *file, pages uint32) {
		binary.LittleEndian.PutUint32(f.part(t, "progress").Value[12:], pages)
	}
	for text, change := range map[string]func(f *file){
		`its CPU is of vendor 7`:                     func(f *file) { f.part(t, "machine").Value[16] = 7 },
		`feature "+smop" is not known; known are +`:  func(f *file) { f.part(t, "features").Value = []byte("+smop") },
		`cpu: +tsc-deadline needs +apic`:             func(f *file) { f.part(t, "features").Value = []byte("+tsc-deadline") },
		`memory of 4194305 bytes: want`:              func(f *file) { f.part(t, "machine").Value[0]++ },
		`machine has a boolean that is neither`:      func(f *file) { f.part(t, "machine").Value[18] = 2 },
		`cpu has 3 bytes, its layout`:                func(f *file) { f.part(t, "cpu").Value = []byte{1, 2, 3} },
		`it has no part "core"`:                      func(f *file) { f.part(t, "core").Name = []byte("corn") },
		`it has a part "news", which this build`:     func(f *file) { f.parts = append(f.parts, emu.Part{Name: []byte("news")}) },
		`device modem, which is not among those of`:  func(f *file) { f.parts = append(f.parts, emu.Part{Name: []byte("device modem")}) },
		`there are two parts "image"`:                func(f *file) { f.parts = append(f.parts, f.parts[0]) },
		`device pic was saved by another build: its`: func(f *file) { f.part(t, "device pic").Layout = []byte("{IRR uint8}") },
		`ended by "limit", which is no way to end`:   func(f *file) { f.part(t, "stop").Value = []byte("limit") },
		`ended by "tea", which is no way to end`:     func(f *file) { f.part(t, "stop").Value = []byte("tea") },
		`EFER is 0xd03: bits 0x2 are reserved`:       withState(t, func(s *x86.State) { s.EFER |= 2 }),
		`LMA is not LME with paging`:                 withState(t, func(s *x86.State) { s.EFER &^= x86.EFERLME }),
		`IA-32e mode without PAE`:                    withState(t, func(s *x86.State) { s.CR4 &^= x86.CR4PAE }),
		`paging without protection`:                  withState(t, func(s *x86.State) { s.CR0 &^= x86.CR0PE }),
		`interrupt shadow 3; known are 0 to 2`:       withState(t, func(s *x86.State) { s.Shadow = 3 }),
		`CR4 is `:                                    withState(t, func(s *x86.State) { s.CR4 |= x86.CR4PKE }),
		`TR has attributes 0xffffffff`:               withState(t, func(s *x86.State) { s.TR.Attr = ^uint32(0) }),
		`device uart: 0 characters from 16 in a`:     func(f *file) { f.part(t, "device uart").Value[32] = 16; f.part(t, "device uart").Value[33] = 0 },
		`device rtc: byte 200 of 128 is selected`:    func(f *file) { f.part(t, "device rtc").Value[128] = 200 },
		`more than a machine can`:                    func(f *file) { f.part(t, "progress").Value[7] = 0xff },
		`4294967295 pages of a RAM of 1024`:          func(f *file) { progress(f, ^uint32(0)) },
		`1000 pages are missing`:                     func(f *file) { progress(f, 1000); f.bundles = nil },
		`pages, where 1 are left, and 256 are`:       func(f *file) { progress(f, 1) },
		`something comes after its end`:              nil,
	} {
		t.Run(text, func(t *testing.T) {
			f := split(b)
			var file []byte
			if change != nil {
				change(f)
				file = f.bytes()
			} else {
				file = append(f.bytes(), 0)
			}
			_, err := emu.LoadSnapshot(bytes.NewReader(file), smallImage(t, 0x90), emu.Config{})
			require.ErrorIs(t, err, emu.ErrSnapshotFile)
			require.ErrorContains(t, err, text)
		})
	}
}

// withState changes the CPU's state in a file, which is as encoding/binary
// would have it.
func withState(t testing.TB, change func(*x86.State)) func(f *file) {
	return func(f *file) {
		var s x86.State
		p := f.part(t, "cpu")
		n, err := binary.Decode(p.Value, binary.LittleEndian, &s)
		require.NoError(t, err)
		require.Len(t, p.Value, n)
		change(&s)
		p.Value, err = binary.Append(nil, binary.LittleEndian, &s)
		require.NoError(t, err)
	}
}

// A file of another machine than the one that is asked for is refused.
func TestSnapshotFileOfAnotherMachine(t *testing.T) {
	_, b := saved(t)
	other := x86.DefaultCPU()
	other.Features = other.Features.With(x86.SMAP, false)
	for text, config := range map[string]emu.Config{
		"its machine has 4096 KiB of RAM, asked for are 8192":    {Memory: 2 * rigMemory},
		"its machine's CPU has +smap besides":                    {CPU: other},
		"its machine has ACPI, asked for is one without":         {NoACPI: true},
		`it has no part "device counter"`:                        {Devices: []func(emu.Board) (device.Device, error){counterOf("counter", new(int))}},
		"Console, Input, Idle and Seed are a machine's own: Sta": {Console: io.Discard},
	} {
		_, err := emu.LoadSnapshot(bytes.NewReader(b), smallImage(t, 0x90), config)
		require.ErrorContains(t, err, text)
	}
	s, err := emu.LoadSnapshot(bytes.NewReader(b), smallImage(t, 0x90), emu.Config{Memory: rigMemory, CPU: x86.DefaultCPU()})
	require.NoError(t, err)
	s.Close()
}

// A device of the user's takes part with all it has, and must be there when the
// file is loaded, the same that it was.
func TestUsersDeviceIsInTheFile(t *testing.T) {
	image, n := smallImage(t, 0x90), 0
	r := counting(t, &n)
	r.on(2 + 2*5)
	r.SetFPU(&unicorn.FPU{Control: 0x37f, MXCSR: 0x1f80})
	b := saveOf(t, image, r.Machine)
	require.Equal(t, "{count uint16, history [4]{at uint64, seen bool}}", string(split(b).part(t, "device counter").Layout))
	with := func(d ...func(emu.Board) (device.Device, error)) emu.Config { return emu.Config{Devices: d} }

	s, err := emu.LoadSnapshot(bytes.NewReader(b), image, with(counterOf("counter", &n)))
	require.NoError(t, err)
	defer s.Close()
	m, err := s.Start()
	require.NoError(t, err)
	defer m.Close()
	require.Equal(t, b, saveOf(t, image, m))
	m.Run(emu.Until{Instructions: 2})
	require.EqualValues(t, 6, m.State().GPR[x86.RAX])

	f := split(b)
	f.part(t, "device counter").Value[2+8] = 3 // history[0].seen
	for text, c := range map[string]struct {
		file   []byte
		config emu.Config
	}{
		"has a device counter, which is not among those of Config.Devices": {b, emu.Config{}},
		`it has no part "device counter2"`:                                 {b, with(counterOf("counter2", &n))},
		"its layout there is {count uint16, history [4]{at uint64, seen bool}}, here it is {N uint8}": {b,
			with(func(emu.Board) (device.Device, error) {
				return &odd{counter{name: "counter"}, &struct{ N uint8 }{}}, nil
			})},
		"device counter has a boolean that is neither 0 nor 1": {f.bytes(), with(counterOf("counter", &n))},
		"device counter: I am never content":                   {b, with(func(emu.Board) (device.Device, error) { return grumbler{&counter{name: "counter"}}, nil })},
	} {
		_, err := emu.LoadSnapshot(bytes.NewReader(c.file), image, c.config)
		require.ErrorIs(t, err, emu.ErrSnapshotFile)
		require.ErrorContains(t, err, text)
	}
}

// grumbler is a device that refuses every state.
type grumbler struct{ *counter }

func (grumbler) Check(device.Time) error { return errors.New("I am never content") }

// A bundle that would expand to more than its pages is not expanded further,
// one that has less is torn, and a claim of memory costs none.
func TestSnapshotFileThatExpands(t *testing.T) {
	_, b := saved(t)
	bomb := func(size int) []byte {
		var out bytes.Buffer
		z, err := flate.NewWriter(&out, flate.BestCompression)
		require.NoError(t, err)
		_, err = z.Write(make([]byte, size))
		require.NoError(t, err)
		require.NoError(t, z.Close())
		return out.Bytes()
	}
	bundle := func(pages int, data []byte) []byte {
		out := binary.LittleEndian.AppendUint32(nil, uint32(pages))
		out = binary.LittleEndian.AppendUint32(out, uint32(len(data)))
		for i := range pages {
			out = binary.LittleEndian.AppendUint32(out, uint32(i))
		}
		return append(out, data...)
	}
	f := split(b)
	load := func(pages int, bundles ...[]byte) error {
		binary.LittleEndian.PutUint32(f.part(t, "progress").Value[12:], uint32(pages))
		f.bundles = bytes.Join(bundles, nil)
		_, err := emu.LoadSnapshot(bytes.NewReader(f.bytes()), smallImage(t, 0x90), emu.Config{})
		return err
	}
	var before, after runtime.MemStats
	eight := bundle(2, bomb(8<<20))
	runtime.ReadMemStats(&before)
	require.ErrorContains(t, load(2, eight), "page 1 is not the last of its bundle")
	runtime.ReadMemStats(&after)
	require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(1<<20))
	require.ErrorContains(t, load(2, bundle(2, append(bomb(2*4096), 0))), "page 1 is not the last of its bundle")
	require.ErrorContains(t, load(2, bundle(2, bomb(2*4096-1))), "page 1: unexpected EOF")
	require.ErrorContains(t, load(2, bundle(2, []byte("no such thing"))), "page 0: ")
	require.ErrorContains(t, load(2, bundle(1, bomb(4096)), bundle(1, bomb(4096))), "page 0 where 1 to 1023 can be")
	require.ErrorContains(t, load(257, bundle(257, bomb(257*4096))), "a bundle of 257 pages")
	require.ErrorContains(t, load(1, bundle(1, make([]byte, 4096+2000))), "1 pages in 6096 bytes, where 5120 are the most")
	require.NoError(t, load(2, bundle(2, bomb(2*4096))))
	require.NoError(t, load(0))

	// A length of 4 GiB, and nothing behind it.
	runtime.ReadMemStats(&before)
	_, err := emu.LoadSnapshot(bytes.NewReader([]byte("uklemu snapshot 3\n\xff\xff\xff\xff")), smallImage(t, 0x90), emu.Config{})
	require.ErrorContains(t, err, "it is torn")
	runtime.ReadMemStats(&after)
	require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(1<<20))
}

// How a machine ended is how the one from its file has ended.
func TestEndedMachineIsSaved(t *testing.T) {
	for name, c := range map[string]struct {
		code []byte
		stop string
	}{
		"debug exit": {listing("b0 05  mov al,5\ne6 f4  out 0xf4,al"), "debug-exit 5"},
		"reset":      {listing("b0 fe  mov al,0xfe\ne6 64  out 0x64,al"), "reboot"},
		"halt":       {listing("f4  hlt"), "halt"},
		"error":      {listing("48 b8 00 00 40 00 00 80 ff ff  mov rax,0xffff800000400000\nff e0  jmp rax"), "error: the CPU executes at 0xffff800000400000, physical 0x400000, where there is no memory"},
	} {
		t.Run(name, func(t *testing.T) {
			r := bareRig(t, "")
			r.kernel(c.code, nil)
			if name == "error" {
				r.mapPage(high+rigMemory, rigMemory, 0, pteP|pteW)
			}
			require.Equal(t, c.stop, r.Run(emu.Until{Instructions: 100}).String())
			s, err := emu.LoadSnapshot(bytes.NewReader(saveOf(t, smallImage(t, 1), r.Machine)), smallImage(t, 1), emu.Config{})
			require.NoError(t, err)
			defer s.Close()
			m, err := s.Start()
			require.NoError(t, err)
			defer m.Close()
			require.Equal(t, c.stop, m.Run(emu.Until{}).String())
		})
	}
}
