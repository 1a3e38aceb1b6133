// SPDX-License-Identifier: GPL-2.0-or-later

package task

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"github.com/uklemu/uklemu/emu/symbols"
	"github.com/uklemu/uklemu/emu/x86"
	"github.com/uklemu/uklemu/model/image"
)

const pageSize = 4096

// rig is a machine made of a few pages, with a kernel by hand: an application
// of one process, with a thread stack, an IST stack and a stack for
// interrupts.
type rig struct {
	t     *testing.T
	ram   map[uint64]*[pageSize]byte
	used  uint64
	state x86.State
	kernel
}

// Where things are.
const (
	kernelText, entryText, appText = 0xffff_ffff_8100_0000, 0xffff_ffff_8110_0000, 0xffff_ffff_8120_0000
	kernelData, appData            = 0xffff_ffff_8140_0000, 0xffff_ffff_8150_0000
	thread, hardirq, ist           = 0xffff_c900_0000_8000, 0xffff_c900_0001_0000, 0xffff_fe00_0000_8000
	userStack, altStack            = 0x7fff_fff0_0000, 0x7f00_0000_0000
	top                            = thread + 4*pageSize

	taskAt, sighand, fpstate = kernelData + 0x100, kernelData + 0x400, kernelData + 0x800
	tss, idt                 = kernelData + 0x1000, kernelData + 0x2000
	restorer                 = appText + 0x500

	pageFault, errorEntry, irq, nmi, call, syscall, fork = entryText, entryText + 0x100, entryText + 0x200, entryText + 0x300, entryText + 0x400, entryText + 0x500, entryText + 0x600
	ret, noinstr                                         = kernelText + 0x5000, kernelText + 0x6000 // return_to_ukl_ret, exc_nmi
)

func newRig(t *testing.T) *rig {
	r := &rig{t: t, ram: map[uint64]*[pageSize]byte{}, kernel: theKernel()}
	r.state.CR0, r.state.CR4 = x86.CR0PE|x86.CR0PG|x86.CR0WP, x86.CR4PAE
	r.state.EFER = x86.EFERLME | x86.EFERLMA | x86.EFERNXE
	r.state.CR3 = r.page()
	for _, m := range []struct{ at, pages uint64 }{
		{kernelText, 8}, {entryText, 1}, {appText, 1}, {kernelData, 4}, {appData, 1},
		{thread, 4}, {hardirq, 4}, {ist, 2}, {userStack, 16}, {altStack, 4},
	} {
		for i := range m.pages {
			r.mapPage(m.at + i*pageSize)
		}
	}
	r.put(kernelData, taskAt, top, hardirq+4*pageSize-8)
	r.put(taskAt, thread)
	r.text(taskAt+16, "UKL")
	r.put(taskAt+32, 16|17<<32) // pid, tgid
	r.put(taskAt+40, 0xffff_8880_0000_1000)
	r.put(taskAt+80, InKernel)
	r.put(taskAt+120, sighand)
	r.put(tss+0x24, ist+2*pageSize)
	r.put(idt+16*2, 0x8e00<<32|1<<32)
	r.state.TR = x86.Segment{Base: tss, Limit: 0x67, Attr: x86.AttrP}
	r.state.IDTR = x86.Table{Base: idt, Limit: 16*4 - 1}
	r.state.Seg[x86.CS].Selector, r.state.Seg[x86.SS].Selector = KernelCS, KernelDS
	r.state.RFLAGS = 2
	return r
}

func (r *rig) State() x86.State { return r.state }

func (r *rig) page() uint64 {
	r.used++
	r.ram[r.used] = new([pageSize]byte)
	return r.used * pageSize
}

func (r *rig) ReadPhysical(at uint64, b []byte) error {
	for len(b) > 0 {
		p := r.ram[at/pageSize]
		if p == nil {
			return fmt.Errorf("physical %#x is not RAM", at)
		}
		n := copy(b, p[at%pageSize:])
		at, b = at+uint64(n), b[n:]
	}
	return nil
}

// entry is where the page table entry of an address is.
func (r *rig) entry(address uint64) *[8]byte {
	table := r.state.CR3
	for shift := 39; ; shift -= 9 {
		at := (*[8]byte)(r.ram[table/pageSize][address>>shift%512*8:])
		if shift == 12 {
			return at
		}
		if binary.LittleEndian.Uint64(at[:]) == 0 {
			binary.LittleEndian.PutUint64(at[:], r.page()|7)
		}
		table = binary.LittleEndian.Uint64(at[:]) &^ 0xfff
	}
}

func (r *rig) mapPage(address uint64) {
	if e := r.entry(address); binary.LittleEndian.Uint64(e[:]) == 0 {
		binary.LittleEndian.PutUint64(e[:], r.page()|7)
	}
}

// bytes are those at an address, to the end of the page.
func (r *rig) bytes(address uint64) []byte {
	page := binary.LittleEndian.Uint64(r.entry(address)[:]) / pageSize
	if r.ram[page] == nil {
		r.t.Fatalf("%#x is not mapped", address)
	}
	return r.ram[page][address%pageSize:]
}

func (r *rig) put(address uint64, words ...uint64) {
	for i, w := range words {
		binary.LittleEndian.PutUint64(r.bytes(address+8*uint64(i)), w)
	}
}

func (r *rig) text(address uint64, s string) { copy(r.bytes(address), s+"\x00") }

// registers stores a struct pt_regs.
func (r *rig) registers(at uint64, regs Registers) {
	for i, w := range regs.words() {
		r.put(at+8*uint64(i), *w)
	}
}

// called stores a return address into an entry's code, behind a call.
func (r *rig) called(at, back uint64) {
	r.put(at, back)
	r.bytes(back - 5)[0] = 0xe8
}

// at puts the CPU somewhere.
func (r *rig) at(rip, rsp uint64) *rig {
	r.state.RIP, r.state.GPR[x86.RSP] = rip, rsp
	return r
}

func (r *rig) read() *Task { return ReaderOf(r.kernel).Read(r) }

// kernel is an image by hand.
type kernel struct {
	fields map[string]int64
	perCPU map[string]uint64
	names  map[string]uint64 // of the code

	sameStack, unmarked bool
}

var _ Source = kernel{}

func theKernel() kernel {
	return kernel{
		fields: map[string]int64{
			"task_struct.stack": 0, "task_struct.thread_info.flags": 8, "task_struct.comm": 16, "task_struct.pid": 32, "task_struct.tgid": 36,
			"task_struct.mm": 40, "task_struct.active_mm": 48, "task_struct.flags": 56, "task_struct.thread_info.syscall_work": 64,
			"task_struct.ukl_thread": 80, "task_struct.sas_ss_sp": 88, "task_struct.sas_ss_size": 96,
			"task_struct.restart_block.fn": 104, "task_struct.thread.fpu": 128, "task_struct.thread.fpu.fpstate": 136, "task_struct.sighand": 120,
			"fpstate.regs": 64, "sighand_struct.action": 8, "k_sigaction.sa.sa_restorer": 16,
			"rt_sigframe.uc.uc_flags": 0x8, "rt_sigframe.uc.uc_link": 0x10, "rt_sigframe.uc.uc_stack.ss_sp": 0x18,
			"rt_sigframe.uc.uc_stack.ss_flags": 0x20, "rt_sigframe.uc.uc_stack.ss_size": 0x28,
			"rt_sigframe.uc.uc_mcontext.r8": 0x30, "rt_sigframe.uc.uc_mcontext.r9": 0x38, "rt_sigframe.uc.uc_mcontext.r10": 0x40,
			"rt_sigframe.uc.uc_mcontext.r11": 0x48, "rt_sigframe.uc.uc_mcontext.r12": 0x50, "rt_sigframe.uc.uc_mcontext.r13": 0x58,
			"rt_sigframe.uc.uc_mcontext.r14": 0x60, "rt_sigframe.uc.uc_mcontext.r15": 0x68, "rt_sigframe.uc.uc_mcontext.di": 0x70,
			"rt_sigframe.uc.uc_mcontext.si": 0x78, "rt_sigframe.uc.uc_mcontext.bp": 0x80, "rt_sigframe.uc.uc_mcontext.bx": 0x88,
			"rt_sigframe.uc.uc_mcontext.dx": 0x90, "rt_sigframe.uc.uc_mcontext.ax": 0x98, "rt_sigframe.uc.uc_mcontext.cx": 0xa0,
			"rt_sigframe.uc.uc_mcontext.sp": 0xa8, "rt_sigframe.uc.uc_mcontext.ip": 0xb0, "rt_sigframe.uc.uc_mcontext.flags": 0xb8,
			"rt_sigframe.uc.uc_mcontext.cs": 0xc0, "rt_sigframe.uc.uc_mcontext.gs": 0xc2, "rt_sigframe.uc.uc_mcontext.fs": 0xc4,
			"rt_sigframe.uc.uc_mcontext.ss": 0xc6, "rt_sigframe.uc.uc_mcontext.err": 0xc8, "rt_sigframe.uc.uc_mcontext.trapno": 0xd0,
			"rt_sigframe.uc.uc_mcontext.oldmask": 0xd8, "rt_sigframe.uc.uc_mcontext.cr2": 0xe0, "rt_sigframe.uc.uc_mcontext.fpstate": 0xe8,
			"rt_sigframe.uc.uc_sigmask": 0x130, "rt_sigframe.info": 0x138,
			"siginfo.si_signo": 0, "siginfo.si_errno": 4, "siginfo.si_code": 8, "siginfo._sifields._sigfault._addr": 16,
			"siginfo._sifields._kill._pid": 16, "siginfo._sifields._kill._uid": 20,
		},
		perCPU: map[string]uint64{
			"current_task": kernelData, "cpu_current_top_of_stack": kernelData + 8, "hardirq_stack_ptr": kernelData + 16,
			"fpu_fpregs_owner_ctx": kernelData + 24,
		},
		names: map[string]uint64{
			"asm_exc_page_fault": pageFault, "error_entry": errorEntry, "asm_sysvec_apic_timer_interrupt": irq, "asm_exc_nmi": nmi,
			"ukl_entry_SYSCALL_64": call, "entry_SYSCALL_64": syscall, "ret_from_fork": fork,
			"do_something": kernelText, "do_no_restart_syscall": kernelText + 0x1000, "hrtimer_nanosleep_restart": kernelText + 0x2000,
			"return_to_ukl_ret": ret, "ukl_main": appText, "ukl_handler": appText + 0x100, "ukl___restore_rt": restorer,
		},
	}
}

func (k kernel) Class(rip uint64) image.Class {
	switch rip &^ 0xf_ffff {
	case entryText:
		return image.EntryText
	case appText:
		return image.Application
	case kernelText:
		return image.Kernel
	}
	return image.Outside
}

func (k kernel) Noinstr(rip uint64) bool { return rip-noinstr < 0x100 }

func (k kernel) Marks() bool { return !k.unmarked }

func (k kernel) SameStack() bool { return k.sameStack }

func (k kernel) Name(address uint64) string {
	best, start := "", uint64(0)
	for name, at := range k.names {
		if at <= address && at >= start && address-at < 0x1000 {
			best, start = name, at
		}
	}
	if best == "" || address == start {
		return best
	}
	return fmt.Sprintf("%s+%#x", best, address-start)
}

func (k kernel) Entries() []image.Entry {
	return []image.Entry{
		{Name: "asm_exc_page_fault", Address: pageFault, Size: 0x80, Kind: image.Exception, Vector: 14},
		{Name: "asm_sysvec_apic_timer_interrupt", Address: irq, Size: 0x80, Kind: image.Interrupt, Vector: 0xec},
		{Name: "asm_exc_nmi", Address: nmi, Size: 0x80, Kind: image.NMI, Vector: 2},
		{Name: "ukl_entry_SYSCALL_64", Address: call, Size: 0x80, Kind: image.UKLCall, Vector: image.NoVector},
		{Name: "error_return", Address: errorEntry + 0x80, Kind: image.Return, Vector: image.NoVector},
	}
}

func (k kernel) Offset(structure, field string) (int64, bool) {
	v, ok := k.fields[structure+"."+field]
	return v, ok
}

func (k kernel) PerCPUAddress(name string, _ uint64) (uint64, bool) {
	v, ok := k.perCPU[name]
	return v, ok
}

func (k kernel) EnumValue(name string) (int64, bool) {
	if strings.HasSuffix(name, "BIT_SECCOMP") {
		return 0, true
	}
	return 2, strings.HasSuffix(name, "BIT_SYSCALL_TRACE")
}

func (k kernel) Size(name string) (int64, bool) { return 32, name == "k_sigaction" }

func (k kernel) Symbol(name string) (symbols.Symbol, bool) { return symbols.Symbol{}, false }

func (k kernel) Sections() []symbols.Section { return nil }

func (k kernel) Application() *image.App {
	return &image.App{Text: []image.Range{{Start: appText, End: appText + 0x1000}}, Data: []image.Range{{Start: appData, End: appData + 0x1000}}}
}
