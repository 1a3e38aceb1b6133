// SPDX-License-Identifier: GPL-2.0-or-later

package scenario

import (
	"fmt"

	"github.com/uklemu/uklemu/emu"
	"github.com/uklemu/uklemu/emu/x86"
)

// processes are about more than one task.
var processes = []Scenario{
	{Name: "fork", Does: "a child that makes calls and exits, its parent waiting", Play: fork},
	{Name: "vfork", Does: "a child in its parent's memory", Play: vfork},
	{Name: "thread", Does: "a thread with a stack of its own", Needs: looksAfter, Play: thread},
	{Name: "ordinary program", Does: "a child that becomes an ordinary program, in CPL 3", Play: ordinary},
	{Name: "exec fails", Does: "execve of files that are not there", Play: execFails},
	{Name: "thread-local storage", Does: "FS and GS base set by arch_prctl", Play: bases},
}

// wait waits for a child and gives its status.
func (d *Driver) wait(pid, page uint64) error {
	for {
		v, err := d.Call(sysWait4, pid, page, 0, 0)
		if err != nil {
			return err
		}
		if v == int64(pid) {
			break
		}
		return fmt.Errorf("wait4 for %d: %d", pid, v)
	}
	status, err := d.Word(page)
	if err == nil && uint32(status) != 0 {
		err = fmt.Errorf("the child ended with status %#x", uint32(status))
	}
	return err
}

func (d *Driver) child(number uint64, args ...uint64) error {
	page, err := d.page()
	if err != nil {
		return err
	}
	pid, err := d.Must(number, args...)
	if err != nil {
		return err
	}
	return d.wait(pid, page)
}

func fork(d *Driver) error {
	d.onClone(call(sysGetpid), Step{At: Push}, call(sysSchedYield))
	return d.child(sysFork)
}

func vfork(d *Driver) error {
	d.onClone(call(sysGetpid))
	return d.child(sysVfork)
}

func thread(d *Driver) error {
	// As pthread_create does, but that the thread is waited for as a child.
	const vm, fs, files, sighand, clearTID = 0x100, 0x200, 0x400, 0x800, 0x200000
	const sigchld = 17
	tid, err := d.page() // the kernel writes 0 there when the thread ends
	if err != nil {
		return err
	}
	stack, err := d.memory(8)
	if err != nil {
		return err
	}
	d.onClone(call(sysGetpid), Step{At: Push}, call(sysSchedYield))
	return d.child(sysClone, vm|fs|files|sighand|clearTID|sigchld, stack+8*pageSize-64, 0, tid, 0)
}

func execFails(d *Driver) error {
	page, err := d.page()
	if err != nil {
		return err
	}
	for _, name := range []string{"/nowhere\x00", "/\x00", "\x00"} {
		if err := d.Write(page, []byte(name)); err != nil {
			return err
		}
		v, err := d.Call(sysExecve, page, 0, 0)
		if err != nil {
			return err
		}
		if v >= 0 {
			return fmt.Errorf("execve of %q: %d", name, v)
		}
	}
	v, err := d.Call(sysExecve, 0x10, 0, 0)
	if err == nil && v >= 0 {
		err = fmt.Errorf("execve of a bad pointer: %d", v)
	}
	return err
}

func bases(d *Driver) error {
	const setGS, setFS = 0x1001, 0x1002
	page, err := d.page()
	if err != nil {
		return err
	}
	if err := d.WriteWords(page, page); err != nil {
		return err
	}
	state := d.Machine.State()
	before := state.Seg[x86.FS].Base
	for _, c := range [][2]uint64{{setFS, page}, {setGS, page}, {setFS, before}, {setGS, 0}} {
		if _, err := d.Must(sysArchPrctl, c[0], c[1]); err != nil {
			return err
		}
		if _, err := d.Call(sysSchedYield); err != nil {
			return err
		}
	}
	return nil
}

// ordinary lets a child execute the file that every initrd has. What that
// does in a million instructions is enough.
func ordinary(d *Driver) error {
	page, err := d.page()
	if err != nil {
		return err
	}
	if err := d.Write(page, []byte("/init\x00")); err != nil {
		return err
	}
	if err := d.WriteWords(page+0x100, page, 0); err != nil { // argv
		return err
	}
	d.onClone(call(sysExecve, page, page+0x100, page+0x108))
	pid, err := d.Must(sysFork)
	if err != nil {
		return err
	}
	d.set(call(sysWait4, pid, 0, 0, 0))
	for ran := uint64(0); ran < 5_000_000; {
		before := d.Machine.Instructions()
		stop := d.Machine.Run(emu.Until{Instructions: 5_000_000 - ran})
		ran += d.Machine.Instructions() - before
		if stop.Why == emu.StopLimit || stop.Why == emu.StopDebugExit { // an init that is not the first process gives up
			return nil
		}
		if stop.Why != emu.StopProbe {
			return fmt.Errorf("%w: %v", ErrEnded, stop)
		}
		if d.stream.Current() == d.task {
			return nil // the child has ended
		}
		d.set(d.next(d.stream.Current()))
	}
	return nil
}
