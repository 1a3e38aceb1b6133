// SPDX-License-Identifier: GPL-2.0-or-later

package lockstep

import (
	"bytes"
	"debug/elf"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/uklemu/uklemu/corpus"
	"github.com/uklemu/uklemu/emu"
	"github.com/uklemu/uklemu/emu/boot"
	"github.com/uklemu/uklemu/emu/unicorn"
	"github.com/uklemu/uklemu/emu/x86"
)

// kernelMemory is the RAM of the guest. QEMU has trampolineRoom more.
const kernelMemory, trampolineRoom = 128 << 20, 4 << 20

// Point is an instruction of a kernel at which stretches begin.
type Point struct {
	Symbol string
	About  string
	// Arrivals are which ones, from when the first process runs.
	Arrivals []int
}

// Points are the ways in and out of the kernel.
var Points = []Point{
	{"entry_SYSCALL_64", "system call", []int{1, 40, 400, 2000}},
	{"asm_exc_page_fault", "page fault", []int{1, 100, 500}},
	{"asm_exc_int3", "breakpoint", []int{1}},
	{"asm_exc_divide_error", "divide error", []int{1}},
	{"asm_exc_invalid_op", "undefined instruction", []int{1}},
	{"asm_exc_general_protection", "general protection", []int{1, 3}},
	{"arch_do_signal_or_restart", "signal delivery", []int{1, 5, 20, 40}},
	{"__x64_sys_rt_sigreturn", "return from a signal", []int{1, 4, 12, 30}},
	{"__switch_to_asm", "context switch", []int{1, 10, 60, 200}},
	{"switch_mm_irqs_off", "switch of address spaces", []int{2, 20, 100}},
	{"asm_sysvec_apic_timer_interrupt", "timer interrupt", []int{1, 10}},
}

// Kernel is the stock kernel in the emulator.
type Kernel struct {
	*Emulator
	symbols map[string]uint64
	console bytes.Buffer
	// events are those of the last step.
	events   []emu.Event
	at       *Point
	stepping bool
}

// BootKernel brings a guest to its first process.
func BootKernel(name string) (*Kernel, error) {
	found, err := corpus.Find(name)
	if err != nil {
		return nil, err
	}
	if found.Guest == nil {
		return nil, fmt.Errorf("%s is not one of the guests that ship with the project", name)
	}
	cpu, err := x86.ParseCPU(EmulatorCPU)
	if err != nil {
		return nil, err
	}
	k := &Kernel{}
	if k.symbols, err = symbolsOf(found.Path); err != nil {
		return nil, err
	}
	initrd, err := os.ReadFile(found.Guest.Initrd)
	if err != nil {
		return nil, err
	}
	image, err := boot.Open(found.Path)
	if err != nil {
		return nil, err
	}
	defer image.Close()
	m, err := emu.New(emu.Config{Memory: kernelMemory, CPU: cpu, Console: &k.console})
	if err != nil {
		return nil, err
	}
	k.Emulator = &Emulator{m, map[uint64]bool{}}
	m.Observe(func(e emu.Event) { k.events = append(k.events, e) })
	if err := m.Boot(image, boot.Options{Initrd: initrd, CommandLine: found.Guest.Append}); err != nil {
		return nil, errors.Join(err, k.Close())
	}
	if err := k.arrive("entry_SYSCALL_64"); err != nil {
		return nil, errors.Join(err, k.Close())
	}
	return k, nil
}

func symbolsOf(path string) (map[string]uint64, error) {
	f, err := elf.Open(path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	defer f.Close()
	list, err := f.Symbols()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	symbols := map[string]uint64{}
	for _, s := range list {
		symbols[s.Name] = s.Value
	}
	return symbols, nil
}

// arrive runs to the first arrival at a symbol.
func (k *Kernel) arrive(symbol string) error {
	at, ok := k.symbols[symbol]
	if !ok {
		return fmt.Errorf("the kernel has no symbol %s", symbol)
	}
	k.Probe(at, nil)
	defer k.RemoveProbe(at)
	stop := k.Run(emu.Until{})
	k.events = nil
	if stop.Why != emu.StopProbe {
		return fmt.Errorf("on the way to %s: %v; the console ends with %q", symbol, stop, tail(k.console.Bytes()))
	}
	return nil
}

// Watch prepares [Kernel.Next].
func (k *Kernel) Watch(points []Point) error {
	for i := range points {
		p := &points[i]
		at, ok := k.symbols[p.Symbol]
		if !ok {
			return fmt.Errorf("the kernel has no symbol %s", p.Symbol)
		}
		arrivals := 0
		k.Probe(at, func(*emu.Machine) bool {
			if k.stepping {
				return false
			}
			arrivals++
			k.at = p
			return slices.Contains(p.Arrivals, arrivals)
		})
	}
	return nil
}

// Next runs to where the next stretch begins, and returns nil where the guest
// ends.
func (k *Kernel) Next() (*Point, error) {
	k.stepping = false
	stop := k.Run(emu.Until{})
	k.stepping, k.events = true, nil
	switch {
	case stop.Why == emu.StopProbe:
		return k.at, nil
	case stop.Why == emu.StopDebugExit && stop.Code == 0:
		return nil, nil
	}
	return nil, fmt.Errorf("between stretches: %v; the console ends with %q", stop, tail(k.console.Bytes()))
}

func tail(p []byte) []byte { return p[max(0, len(p)-200):] }

// Step forgets the events of the last one.
func (k *Kernel) Step() error {
	k.events = k.events[:0]
	return k.Emulator.Step()
}

// instruction is the one at RIP.
func (k *Kernel) instruction(rip uint64) unicorn.Insn {
	var code [15]byte
	n, _ := k.ReadMemory(rip, code[:])
	return unicorn.Decode(code[:n], 64)
}

// foreign says whether the last step was something that the other machine has
// no part in: an interrupt from a device, an access to one.
func (k *Kernel) foreign() string {
	for _, e := range k.events {
		switch e.Kind {
		case emu.EventInterrupt, emu.EventNMI, emu.EventPort, emu.EventDevice, emu.EventHLT:
			return e.Kind.String()
		}
	}
	return ""
}

// delivered says whether the last step ended with an exception's handler.
func (k *Kernel) delivered() bool {
	return slices.ContainsFunc(k.events, func(e emu.Event) bool { return e.Kind == emu.EventException })
}
