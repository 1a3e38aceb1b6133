// SPDX-License-Identifier: GPL-2.0-or-later

package emu_test

import (
	"fmt"
	"log"
	"os"
	"strings"

	"github.com/uklemu/uklemu/emu"
	"github.com/uklemu/uklemu/emu/boot"
	"github.com/uklemu/uklemu/emu/symbols"
	"github.com/uklemu/uklemu/internal/cache"
)

// The stock kernel that "make guests" builds takes its tour: 76 things that a
// kernel does for its programs, a line of the console for each.
func Example() {
	image, err := boot.Open(cache.Guest("stock", "vmlinux"))
	if err != nil {
		log.Fatal(err)
	}
	defer image.Close()
	initrd, err := os.ReadFile(cache.Guest("stock", "tour.cpio"))
	if err != nil {
		log.Fatal(err)
	}

	console := new(strings.Builder)
	machine, err := emu.New(emu.Config{Console: console})
	if err != nil {
		log.Fatal(err)
	}
	defer machine.Close()
	err = machine.Boot(image, boot.Options{Initrd: initrd, CommandLine: "console=ttyS0"})
	if err != nil {
		log.Fatal(err)
	}
	stop := machine.Run(emu.Until{})

	fmt.Println(stop)
	fmt.Println("fork and wait:", strings.Contains(console.String(), "tour: fork and wait ok"))
	// Output:
	// debug-exit 0
	// fork and wait: true
}

// A machine is booted once; from a snapshot of it others start in no time,
// and every one of them does the same.
func Example_snapshot() {
	image, err := boot.Open(cache.Guest("stock", "vmlinux"))
	if err != nil {
		log.Fatal(err)
	}
	defer image.Close()
	table, err := symbols.Load(image, image.Size())
	if err != nil {
		log.Fatal(err)
	}
	machine, err := emu.New(emu.Config{Memory: 64 << 20})
	if err != nil {
		log.Fatal(err)
	}
	defer machine.Close()
	if err := machine.Boot(image, boot.Options{}); err != nil {
		log.Fatal(err)
	}

	start, _ := table.Address("start_kernel")
	machine.Probe(start, nil)
	stop := machine.Run(emu.Until{})
	fmt.Println(stop.Why, table.Name(stop.Address))

	snapshot, err := machine.Snapshot()
	if err != nil {
		log.Fatal(err)
	}
	defer snapshot.Close()
	seen := map[uint64]int{}
	for range 3 {
		another, err := snapshot.Start()
		if err != nil {
			log.Fatal(err)
		}
		another.Run(emu.Until{Instructions: 100_000})
		seen[another.State().RIP]++
		another.Close()
	}
	fmt.Println("places that three runs came to:", len(seen))
	// Output:
	// probe start_kernel
	// places that three runs came to: 1
}

// The README's lines: stop somewhere, keep the machine, interfere, go back.
func ExampleMachine_InterruptAt() {
	image, err := boot.Open(cache.Guest("stock", "vmlinux"))
	if err != nil {
		log.Fatal(err)
	}
	defer image.Close()
	table, err := symbols.Load(image, image.Size())
	if err != nil {
		log.Fatal(err)
	}
	machine, err := emu.New(emu.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer machine.Close()
	if err := machine.Boot(image, boot.Options{CommandLine: "console=ttyS0"}); err != nil {
		log.Fatal(err)
	}

	address, _ := table.Address("kernel_init")
	machine.Probe(address, nil)
	fmt.Println(machine.Run(emu.Until{}).Why)
	machine.RemoveProbe(address)

	snapshot, err := machine.Snapshot()
	if err != nil {
		log.Fatal(err)
	}
	defer snapshot.Close()
	disturbed := func() uint64 {
		machine.InterruptAt(1000, 0x30)
		machine.Run(emu.Until{Instructions: 1_000_000})
		return machine.State().RIP
	}
	first := disturbed()
	if err := machine.Restore(snapshot); err != nil {
		log.Fatal(err)
	}
	fmt.Println("the same run again:", disturbed() == first)
	// Output:
	// probe
	// the same run again: true
}

// Whatever the machine does beside executing plain instructions is an event
// for who wants to know.
func ExampleMachine_Observe() {
	image, err := boot.Open(cache.Guest("stock", "vmlinux"))
	if err != nil {
		log.Fatal(err)
	}
	defer image.Close()
	machine, err := emu.New(emu.Config{Memory: 64 << 20})
	if err != nil {
		log.Fatal(err)
	}
	defer machine.Close()
	if err := machine.Boot(image, boot.Options{CommandLine: "console=ttyS0"}); err != nil {
		log.Fatal(err)
	}

	count := map[emu.EventKind]int{}
	machine.Observe(func(e emu.Event) { count[e.Kind]++ })
	machine.Run(emu.Until{Instructions: 30_000_000})

	fmt.Println("it writes control registers:", count[emu.EventControl] > 0)
	fmt.Println("it writes MSRs:", count[emu.EventMSR] > 0)
	fmt.Println("it talks to ports:", count[emu.EventPort] > 0)
	// Output:
	// it writes control registers: true
	// it writes MSRs: true
	// it talks to ports: true
}
