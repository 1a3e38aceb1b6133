// SPDX-License-Identifier: GPL-2.0-or-later

package space

import (
	"slices"

	"github.com/uklemu/uklemu/emu/x86"
)

// process paints the application half: the mappings of the process whose
// tables these are.
func (k *kernel) process() {
	mm, ok := k.activeMM()
	if !ok {
		k.stackAround(k.userStack(k.current))
		return
	}
	mappings := k.mappings(mm)
	if len(mappings) == 0 {
		k.programParts(mm)
		k.stackAround(k.userStack(k.current))
		return
	}
	program := k.program(mm)
	program.findFile(mappings)
	stacks := k.stackPointers(mm)
	for _, v := range mappings {
		kind, name := program.kind(v)
		for _, s := range stacks {
			if kind == UserMapping && v.contains(s.sp) {
				kind, name = UserStack, s.name
			}
		}
		if kind == UserStack && v.growsDown {
			k.gap(v.start)
		}
		k.owned(v.start, v.end-v.start, kind, name)
	}
}

// activeMM is the mm_struct that the tables belong to.
func (k *kernel) activeMM() (uint64, bool) {
	for _, field := range []string{"mm", "active_mm"} {
		mm, ok := k.fields.FieldWord(k.current, "task_struct", field)
		if !ok || mm == 0 {
			continue
		}
		pgd, ok := k.fields.FieldWord(mm, "mm_struct", "pgd")
		if !ok {
			continue
		}
		// In the middle of a switch, CR3 is still or already another's.
		if m, ok := k.tables.Translate(pgd); ok && m.Physical == k.tables.CR3&addressMask {
			return mm, true
		}
	}
	return 0, false
}

// mapping is a vm_area_struct.
type mapping struct {
	start, end uint64
	growsDown  bool
	executable bool
	file       string
}

func (m mapping) contains(address uint64) bool { return address >= m.start && address < m.end }

// Flags of a vm_area_struct (include/linux/mm.h).
const (
	vmExec      = 0x4
	vmGrowsDown = 0x100
)

// mostMappings bounds how many mappings of a process are listed: the kernel's
// own bound is 65530.
const mostMappings = 1 << 16

// mappings are those of a process, by address: from the maple tree of Linux
// 6.1, or the list that earlier ones have.
func (k *kernel) mappings(mm uint64) []mapping {
	var list []uint64
	if tree, ok := k.fields.At(mm, "mm_struct", "mm_mt"); ok {
		list = k.maple(tree, mostMappings)
	} else if first, ok := k.fields.FieldWord(mm, "mm_struct", "mmap"); ok {
		for v := first; v != 0 && len(list) < mostMappings; {
			list = append(list, v)
			v, _ = k.fields.FieldWord(v, "vm_area_struct", "vm_next")
		}
	}
	var out []mapping
	for _, v := range list {
		start, ok := k.fields.FieldWord(v, "vm_area_struct", "vm_start")
		end, also := k.fields.FieldWord(v, "vm_area_struct", "vm_end")
		if !ok || !also || end <= start || end > k.tables.halfSize() {
			continue
		}
		flags, _ := k.fields.FieldWord(v, "vm_area_struct", "vm_flags")
		out = append(out, mapping{
			start: start, end: end, growsDown: flags&vmGrowsDown != 0, executable: flags&vmExec != 0, file: k.fileOf(v),
		})
	}
	slices.SortFunc(out, func(a, b mapping) int { return int(int64(a.start) - int64(b.start)) })
	return out
}

// fileOf is the last part of the name of the file that is mapped.
func (k *kernel) fileOf(vma uint64) string {
	file, _ := k.fields.FieldWord(vma, "vm_area_struct", "vm_file")
	dentry, _ := k.fields.FieldWord(file, "file", "f_path.dentry")
	name, ok := k.fields.FieldWord(dentry, "dentry", "d_name.name")
	if !ok {
		return ""
	}
	text, _ := k.fields.Text(name, 64)
	return text
}

// program is what an mm_struct knows of the program's parts.
type program struct {
	startCode, endCode, startData, endData, startBrk, brk, startStack, vdso uint64

	file string // that its text is mapped from
}

// findFile sets the file: pages of it that are neither text nor data (the ELF
// header's, say) are the program's too.
func (p *program) findFile(mappings []mapping) {
	for _, v := range mappings {
		if v.executable && v.start < p.endCode && v.end > p.startCode {
			p.file = v.file
		}
	}
}

func (k *kernel) program(mm uint64) program {
	get := func(field string) uint64 {
		v, _ := k.fields.FieldWord(mm, "mm_struct", field)
		return v
	}
	return program{
		startCode: get("start_code"), endCode: get("end_code"), startData: get("start_data"), endData: get("end_data"),
		startBrk: get("start_brk"), brk: get("brk"), startStack: get("start_stack"), vdso: get("context.vdso"),
	}
}

// kind says what a mapping is for.
func (p program) kind(v mapping) (Kind, string) {
	overlaps := func(start, end uint64) bool { return start < end && v.start < end && v.end > start }
	switch {
	case v.contains(p.startStack):
		return UserStack, ""
	case v.start == p.vdso && p.vdso != 0:
		return VDSO, ""
	case v.end == p.vdso && p.vdso != 0:
		return UserMapping, "vvar"
	case v.file != "" && v.executable && overlaps(p.startCode, p.endCode):
		return ProgramText, v.file
	case v.file != "" && v.file == p.file:
		return ProgramData, v.file
	case v.file == "" && p.endData != 0 && v.start == (p.endData+pageSize-1)&^(pageSize-1):
		return ProgramData, "bss"
	case overlaps(p.startBrk, p.brk):
		return Heap, ""
	}
	return UserMapping, v.file
}

// programParts paints what an mm_struct alone tells.
func (k *kernel) programParts(mm uint64) {
	p := k.program(mm)
	for _, part := range []struct {
		start, end uint64
		kind       Kind
	}{
		{p.startCode, p.endCode, ProgramText}, {p.startData, p.endData, ProgramData}, {p.startBrk, p.brk, Heap},
	} {
		if part.start < part.end && part.end <= k.tables.halfSize() {
			start := part.start &^ (pageSize - 1)
			k.region(start, (part.end-start+pageSize-1)&^(pageSize-1), part.kind, "")
		}
	}
}

// gap paints the addresses below a stack that grows which the kernel lets
// nothing be mapped in (mm/mmap.c, stack_guard_gap).
func (k *kernel) gap(stack uint64) {
	n, ok := k.variable("stack_guard_gap")
	if ok && n%pageSize == 0 && n <= stack && n < gib {
		k.owned(stack-n, n, UserStackGuard, "")
	}
}

// pointer is where a thread's stack is in use.
type pointer struct {
	sp   uint64
	name string
}

// stackPointers are those of the threads that have this mm: what the
// outermost frame on the thread stack holds, and for the current one also RSP.
func (k *kernel) stackPointers(mm uint64) []pointer {
	var out []pointer
	for _, t := range k.tasks {
		if own, ok := k.fields.FieldWord(t.at, "task_struct", "mm"); !ok || own != mm {
			continue
		}
		if sp, ok := k.userStack(t.at); ok {
			out = append(out, pointer{sp, "of " + t.name})
		}
	}
	return out
}

// userStack is where a task's stack in the application half is, or was when
// the task was stopped.
func (k *kernel) userStack(task uint64) (uint64, bool) {
	if sp := k.state.GPR[x86.RSP]; task == k.current && sp < k.tables.halfSize() {
		return sp, true
	}
	stack, ok := k.fields.FieldWord(task, "task_struct", "stack")
	offset, also := k.image.Offset("pt_regs", "sp")
	if !ok || !also {
		return 0, false
	}
	top := stack + k.stack
	if t, ok := TopOfStack(k.image, k.fields, k.gs); ok && task == k.current {
		top = t
	}
	sp, ok := k.fields.Word(top - frameSize + uint64(offset))
	return sp, ok && sp < k.tables.halfSize() && sp != 0
}

// frameSize is that of struct pt_regs.
const frameSize = 21 * 8

// stackAround paints the pages around a stack pointer that are mapped, where
// nothing else says how long the stack is.
func (k *kernel) stackAround(sp uint64, ok bool) {
	const most = 8 * mib
	if !ok {
		return
	}
	page := sp &^ (pageSize - 1)
	start, end := page, page
	writable := func(page uint64) bool {
		m, ok := k.tables.Translate(page)
		return ok && m.Rights&Writable != 0
	}
	for end-page < most && end < k.tables.halfSize() && writable(end) {
		end += pageSize
	}
	for start >= pageSize && page-start < most && writable(start-pageSize) {
		start -= pageSize
	}
	k.region(start, end-start, UserStack, "")
}
