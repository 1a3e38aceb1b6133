// SPDX-License-Identifier: GPL-2.0-or-later

package cost

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/uklemu/uklemu/corpus"
	"github.com/uklemu/uklemu/emu"
	"github.com/uklemu/uklemu/emu/boot"
	"github.com/uklemu/uklemu/emu/x86"
)

// application makes the calls.
const application = "null"

// Guests are those whose application makes the calls, the one without options
// first.
func Guests() ([]corpus.Guest, error) {
	all, err := corpus.Guests()
	all = slices.DeleteFunc(all, func(g corpus.Guest) bool { return !slices.Contains(g.Applications, application) })
	slices.SortStableFunc(all, func(a, b corpus.Guest) int { return len(a.Options) - len(b.Options) })
	if len(all) == 0 {
		return nil, errors.Join(errors.New("no guest has the application null: make guests builds them"), err)
	}
	return all, nil
}

// where is a machine that guests are booted in: they write to the console, and
// more is for the end of their command line.
type where func(g corpus.Guest, more string, console io.Writer) error

// instructions are cycles where the time stamp counter counts instructions.
func (run where) instructions(g corpus.Guest) (Costs, error) {
	var console strings.Builder
	err := run(g, "", &console)
	costs, _ := cycles(console.String())
	return costs, err
}

// byGuest is the time that the guest's clock says, where that is the host's.
func (run where) byGuest(g corpus.Guest) (Costs, error) {
	var console strings.Builder
	err := run(g, "", &console)
	costs, perMicrosecond := cycles(console.String())
	if err == nil && perMicrosecond == 0 {
		err = fmt.Errorf("%s does not say how long a cycle is", g.Name)
	}
	for call, cost := range costs {
		costs[call] = cost * 1000 / perMicrosecond
	}
	return costs, err
}

// byWatch is the time that the host's clock says. Each kind of call is made so many rounds.
func (run where) byWatch(rounds int) func(corpus.Guest) (Costs, error) {
	return func(g corpus.Guest) (Costs, error) {
		w := newWatch(time.Now)
		err := run(g, "rounds="+strconv.Itoa(rounds), w)
		return w.costs, err
	}
}

// emulator is ours.
func emulator(g corpus.Guest, more string, console io.Writer) error {
	image, err := boot.Open(g.Vmlinux)
	if err != nil {
		return err
	}
	initrd, err := os.ReadFile(g.Initrd)
	if err != nil {
		return err
	}
	cpu, err := x86.ParseCPU("")
	if err != nil {
		return err
	}
	m, err := emu.New(emu.Config{CPU: cpu, Console: console})
	if err != nil {
		return err
	}
	defer m.Close()
	if err := m.Boot(image, boot.Options{Initrd: initrd, CommandLine: g.Append + " " + more}); err != nil {
		return err
	}
	// Some hundred times what it takes: a guest that hangs ends there.
	stop := m.Run(emu.Until{Instructions: 1_000_000_000_000})
	if stop.String() != "debug-exit 0" {
		return fmt.Errorf("%s in the emulator: %v", g.Name, stop)
	}
	return nil
}

// qemu is qemu-system-x86_64 with these arguments besides.
func qemu(arguments ...string) where {
	return func(g corpus.Guest, more string, console io.Writer) error {
		command := exec.Command("qemu-system-x86_64", append([]string{"-accel", "tcg", "-cpu", "max", "-m", "256",
			"-display", "none", "-serial", "stdio", "-no-reboot", "-device", "isa-debug-exit,iobase=0xf4,iosize=4",
			"-kernel", g.BzImage, "-initrd", g.Initrd, "-append", g.Append + " no_timer_check " + more}, arguments...)...)
		command.Stdout = console
		err := command.Run()
		if exit := (*exec.ExitError)(nil); errors.As(err, &exit) && exit.ExitCode() == 1 { // isa-debug-exit: 0 twice and 1
			return nil
		}
		return fmt.Errorf("%s under QEMU: %w", g.Name, err)
	}
}
