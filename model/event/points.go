// SPDX-License-Identifier: GPL-2.0-or-later

package event

import (
	"fmt"
	"slices"
	"strings"

	"github.com/uklemu/uklemu/emu"
	"github.com/uklemu/uklemu/emu/x86"
	"github.com/uklemu/uklemu/model/image"
)

// role is what a point stands for.
type role uint8

const (
	roleUKLEntry role = iota
	roleSyscallBegin
	roleSyscallEnd
	roleHandlerBegin
	roleHandlerEnd
	roleRet
	roleSwitch
	roleSwitched
	roleAccessOK
	roleAccessOKEnd
	roleGetUser
	rolePutUser
	roleCopyUser
	roleAsked
	roleStrncpy
	roleStrncpyEnd
	roleFault
	roleOops
	roleSignal
	roleSigReturn
	roleExec
	roleStarted
	roleClone
	roleEnded
)

// Every point writes down these words first.
const (
	wordTask = iota
	wordTracking
	wordTop
	wordStack   // current->stack, the lowest address of the thread stack
	wordFlags   // current->thread_info.flags
	wordPreempt // the preempt count
	words       // the point's own follow
)

// plan is the points of an image, with what each stands for.
type plan struct {
	points  []emu.Point
	roles   []role
	sizes   []uint64 // of copies: the operand's, where the function's name says it
	names   []string
	missing []string // events that this image can't tell of, and why
}

// planner makes one.
type planner struct {
	plan
	img    *image.Image
	common []emu.Capture
	taken  map[uint64]bool
}

func makePlan(img *image.Image, v *variables) plan {
	p := planner{img: img, taken: map[uint64]bool{}}
	absolute := func(at uint64, size int) emu.Capture {
		return emu.Capture{Base: emu.Absolute, Offset: int64(at), Size: size}
	}
	// A field that the image does not have is a word that nobody looks at, so that
	// the others keep their places.
	ofTask := func(at int64, size int) emu.Capture {
		if at < 0 {
			return absolute(v.current, size)
		}
		return emu.Capture{Base: emu.Word(wordTask), Offset: at, Size: size}
	}
	p.common = []emu.Capture{absolute(v.current, 8), ofTask(v.tracking, 4), absolute(v.top, 8),
		ofTask(v.stack, 8), ofTask(v.flags, 8)}
	if v.preempt != 0 {
		p.common = append(p.common, absolute(v.preempt, 4))
	} else {
		p.common = append(p.common, absolute(v.current, 4))
	}

	register := func(r int, offset int64, size int) emu.Capture {
		return emu.Capture{Base: emu.Register(r), Offset: offset, Size: size}
	}
	for _, way := range [][2]string{{"ukl_entry_SYSCALL_64", "do_syscall_64"}, {"ukl_bp_SYSCALL_64", "do_syscall_bypass"}} {
		if _, ok := img.Address(way[0]); !ok && way[1] != "do_syscall_64" {
			continue // few kernels have the short way
		}
		p.function(roleUKLEntry, way[0], register(x86.RSP, 0, 8), register(x86.RSP, 8-NearBelow, NearSize))
		p.function(roleSyscallBegin, way[1], register(x86.RDI, 0, FrameSize),
			emu.Capture{Base: emu.Word(words + frameSP), Offset: -NearBelow, Size: NearSize})
		p.behind(roleSyscallEnd, way[1], register(x86.RSP, 0, FrameSize))
	}
	for _, h := range handlers(img) {
		p.add(roleHandlerBegin, h.Address, h.Name, 0, register(x86.RDI, 0, FrameSize))
	}
	p.function(roleHandlerEnd, "error_return", register(x86.RSP, 0, FrameSize))
	p.function(roleHandlerEnd, "paranoid_exit", register(x86.RSP, 0, FrameSize))
	for _, name := range []string{"return_to_ukl_ret", "ukl_entry_SYSCALL_64", "entry_ukl_clean_flags", "swapgs_restore_regs_and_return_to_usermode", "return_to_ukl_application"} {
		for _, at := range rets(img, name) {
			p.add(roleRet, at, name, 0, register(x86.RSP, -8, 16))
		}
	}
	p.function(roleSwitch, "__switch_to_asm", register(x86.RSP, 0, 8))
	p.behind(roleSwitched, "__switch_to_asm")
	p.function(roleSwitched, "ret_from_fork")
	for _, name := range []string{"access_ok", "unikernel_access_ok"} {
		p.function(roleAccessOK, name)
		p.behind(roleAccessOKEnd, name)
	}
	for _, size := range []uint64{1, 2, 4, 8} {
		for _, name := range []string{fmt.Sprint("__get_user_", size), fmt.Sprint("__put_user_", size)} {
			p.sized(roleAsked, name, size)
		}
		p.access(roleGetUser, fmt.Sprint("__get_user_", size), size)
		p.access(rolePutUser, fmt.Sprint("__put_user_", size), size)
	}
	for _, name := range []string{"copy_user_generic", "copy_user_generic_unrolled", "copy_user_generic_string", "copy_user_enhanced_fast_string"} {
		p.function(roleCopyUser, name)
	}
	p.function(roleStrncpy, "strncpy_from_user")
	for _, at := range rets(img, "strncpy_from_user") {
		p.add(roleStrncpyEnd, at, "strncpy_from_user", 0)
	}
	p.function(roleFault, "do_user_addr_fault")
	for _, name := range []string{"oops_begin", "panic", "die", "page_fault_oops", "__warn"} {
		p.function(roleOops, name)
	}
	p.function(roleSignal, "signal_setup_done", p.signal(ofTask)...)
	// The frame of a handler that has returned is a word below its RSP:
	// arch/x86/kernel/signal.c, rt_sigreturn().
	p.function(roleSigReturn, "__x64_sys_rt_sigreturn",
		register(x86.RDI, 0, FrameSize),
		emu.Capture{Base: emu.Word(words + frameSP), Offset: -8 + 0x30, Size: 24 * 8})
	p.function(roleExec, "begin_new_exec")
	p.function(roleStarted, "start_thread")
	p.function(roleStarted, "unikernel_start_thread")
	p.function(roleClone, "wake_up_new_task")
	p.function(roleEnded, "do_exit")
	return p.plan
}

func (p *planner) function(r role, name string, captures ...emu.Capture) {
	p.sized(r, name, 0, captures...)
}

func (p *planner) sized(r role, name string, size uint64, captures ...emu.Capture) {
	at, ok := p.img.Address(name)
	if !ok {
		p.missing = append(p.missing, name)
		return
	}
	p.add(r, at, name, size, captures...)
}

// access adds points at the instructions of a function that may fault: there,
// the address has passed the function's own check of its range.
func (p *planner) access(r role, name string, size uint64) {
	start, ok := p.img.Address(name)
	if !ok {
		p.missing = append(p.missing, name)
		return
	}
	end := functionEnd(p.img, start)
	for _, f := range p.img.ExceptionTable() {
		if f.Insn >= start && f.Insn < end {
			p.add(r, f.Insn, name, size)
		}
	}
}

// behind adds a point to where every call of a function returns to.
func (p *planner) behind(r role, name string, captures ...emu.Capture) {
	for _, c := range p.img.CallsTo(name) {
		if !c.Jump {
			p.add(r, c.Return, name, 0, captures...)
		}
	}
}

func (p *planner) add(r role, at uint64, name string, size uint64, captures ...emu.Capture) {
	if p.taken[at] {
		return
	}
	p.taken[at] = true
	p.points = append(p.points, emu.Point{Address: at, Captures: append(slices.Clone(p.common), captures...)})
	p.roles = append(p.roles, r)
	p.sizes = append(p.sizes, size)
	p.names = append(p.names, strings.TrimSuffix(name, ".cold"))
}
