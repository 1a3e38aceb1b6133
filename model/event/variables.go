// SPDX-License-Identifier: GPL-2.0-or-later

package event

import (
	"fmt"

	"github.com/uklemu/uklemu/model/image"
)

// variables are where the kernel keeps what every event shows.
type variables struct {
	gs                     uint64 // the kernel's GS base
	tail                   uint64 // return_to_ukl_ret, 0 if there is none
	current, top, preempt  uint64 // addresses of per-CPU variables
	tracking, stack, flags int64  // offsets in task_struct; -1 if there is none
}

func (v *variables) find(img *image.Image, gs uint64) error {
	v.preempt, _ = img.PerCPUAddress("__preempt_count", gs) // a kernel that never preempts itself may have none
	for _, p := range []struct {
		name string
		at   *uint64
	}{{"current_task", &v.current}, {"cpu_current_top_of_stack", &v.top}} {
		at, ok := img.PerCPUAddress(p.name, gs)
		if !ok {
			return fmt.Errorf("%s: no per-CPU variable %s: it takes a kernel 6.1 for x86-64 with its symbols", img.Name, p.name)
		}
		*p.at = at
	}
	for _, p := range []struct {
		name string
		at   *int64
	}{{"ukl_thread", &v.tracking}, {"stack", &v.stack}, {"thread_info.flags", &v.flags}} {
		at, ok := img.Offset("task_struct", p.name)
		if !ok {
			at = -1
		}
		*p.at = at
	}
	return nil
}
