// SPDX-License-Identifier: GPL-2.0-or-later

package space

import (
	"github.com/uklemu/uklemu/emu/symbols"
	"github.com/uklemu/uklemu/emu/x86"
	"github.com/uklemu/uklemu/model/image"
)

// Where things are in the kernel by hand. It runs an application of two
// threads, and has one mistake: the guard of the NMI's stack is mapped.
const (
	text, rodata, data, bss = 0xffff_ffff_8100_0000, 0xffff_ffff_8120_0000, 0xffff_ffff_8140_0000, 0xffff_ffff_8150_0000
	stackOne, stackTwo      = 0xffff_c900_0000_8000, 0xffff_c900_0001_0000
	hardirq                 = 0xffff_c900_0000_0000
	cea                     = 0xffff_fe00_0000_1000
	direct                  = 0xffff_8880_0000_0000

	taskOne, taskTwo, taskZero = data + 0x100, data + 0x180, data + 0x200
	mmAt, signalAt             = data + 0x280, data + 0x340
	vmas, leafNode             = data + 0x1000, data + 0x2000
	vmapList, vmapAreas        = data + 0x380, data + 0x400
	fileAt, dentryAt, nameAt   = data + 0x600, data + 0x640, data + 0x680

	userText, userHeap, userStack, userThread = 0x40_0000, 0x60_0000, 0x7fff_ffff_0000, 0x7fff_0000_0000
)

// fields that a kernel by hand has.
var fields = map[string]int64{
	"task_struct.stack": 0, "task_struct.comm": 8, "task_struct.pid": 24, "task_struct.mm": 32, "task_struct.active_mm": 40,
	"task_struct.tasks": 48, "task_struct.signal": 64, "task_struct.thread_node": 72,
	"signal_struct.thread_head": 0,
	"mm_struct.pgd":             0, "mm_struct.mm_mt": 8, "mm_struct.start_code": 32, "mm_struct.end_code": 40, "mm_struct.start_data": 48,
	"mm_struct.end_data": 56, "mm_struct.start_brk": 64, "mm_struct.brk": 72, "mm_struct.start_stack": 80, "mm_struct.context.vdso": 88,
	"maple_tree.ma_root": 8, "maple_range_64.pivot": 8, "maple_range_64.slot": 128, "maple_arange_64.pivot": 8, "maple_arange_64.slot": 80,
	"vm_area_struct.vm_start": 0, "vm_area_struct.vm_end": 8, "vm_area_struct.vm_flags": 16, "vm_area_struct.vm_file": 24,
	"file.f_path.dentry": 8, "dentry.d_name.name": 16,
	"vmap_area.va_start": 0, "vmap_area.va_end": 8, "vmap_area.list": 16, "vmap_area.vm": 32,
	"vm_struct.flags": 0, "vm_struct.caller": 8,
	"pt_regs.sp":         0x98,
	"cpu_entry_area.gdt": 0, "cpu_entry_area.estacks": 0x4000,
	"cea_exception_stacks.DF_stack_guard": 0, "cea_exception_stacks.DF_stack": 0x1000,
	"cea_exception_stacks.NMI_stack_guard": 0x3000, "cea_exception_stacks.NMI_stack": 0x4000,
	"cea_exception_stacks.VC_stack_guard": 0x6000, "cea_exception_stacks.VC_stack": 0x7000, "cea_exception_stacks.IST_top_guard": 0x7000,
}

func byHand() handImage {
	at := func(address uint64) symbols.Symbol { return symbols.Symbol{Address: address} }
	return handImage{
		symbols: map[string]symbols.Symbol{
			"_stext": at(text), "_etext": at(text + 0x6000), "__entry_text_start": at(text + 0x1000), "__entry_text_end": at(text + 0x1800),
			"__start_rodata": at(rodata), "__end_rodata": at(rodata + 0x2000),
			"_sdata": at(data), "_edata": at(data + 0x8000), "__bss_start": at(bss), "__bss_stop": at(bss + 0x1800),
			"init_task": at(taskZero), "vmap_area_list": at(vmapList), "stack_guard_gap": at(data + 0x20),
			"fixed_percpu_data": {Address: data + 0x40, Size: 48},
			"alloc_something":   {Name: "alloc_something", Address: text + 0x40, Size: 0x40},
		},
		sections: []symbols.Section{
			{Name: ".text", Address: text, Size: 0x6000, Allocated: true, Executable: true},
			{Name: ".rodata", Address: rodata, Size: 0x2000, Allocated: true, Writable: true},
			{Name: ".data", Address: data, Size: 0x8000, Allocated: true, Writable: true},
			{Name: ".bss", Address: bss, Size: 0x2000, Allocated: true, Writable: true, NoBits: true},
			{Name: ".comment", Size: 16},
		},
		fields: fields,
		enums:  map[string]int64{"FIX_APIC_BASE": 514},
		perCPU: map[string]uint64{"current_task": data, "cpu_current_top_of_stack": data + 8, "hardirq_stack_ptr": data + 16},
		app: &image.App{
			Text: []image.Range{{Start: text + 0x5000, End: text + 0x5800}}, ROData: []image.Range{{Start: rodata + 0x1000, End: rodata + 0x1100}},
			Data: []image.Range{{Start: data + 0x2800, End: data + 0x2900}}, BSS: []image.Range{{Start: bss + 0x1000, End: bss + 0x1010}},
		},
	}
}

// inWorld makes the machine that runs it.
func (k handImage) inWorld() *world {
	w := newWorld(4)
	for page := uint64(0x2000); page < 0x2010; page++ { // of the direct map
		w.page(page)
	}
	w.setEntry(w.way(direct, 3), rw|entryPS|entryNX|entryGlobal)
	w.mapImage()
	w.mapStacks()
	w.mapProcess()
	w.put(fixmapTop-514*pageSize, 0xfee0_0000, 1, rw|entryNX|entryGlobal)
	w.put(vsyscallPage, 0x5000, 1, entryPresent|entryUser)

	w.write(data, taskOne, stackOne+4*pageSize, hardirq+4*pageSize-8)
	w.write(data+0x20, 16*pageSize)
	w.tasks()
	w.vmallocAreas()
	return w
}

func (w *world) mapImage() {
	w.setEntry(w.way(text, 2), 0x1_0000_0000|ro|entryPS|entryGlobal|entryAccessed)
	w.ram(rodata, 2, ro|entryNX|entryGlobal)
	w.ram(data, 8, rw|entryNX|entryGlobal|entryAccessed|entryDirty)
	w.ram(bss, 2, rw|entryNX|entryGlobal)
}

func (w *world) mapStacks() {
	for _, stack := range []uint64{stackOne, stackTwo, hardirq} {
		w.ram(stack, 4, rw|entryNX|entryGlobal)
	}
	w.ram(cea-pageSize, 2, ro|entryNX|entryGlobal)   // IDT, GDT
	w.ram(cea+pageSize, 1, rw|entryNX|entryGlobal)   // entry stack
	w.ram(cea+2*pageSize, 1, ro|entryNX|entryGlobal) // TSS
	w.ram(cea+0x5000, 2, rw|entryNX|entryGlobal)     // IST 1
	w.ram(cea+0x7000, 3, rw|entryNX|entryGlobal)     // IST 2 and what should be its guard
	w.state.IDTR = x86.Table{Base: cea - pageSize, Limit: 16*20 - 1}
	w.state.GDTR = x86.Table{Base: cea, Limit: 127}
	w.state.TR = x86.Segment{Base: cea + 2*pageSize, Limit: 0x67, Attr: x86.AttrP}
	tss := w.state.TR.Base
	w.write(tss+4, cea+2*pageSize)                                                             // sp0
	for n, top := range map[uint64]uint64{1: cea + 0x7000, 2: cea + 0xa000, 3: cea + 0xb000} { // #VC has nothing
		w.write(tss+0x24+8*(n-1), top)
	}
	const gate = 0x8e00 << 32
	w.write(w.state.IDTR.Base+16*8, gate|1<<32)
	w.write(w.state.IDTR.Base+16*2, gate|2<<32)
	w.write(w.state.IDTR.Base+16*18, gate|2<<32)
}

func (w *world) mapProcess() {
	w.ram(userText, 2, entryPresent|entryUser)
	w.ram(userHeap+pageSize, 1, rw|entryUser|entryNX)
	w.ram(userStack+3*pageSize, 1, rw|entryUser|entryNX|entryAccessed|entryDirty)
	w.ram(userThread, 1, rw|entryUser|entryNX)
	w.write(mmAt, direct+w.state.CR3&addressMask, 0, leafNode|1<<3|2, 0, userText+0x100, userText+0x1800, userText+0x2000, userText+0x2800,
		userHeap, userHeap+0x1800, userStack+0x3800, 0)
	w.write(leafNode+8, userText-1, userText+0x1fff, userText+0x2fff, userHeap-1, userHeap+0x1fff, userThread-1, userThread+0xfff, userStack-1, userStack+0x3fff)
	mapped := func(i, start, size, flags, file uint64) uint64 {
		w.write(vmas+0x40*i, start, start+size, flags, file)
		return vmas + 0x40*i
	}
	w.write(leafNode+128, 0, mapped(0, userText, 0x2000, 5, fileAt), mapped(1, userText+0x2000, 0x1000, 3, fileAt), 0,
		mapped(2, userHeap, 0x2000, 3, 0), 0, mapped(3, userThread, 0x1000, 3, 0), 0, mapped(4, userStack, 0x4000, 0x103, 0), 0)
	w.write(fileAt+8, dentryAt)
	w.write(dentryAt+16, nameAt)
	w.text(nameAt, "prog\x01ram")
}

func (w *world) tasks() {
	list := func(task, next uint64) { w.write(task+48, next+48) }
	for _, task := range []struct {
		at, stack, pid, mm uint64
		name               string
	}{
		{taskZero, data + 0x4000, 0, 0, "swapper"}, {taskOne, stackOne, 1, mmAt, "UKL"}, {taskTwo, stackTwo, 2, mmAt, "UKL"},
	} {
		w.write(task.at, task.stack)
		w.text(task.at+8, task.name)
		w.write(task.at+24, task.pid, task.mm)
	}
	list(taskZero, taskOne)
	list(taskOne, taskZero)
	w.write(taskOne+64, signalAt)
	w.write(signalAt, taskOne+72)
	w.write(taskOne+72, taskTwo+72)
	w.write(taskTwo+72, signalAt)
	w.write(stackOne+4*pageSize-frameSize+0x98, userStack+0x3f00)
	w.write(stackTwo+4*pageSize-frameSize+0x98, userThread+0x800)
	w.state.KernelGSBase, w.state.Seg[x86.GS].Base = 0, data+0x40
	w.state.Seg[x86.CS].Selector = 0x10
	w.state.GPR[x86.RSP] = userStack + 0x3e00
}

func (w *world) vmallocAreas() {
	const device, plain = 0xffff_c900_0000_5000, 0xffff_ffff_a000_0000
	w.put(device, 0xfed0_0000, 1, rw|entryNX|entryGlobal)
	w.ram(plain, 1, ro|entryGlobal)
	areas := []struct{ start, end, flags uint64 }{
		{hardirq, hardirq + 0x5000, 4}, {device, device + 0x2000, 1}, {stackOne, stackOne + 0x5000, 2}, {stackTwo, stackTwo + 0x5000, 2},
		{plain, plain + 0x1000, vmNoGuard},
	}
	previous := uint64(vmapList)
	for i, a := range areas {
		at := vmapAreas + 0x40*uint64(i)
		w.write(at, a.start, a.end)
		w.write(at+32, at+40)
		w.write(at+40, a.flags, text+0x44)
		w.write(previous, at+16)
		previous = at + 16
	}
	w.write(previous, vmapList)
}
