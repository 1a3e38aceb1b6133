// SPDX-License-Identifier: GPL-2.0-or-later

package scenario

import "fmt"

// pointers are arguments that point where they should not.
var pointers = []Scenario{
	{Name: "pointers", Does: "good and bad pointers to calls that read and write the application's memory", Play: pointerArguments},
	{Name: "globals", Does: "pointers to the application's own part of the kernel image", Needs: inKernelMode, Play: globals},
}

// badPointers are addresses that no program has.
func badPointers(d *Driver) map[string]uint64 {
	bad := map[string]uint64{
		"NULL": 0, "the first page": 0x10, "the end of the lower half": 0x7fff_ffff_f000, "its last bytes": 0x7fff_ffff_effc,
		"not canonical": 0x8000_0000_0000_0000 | 1<<40, "just not canonical": 0x0000_8000_0000_0000,
		"the upper half's start": 0xffff_8000_0000_0000, "the last byte": ^uint64(0), "wrapping": ^uint64(0) - 3,
	}
	for name, at := range bad {
		if _, err := d.Machine.Translate(at); err == nil && int64(at) >= 0 {
			delete(bad, name) // it is there, on this kernel
		}
	}
	for _, name := range []string{"do_syscall_64", "init_task", "sys_call_table", "_stext"} {
		if at, ok := d.Image.Address(name); ok {
			bad[name] = at
		}
	}
	return bad
}

func pointerArguments(d *Driver) error {
	page, err := d.memory(2)
	if err != nil {
		return err
	}
	if _, err := d.Must(sysPipe, page); err != nil {
		return err
	}
	fds, err := d.Word(page)
	if err != nil {
		return err
	}
	from, to := fds&0xffffffff, fds>>32
	if _, err := d.Must(sysWrite, to, page+0x100, 64); err != nil {
		return err
	}
	if _, err := d.Must(sysRead, from, page+0x200, 64); err != nil {
		return err
	}
	if _, err := d.Must(sysWrite, to, page+0x100, 64); err != nil { // for the reads below
		return err
	}
	const efault = -14
	report := d.Suite.Find("UA-5")
	for _, name := range sorted(badPointers(d)) {
		bad := badPointers(d)[name]
		for _, c := range []struct {
			name   string
			number uint64
			args   []uint64
		}{
			{"write", sysWrite, []uint64{to, bad, 8}}, {"read", sysRead, []uint64{from, bad, 8}}, {"pipe", sysPipe, []uint64{bad}},
			{"rt_sigaction", sysRtSigaction, []uint64{10, bad, 0, 8}}, {"rt_sigprocmask", sysRtSigprocmask, []uint64{0, bad, 0, 8}},
			{"nanosleep", sysNanosleep, []uint64{bad, 0}}, {"sigaltstack", sysSigaltstack, []uint64{0, bad}},
		} {
			if bad == 0 && (c.number == sysRtSigaction || c.number == sysRtSigprocmask || c.number == sysSigaltstack) {
				continue // there, NULL is not a pointer
			}
			v, err := d.Call(c.number, c.args...)
			if err != nil {
				return fmt.Errorf("%s with %s: %w", c.name, name, err)
			}
			report.That(v == efault || v == -38, fmt.Sprintf("%s with %s (%#x)", c.name, name, bad), "-EFAULT", fmt.Sprint(v))
		}
	}
	return nil
}

func globals(d *Driver) error {
	app := d.Image.Application()
	page, err := d.memory(1)
	if err != nil {
		return err
	}
	if _, err := d.Must(sysPipe, page); err != nil {
		return err
	}
	fds, err := d.Word(page)
	if err != nil {
		return err
	}
	report := d.Suite.Find("UA-4")
	for _, r := range app.BSS {
		// get_user or a copy, and only then a look at the first argument, which is bad
		const badHow, einval = 99, -22
		if r.Size() < 8 {
			continue
		}
		v, err := d.Call(sysRtSigprocmask, badHow, r.Start, 0, 8)
		if err != nil {
			return err
		}
		report.That(v == einval, "rt_sigprocmask from the application's bss", "-EINVAL", fmt.Sprint(v))
		break
	}
	for _, r := range app.ROData {
		v, err := d.Call(sysWrite, fds>>32, r.Start, 8)
		if err != nil {
			return err
		}
		report.That(v == 8, "write from the application's rodata", "8", fmt.Sprint(v))
	}
	for _, r := range app.BSS {
		if r.Size() < 16 {
			continue
		}
		v, err := d.Call(sysRead, fds&0xffffffff, r.End-8, 8)
		if err != nil {
			return err
		}
		report.That(v == 8, "read into the application's bss", "8", fmt.Sprint(v))
		// put_user, by the same rule as the copy
		if v, err = d.Call(sysPipe, r.End-8); err != nil {
			return err
		}
		report.That(v == 0, "pipe into the application's bss", "0", fmt.Sprint(v))
		break
	}
	return nil
}
