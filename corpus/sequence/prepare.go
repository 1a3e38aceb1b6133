// SPDX-License-Identifier: GPL-2.0-or-later

package sequence

import (
	"encoding/binary"
	"fmt"

	"github.com/uklemu/uklemu/emu/x86"
	"github.com/uklemu/uklemu/model/image"
	"github.com/uklemu/uklemu/model/scenario"
	"github.com/uklemu/uklemu/model/space"
)

const (
	pageSize = 4096

	sysMmap, sysMunmap, sysSigaction, sysGetpid, sysClone, sysMadvise = 9, 11, 13, 39, 56, 28

	protNone, protRead, protReadWrite = 0, 1, 3
	privateAnonymous                  = 0x22
)

// Where things lie in the heap's first page, behind the zeros.
const (
	pathAt     = 0x800
	timesAt    = 0x900
	vectorsAt  = 0xa00
	altStackAt = 0xb00
	actionAt   = 0xc00
)

// prepare makes the memory that places lie in, and finds the others.
func (r *Runner) prepare() error {
	state := r.driver.Machine.State()
	r.places[Stack] = state.GPR[x86.RSP]
	// Steps so far are made on the application's own stack.
	pid, err := r.driver.Must(sysGetpid)
	if err != nil {
		return err
	}
	r.places[Self] = pid
	for _, step := range []func() error{r.makeHeap, r.makeStacks, r.makeOthers} {
		if err := step(); err != nil {
			return fmt.Errorf("memory for sequences: %w", err)
		}
	}
	r.findApplication()
	r.findKernel()
	return r.fill()
}

func (r *Runner) mmap(pages, protection uint64) (uint64, error) {
	return r.driver.Must(sysMmap, 0, pages*pageSize, protection, privateAnonymous, ^uint64(0), 0)
}

// island is memory with nothing before it and behind it, whatever the kernel
// joins it with.
func (r *Runner) island(pages, protection uint64) (uint64, error) {
	at, err := r.mmap(pages+2, protection)
	if err != nil {
		return 0, err
	}
	for _, end := range []uint64{at, at + (pages+1)*pageSize} {
		if _, err := r.driver.Must(sysMunmap, end, pageSize); err != nil {
			return 0, err
		}
	}
	return at + pageSize, nil
}

func (r *Runner) touch(at, pages uint64) error {
	for page := at; page < at+pages*pageSize; page += pageSize {
		if _, err := r.driver.Do(scenario.Step{At: scenario.Store, Set: map[int]uint64{x86.RDI: page, x86.RAX: 0}}); err != nil {
			return err
		}
	}
	return nil
}

func (r *Runner) makeHeap() error {
	heap, err := r.island(2, protReadWrite)
	if err != nil {
		return err
	}
	r.places[Heap], r.places[Cross], r.places[Edge] = heap, heap+pageSize, heap+2*pageSize
	r.places[Path], r.places[Times], r.places[Vectors], r.places[AlternateStack] = heap+pathAt, heap+timesAt, heap+vectorsAt, heap+altStackAt
	return r.touch(heap, 2)
}

// Pages of the stack: from the lowest, one that is there, four that are not yet,
// two that are.
const stackPages = 7

func (r *Runner) makeStacks() error {
	stack, err := r.island(stackPages, protReadWrite)
	if err != nil {
		return err
	}
	r.places[GuardStack], r.places[FreshStack] = stack, stack+5*pageSize
	if err := r.touch(stack, 1); err != nil {
		return err
	}
	return r.touch(stack+5*pageSize, 2)
}

func (r *Runner) makeOthers() error {
	var err error
	if r.places[Fresh], err = r.island(8, protReadWrite); err != nil {
		return err
	}
	if r.places[ReadOnly], err = r.island(1, protRead); err != nil {
		return err
	}
	if r.places[NoAccess], err = r.island(1, protNone); err != nil {
		return err
	}
	if r.threadStacks, err = r.island(threadStacks*threadStackPages, protReadWrite); err != nil {
		return err
	}
	if r.altStack, err = r.island(altStackPages, protReadWrite); err != nil {
		return err
	}
	if r.places[Unmapped], err = r.island(1, protReadWrite); err != nil {
		return err
	}
	_, err = r.driver.Must(sysMunmap, r.places[Unmapped], pageSize)
	return err
}

// findApplication takes what kernels without an application in their image do not
// have from the program's own.
func (r *Runner) findApplication() {
	app := r.driver.Image.Application()
	if app == nil {
		app = &image.App{}
	}
	first := func(ranges []image.Range, otherwise uint64) uint64 {
		if len(ranges) > 0 {
			return ranges[0].Start
		}
		return otherwise
	}
	r.places[AppText] = first(app.Text, r.driver.Board.At(scenario.Call))
	r.places[AppROData] = first(app.ROData, r.places[ReadOnly])
	r.places[AppData] = first(app.Data, r.places[Heap])
	r.places[AppBSS] = r.places[Edge] - 8
	if n := len(app.BSS); n > 0 && app.BSS[n-1].Size() >= 16 {
		r.places[AppBSS] = app.BSS[n-1].End - 8
	}
}

// findKernel asks the symbols, and the machine where these say nothing.
func (r *Runner) findKernel() {
	state := r.driver.Machine.State()
	end := uint64(1) << (state.LinearBits() - 1)
	r.places[HalfEnd], r.places[HalfBehind], r.places[NonCanonical] = end-pageSize, end, 0xdead<<48
	r.places[Upper], r.places[Last] = -end, ^uint64(0)
	for p, name := range map[Place]string{KernelText: "do_syscall_64", KernelROData: "sys_call_table", KernelData: "init_task"} {
		at, ok := r.driver.Image.Address(name)
		if !ok {
			at, _ = r.driver.Image.Address("_text")
		}
		r.places[p] = at
	}
	r.places[KernelStack] = space.NewReader(r.driver.Image).View(r.driver.Machine).TopOfStack - 8
	r.places[DirectMap] = 0xffff_8880_0000_0000
	if at, ok := r.driver.Image.Address("page_offset_base"); ok {
		if v, err := r.driver.Word(at); err == nil {
			r.places[DirectMap] = v
		}
	}
}

// fill writes what structures there are into the heap.
func (r *Runner) fill() error {
	d, heap := r.driver, r.places[Heap]
	if err := d.Write(heap+pathAt, []byte("/init\x00")); err != nil {
		return err
	}
	for at, words := range map[uint64][]uint64{
		timesAt:    {0, 500, 0, 500},
		vectorsAt:  {heap, 8, r.places[AppBSS], 8},
		altStackAt: {r.altStack, 0, altStackPages * pageSize},
	} {
		if err := d.WriteWords(heap+at, words...); err != nil {
			return err
		}
	}
	return nil
}

// write writes 64-bit words without an allocation.
func (r *Runner) write(at uint64, words ...uint64) error {
	p := r.action[:0]
	for _, w := range words {
		p = binary.LittleEndian.AppendUint64(p, w)
	}
	_, err := r.driver.Machine.WriteMemory(at, p)
	return err
}
