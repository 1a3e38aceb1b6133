// SPDX-License-Identifier: GPL-2.0-or-later

package scenario

import (
	"errors"

	"github.com/uklemu/uklemu/emu/x86"
)

// lostInterrupts are about interrupts whose frame can't be pushed. The CPU has
// acknowledged them by then, and they do not come again.
var lostInterrupts = []Scenario{
	{Name: "lost interrupts", Does: "a timer's interrupt that arrives where the application's stack is missing", Needs: looksAfterAlarms, Play: lost},
}

// lost waits for an alarm with a stack that no frame can be pushed on. The
// timer's interrupt has to be handled nevertheless, and the next ones have to come.
func lost(d *Driver) error {
	const real, sigalrm = 0, 14
	page, err := d.page()
	if err != nil {
		return err
	}
	if err := d.handle(page, sigalrm, Signal, saNoDefer); err != nil {
		return err
	}
	report := d.Suite.Find("IR-12")
	for range 3 {
		stack, err := d.memory(3)
		if err != nil {
			return err
		}
		if err := d.touch(stack+2*pageSize, pageSize); err != nil {
			return err
		}
		if err := d.WriteWords(page+0x100, 0, 0, 0, 2000); err != nil { // struct itimerval, in microseconds
			return err
		}
		if _, err := d.Must(sysSetitimer, real, page+0x100, 0); err != nil {
			return err
		}
		_, err = d.Do(patterns(onStack(Step{At: Spin}, stack+2*pageSize)))
		if errors.Is(err, ErrLost) || errors.Is(err, ErrEnded) {
			report.Breaks("an alarm, after an interrupt whose frame could not be pushed", "its signal", err.Error())
			return nil
		}
		if err != nil {
			return err
		}
		state := d.Machine.State()
		report.That(state.RIP == d.Board.At(Signal), "an alarm", "its handler", d.Image.Symbols.Name(state.RIP))
		if _, err := d.Do(Step{At: Nops, Set: map[int]uint64{x86.RSP: page + pageSize - 64}}); err != nil {
			return err
		}
	}
	return nil
}
