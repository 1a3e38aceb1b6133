// SPDX-License-Identifier: GPL-2.0-or-later

package scenario

import (
	"fmt"

	"github.com/uklemu/uklemu/emu/x86"
)

// leftovers are what one task leaves to another, or to nobody.
var leftovers = []Scenario{
	{Name: "flags of another task", Does: "a parent that waits with AC and NT set, its child in between", Play: inherited},
	{Name: "a thread's last write", Does: "a thread that ends, with the address that is zeroed then in the kernel", Needs: looksAfter, Play: lastWrite},
}

func inherited(d *Driver) error {
	page, err := d.page()
	if err != nil {
		return err
	}
	d.onClone(call(sysSchedYield), call(sysGetpid), call(sysSchedYield))
	pid, err := d.Must(sysFork)
	if err != nil {
		return err
	}
	for _, s := range []Step{call(sysSchedYield), call(sysWait4, pid, page, 0, 0)} {
		s.Change = func(state *x86.State) { state.RFLAGS |= x86.FlagAC | x86.FlagNT }
		if _, err := d.Do(s); err != nil {
			return err
		}
	}
	_, err = d.Do(Step{At: Nops, Change: func(state *x86.State) { state.RFLAGS &^= x86.FlagAC | x86.FlagNT }})
	return err
}

// lastWrite is CVE-2010-4258 and its like: the end of a task does as the task
// was told by set_tid_address, whose argument nobody has looked at.
func lastWrite(d *Driver) error {
	const vm, fs, files, sighand, sigchld = 0x100, 0x200, 0x400, 0x800, 17
	victim, ok := d.Image.Address("page_offset_base")
	if !ok {
		return nil
	}
	victim += 4 // the half of it that is not zero
	was, err := d.Word(victim - 4)
	if err != nil {
		return err
	}
	stack, err := d.memory(4)
	if err != nil {
		return err
	}
	d.onClone(call(sysSetTidAddress, victim), call(sysGetpid))
	err = d.child(sysClone, vm|fs|files|sighand|sigchld, stack+4*pageSize-64, 0, 0, 0)
	now, _ := d.Word(victim - 4)
	d.Suite.Find("UA-7").That(was == now, "page_offset_base, behind a thread's end", fmt.Sprintf("%#x", was), fmt.Sprintf("%#x", now))
	return err
}
