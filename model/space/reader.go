// SPDX-License-Identifier: GPL-2.0-or-later

package space

import (
	"sync"

	"github.com/uklemu/uklemu/emu/symbols"
	"github.com/uklemu/uklemu/emu/x86"
	"github.com/uklemu/uklemu/model/image"
)

// Machine is what a layout is read from: [emu.Machine] is one.
type Machine interface {
	Physical
	State() x86.State
}

// Source is what a layout needs to know of an image. [image.Image] knows it; see
// [NewReader].
type Source interface {
	Offsets
	Symbol(name string) (symbols.Symbol, bool)
	// Name is the symbol that an address is in, as "symbol+0xoffset"; "" for
	// none.
	Name(address uint64) string
	Sections() []symbols.Section
	PerCPUAddress(name string, gsBase uint64) (uint64, bool)
	EnumValue(name string) (int64, bool)
	// Size is that of a structure.
	Size(structure string) (int64, bool)
	Application() *image.App
}

// fromImage is an image as a Source.
type fromImage struct{ *image.Image }

func (i fromImage) Symbol(name string) (symbols.Symbol, bool) { return i.Symbols.Symbol(name) }

func (i fromImage) Sections() []symbols.Section { return i.Symbols.Sections() }

func (i fromImage) Name(address uint64) string { return i.Symbols.Name(address) }

func (i fromImage) EnumValue(name string) (int64, bool) {
	if i.Types == nil {
		return 0, false
	}
	return i.Types.EnumValue(name)
}

func (i fromImage) Size(structure string) (int64, bool) {
	if i.Types == nil {
		return 0, false
	}
	return i.Types.Size(structure)
}

// SourceOf is an image as a Source.
func SourceOf(i *image.Image) Source { return remember(fromImage{i}) }

// Reader reads layouts of machines that run one image. It keeps what it has
// looked up in the image, and may be used by several goroutines.
type Reader struct{ image *remembered }

// NewReader is a reader for an image.
func NewReader(i *image.Image) *Reader { return ReaderOf(fromImage{i}) }

// ReaderOf is a reader for a kernel that is described in another way than by an
// image.
func ReaderOf(s Source) *Reader {
	return &Reader{remember(s)}
}

// Read reads the layout of the machine's address space as it is now.
func Read(m Machine, i *image.Image) *Layout { return NewReader(i).Read(m) }

// Read reads the layout of the machine's address space as it is now. What could
// not be read is in its Problems.
func (r *Reader) Read(m Machine) *Layout {
	state := m.State()
	tables := TablesOf(m, &state)
	l := &Layout{CR3: tables.CR3, Levels: tables.Levels}
	if tables.Levels > 0 {
		k := newKernel(r.image, tables, &state)
		l.Isolated = k.tables.CR3 != tables.CR3
		k.regions()
		inImage(k.image, &k.areas)
		k.vmalloc()
		k.perCPU()
		k.stacks()
		k.cpuTables()
		k.process()
		l.areas = k.areas
		if len(k.tasks) > 0 && k.tasks[0].at == k.current {
			l.stack = k.tasks[0].stack
		}
	}
	l.walk(tables)
	return l
}

// kernel is one reading: the areas that the kernel's data tells of.
type kernel struct {
	areas
	image  Source
	tables Tables // the kernel's, though CR3 may name others
	fields Fields
	state  *x86.State
	gs     uint64 // the kernel's GS base
	stack  uint64 // size of a thread stack
	// tasks are all that could be found, the current one first.
	tasks   []task
	current uint64
}

// isolated is the bit of CR3 by which page table isolation has two sets of
// tables, side by side: that of CPL 3 has it set (arch/x86/entry/calling.h,
// PTI_USER_PGTABLE_BIT).
const isolated = 1 << 12

func newKernel(i Source, t Tables, s *x86.State) *kernel {
	k := &kernel{image: i, tables: t, state: s, gs: KernelGSBase(s)}
	k.fields = Fields{t, i}
	k.findCurrent()
	if k.current == 0 && t.CR3&isolated != 0 {
		k.tables.CR3 &^= isolated
		k.fields.Memory = k.tables
		k.findCurrent()
	}
	if k.current == 0 {
		k.tables, k.fields.Memory = t, t
	}
	return k
}

func (k *kernel) findCurrent() { k.current, _ = Current(k.image, k.fields, k.gs) }

// KernelGSBase is that of the CPU: in GS, or where SWAPGS takes it from. In the
// kernel half it is the kernel's, for a program in CPL 3 that has one there
// runs only where the kernel allows WRGSBASE.
func KernelGSBase(s *x86.State) uint64 {
	inactive, active := s.KernelGSBase, s.Seg[x86.GS].Base
	if s.CPL() == 3 || int64(active) >= 0 && int64(inactive) < 0 {
		return inactive
	}
	return active
}

// PerCPUVariables knows where per-CPU variables are: [image.Image] does.
type PerCPUVariables interface {
	Offsets
	PerCPUAddress(name string, gsBase uint64) (uint64, bool)
}

// Current is the address of the current task's task_struct.
func Current(i PerCPUVariables, f Fields, gs uint64) (uint64, bool) {
	at, ok := hot(i, "current_task", "current_task", gs)
	if !ok {
		return 0, false
	}
	task, ok := f.Word(at)
	return task, ok && int64(task) < 0
}

// TopOfStack is where the CPU's system calls begin to push.
func TopOfStack(i PerCPUVariables, f Fields, gs uint64) (uint64, bool) {
	at, ok := hot(i, "cpu_current_top_of_stack", "top_of_stack", gs)
	if !ok {
		return 0, false
	}
	return f.Word(at)
}

// hot is the address of a per-CPU variable that is a field of pcpu_hot from
// Linux 6.2 on.
func hot(i PerCPUVariables, name, field string, gs uint64) (uint64, bool) {
	if at, ok := i.PerCPUAddress(name, gs); ok {
		return at, true
	}
	at, ok := i.PerCPUAddress("pcpu_hot", gs)
	if !ok {
		return 0, false
	}
	offset, ok := i.Offset("pcpu_hot", field)
	return at + uint64(offset), ok
}

// remembered keeps what was looked up in types.
type remembered struct {
	Source
	lock    sync.Mutex
	offsets map[[2]string]offset
	enums   map[string]offset
}

type offset struct {
	value int64
	ok    bool
}

func remember(s Source) *remembered {
	if r, ok := s.(*remembered); ok {
		return r
	}
	return &remembered{Source: s, offsets: map[[2]string]offset{}, enums: map[string]offset{}}
}

func (r *remembered) Offset(structure, field string) (int64, bool) {
	r.lock.Lock()
	defer r.lock.Unlock()
	key := [2]string{structure, field}
	o, ok := r.offsets[key]
	if !ok {
		o.value, o.ok = r.Source.Offset(structure, field)
		r.offsets[key] = o
	}
	return o.value, o.ok
}

func (r *remembered) EnumValue(name string) (int64, bool) {
	r.lock.Lock()
	defer r.lock.Unlock()
	o, ok := r.enums[name]
	if !ok {
		o.value, o.ok = r.Source.EnumValue(name)
		r.enums[name] = o
	}
	return o.value, o.ok
}
