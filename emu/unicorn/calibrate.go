// SPDX-License-Identifier: GPL-2.0-or-later

package unicorn

/*
#include "calibrate.h"
*/
import "C"

import (
	"encoding/binary"
	"fmt"
	"unsafe"
)

// layout is where this build of libunicorn keeps what its interface does not
// give: offsets from the start of a uc_context, and one within the engine
// itself. It is found, never assumed: known values are written through public
// functions, or brought about by executing instructions, and looked for.
type layout struct {
	size int // of a context, in bytes

	gpr, rip, hflags   int
	eflags, df, ccSrc  int // RFLAGS, less what is computed when asked for; DF as 1 or -1; what the rest is computed from
	segment, stride    int // ES first, in the order of their encoding
	selector, base     int // within a segment
	limit, attributes  int
	ldtr, tr           int // segments
	gdtrBase, idtrBase int
	gdtrLimit          int
	idtrLimit          int
	cr                 int // CR0; 8 bytes each

	efer, star, lstar, cstar, fmask, kernelGSBase int
	sysenterCS, sysenterESP, sysenterEIP          int
	tscAux, pkru, xcr0                            int
	errorCode, oldException                       int

	invalidAddress int // in the engine: the address of the last refused access

	hookBegin, hookEnd int // in a hook: the range that it was made for

	// The CPU's state itself, of which a context is a copy: where the engine
	// has a pointer to something in which it is, and how far behind a context's
	// start would be. cpu is 0 if that was not found.
	cpu, live int
}

// The values are arbitrary, different in every byte that matters, and the last
// two of each kind are the cross-check: a place that fits the first by chance
// does not fit them.
var values64 = []uint64{0x1122334455667788, 0x0a5c3e7712f0d1b9, 0x7fedcba987654321, 0x00c0ffee0badf00d}
var canonical = []uint64{0xffff888012345678, 0x00007abcdef01234, 0xffffffff81c0ffee, 0x0000123456789abc}

// calibrator collects observations from a scratch engine; the first error stays.
type calibrator struct {
	s     C.struct_scratch
	err   error
	spoil func(context []byte) // by tests: what the library gave, altered
}

func newCalibrator(refuseData bool) (*calibrator, error) {
	c := new(calibrator)
	refuse := C.int(0)
	if refuseData {
		refuse = 1
	}
	if code := C.scratch_open(&c.s, refuse); code != 0 {
		C.scratch_close(&c.s)
		return nil, fmt.Errorf("calibration failed: opening a scratch engine: libunicorn error %d", code)
	}
	return c, nil
}

func (c *calibrator) close() { C.scratch_close(&c.s) }

func (c *calibrator) context() []byte {
	p := make([]byte, 1<<16)
	p = p[:C.scratch_context(&c.s, (*C.uint8_t)(&p[0]), C.size_t(len(p)))]
	if c.spoil != nil {
		c.spoil(p)
	}
	return p
}

func (c *calibrator) engine() []byte {
	p := make([]byte, 1<<20)
	n := C.scratch_struct(&c.s, (*C.uint8_t)(&p[0]), C.size_t(len(p)))
	return p[:n]
}

func (c *calibrator) memory() []byte {
	return unsafe.Slice((*byte)(c.s.memory), C.SCRATCH_SIZE)
}

func (c *calibrator) execute(code ...byte) {
	C.scratch_execute(&c.s, (*C.uint8_t)(&code[0]), C.size_t(len(code)))
}

// find brings about each value with set and looks for the place that follows.
func (c *calibrator) find(f field, values []uint64, set func(value uint64)) int {
	var seen []observation
	for _, v := range values {
		C.scratch_reset(&c.s)
		set(v)
		seen = append(seen, observation{v, c.context()})
	}
	at, err := f.locate(seen)
	if err != nil && c.err == nil {
		c.err = err
	}
	return at
}

func wide(name string) field   { return field{name, 8, ^uint64(0)} }
func narrow(name string) field { return field{name, 4, 0xffffffff} }

func low32(values []uint64) []uint64 {
	var out []uint64
	for _, v := range values {
		out = append(out, v&0xffffffff)
	}
	return out
}

func (c *calibrator) register(name string, id C.int, values []uint64) int {
	return c.find(wide(name), values, func(v uint64) { C.scratch_write(&c.s, id, C.uint64_t(v)) })
}

func (c *calibrator) msr(name string, msr uint32, values []uint64) int {
	return c.find(wide(name), values, func(v uint64) { C.scratch_write_msr(&c.s, C.uint32_t(msr), C.uint64_t(v)) })
}

// calibrate finds the layout of the library that is open.
func calibrate() (*layout, error) { return calibrateThrough(nil) }

func calibrateThrough(spoil func(context []byte)) (*layout, error) {
	c, err := newCalibrator(false)
	if err != nil {
		return nil, err
	}
	defer c.close()
	c.spoil = spoil
	l := &layout{size: len(c.context())}
	c.registers(l)
	c.segments(l)
	c.msrs(l)
	c.executed(l)
	if c.err == nil {
		c.err = c.crossCheck(l)
	}
	if c.err == nil {
		l.invalidAddress, c.err = findInvalidAddress()
	}
	if c.err == nil {
		c.hooks(l)
	}
	if c.err == nil {
		l.cpu, l.live = c.liveCPU(l)
	}
	return l, c.err
}

// Unicorn's numbers of the general registers, in the order of their encoding.
var gprIDs = [16]C.int{35, 38, 40, 37, 44, 36, 43, 39, 106, 107, 108, 109, 110, 111, 112, 113}

func (c *calibrator) registers(l *layout) {
	for i, id := range gprIDs {
		at := c.register(fmt.Sprintf("general register %d", i), id, values64)
		if i == 0 {
			l.gpr = at
		} else if at != l.gpr+8*i && c.err == nil {
			c.err = &CalibrationError{Field: fmt.Sprintf("general register %d behind register 0", i)}
		}
	}
	l.rip = c.register("RIP", C.UC_X86_REG_RIP, canonical)
	l.cr = c.register("CR2", C.UC_X86_REG_CR2, values64) - 16
	l.eflags = c.find(narrow("RFLAGS"), []uint64{0x40202, 0x3202, 0x4002, 0x43202}, func(v uint64) {
		C.scratch_write(&c.s, C.UC_X86_REG_RFLAGS, C.uint64_t(v))
	})
	l.ccSrc = c.find(wide("CC_SRC"), []uint64{0x45, 0x890, 0x11, 0x8d5}, func(v uint64) {
		C.scratch_write(&c.s, C.UC_X86_REG_RFLAGS, C.uint64_t(2|v))
	})
	l.df = c.find(narrow("DF"), []uint64{0xffffffff, 1, 0xffffffff, 1}, func(v uint64) {
		C.scratch_write(&c.s, C.UC_X86_REG_RFLAGS, C.uint64_t(2|v&0x400))
	})
	// CR0.MP, EM and TS are mirrored in bits 9 to 11 of the flags under which
	// blocks are translated.
	l.hflags = c.find(field{"hflags", 4, 0xe00}, []uint64{0xa00, 0x400, 0x800, 0x600, 0}, func(v uint64) {
		C.scratch_write(&c.s, C.UC_X86_REG_CR0, C.uint64_t(0x11|v>>8))
	})
}

func (c *calibrator) segments(l *layout) {
	table := func(id C.int, selector, base, limit, flags uint64) {
		C.scratch_write_table(&c.s, id, C.uint16_t(selector), C.uint64_t(base), C.uint32_t(limit), C.uint32_t(flags))
	}
	l.gdtrBase = c.find(wide("GDTR base"), values64, func(v uint64) { table(C.UC_X86_REG_GDTR, 0, v, 0, 0) })
	l.idtrBase = c.find(wide("IDTR base"), values64, func(v uint64) { table(C.UC_X86_REG_IDTR, 0, v, 0, 0) })
	limits := []uint64{0x1234, 0xfedc, 0x77, 0x8001}
	l.gdtrLimit = c.find(narrow("GDTR limit"), limits, func(v uint64) { table(C.UC_X86_REG_GDTR, 0, 0, v, 0) })
	l.idtrLimit = c.find(narrow("IDTR limit"), limits, func(v uint64) { table(C.UC_X86_REG_IDTR, 0, 0, v, 0) })
	l.tr = c.find(narrow("TR selector"), limits, func(v uint64) { table(C.UC_X86_REG_TR, v, 0, 0, 0) })
	l.base = c.find(wide("TR base"), values64, func(v uint64) { table(C.UC_X86_REG_TR, 0, v, 0, 0) }) - l.tr
	l.limit = c.find(narrow("TR limit"), low32(values64), func(v uint64) { table(C.UC_X86_REG_TR, 0, 0, v, 0) }) - l.tr
	l.attributes = c.find(narrow("TR attributes"), low32(values64), func(v uint64) { table(C.UC_X86_REG_TR, 0, 0, 0, v) }) - l.tr
	l.ldtr = c.find(wide("LDTR base"), values64, func(v uint64) { table(C.UC_X86_REG_LDTR, 0, v, 0, 0) }) - l.base
	fs := c.register("FS base", C.UC_X86_REG_FS_BASE, canonical)
	gs := c.register("GS base", C.UC_X86_REG_GS_BASE, canonical)
	l.stride = gs - fs
	l.segment = fs - l.base - 4*l.stride
}

func (c *calibrator) msrs(l *layout) {
	l.efer = c.msr("EFER", 0xc0000080, []uint64{0x501, 0xd01, 0x500, 0xd00})
	l.star = c.msr("STAR", 0xc0000081, values64)
	l.lstar = c.msr("LSTAR", 0xc0000082, canonical)
	l.cstar = c.msr("CSTAR", 0xc0000083, canonical)
	l.fmask = c.msr("FMASK", 0xc0000084, low32(values64))
	l.kernelGSBase = c.msr("KERNEL_GS_BASE", 0xc0000102, canonical)
	l.tscAux = c.msr("TSC_AUX", 0xc0000103, low32(values64))
	l.sysenterESP = c.msr("SYSENTER_ESP", 0x175, canonical)
	l.sysenterEIP = c.msr("SYSENTER_EIP", 0x176, canonical)
	l.sysenterCS = c.find(narrow("SYSENTER_CS"), []uint64{0x1234, 0xfed8, 0x70, 0x8000}, func(v uint64) {
		C.scratch_write_msr(&c.s, 0x174, C.uint64_t(v))
	})
}

// executed finds what only instructions change.
func (c *calibrator) executed(l *layout) {
	const osxsave, pke = 1 << 18, 1 << 22
	withEAX := func(v uint64, cr4 uint64, code ...byte) {
		C.scratch_write(&c.s, C.UC_X86_REG_CR4, C.uint64_t(0x620|cr4))
		C.scratch_write(&c.s, C.UC_X86_REG_RAX, C.uint64_t(v))
		C.scratch_write(&c.s, C.UC_X86_REG_RCX, 0)
		C.scratch_write(&c.s, C.UC_X86_REG_RDX, 0)
		c.execute(append(code, 0x31, 0xc0)...) // and clear EAX, which holds the value too
	}
	l.pkru = c.find(narrow("PKRU"), low32(values64), func(v uint64) {
		withEAX(v, pke, 0x0f, 0x01, 0xef) // WRPKRU
	})
	l.xcr0 = c.find(wide("XCR0"), []uint64{3, 1, 0x203, 0x201, 3}, func(v uint64) {
		withEAX(v, osxsave|pke, 0x0f, 0x01, 0xd1) // XSETBV
	})
	l.errorCode = c.find(narrow("error_code"), []uint64{0x1238, 0x7770, 0x20f0, 0x9ab8}, func(v uint64) {
		C.scratch_write_table(&c.s, C.UC_X86_REG_GDTR, 0, C.SCRATCH_GDT, 0x3f, 0)
		C.scratch_write(&c.s, C.UC_X86_REG_RCX, C.uint64_t(v|3))
		c.execute(0x8e, 0xd9) // MOV DS, CX beyond the GDT: #GP(selector less RPL)
	})
	binary.LittleEndian.PutUint64(c.memory()[C.SCRATCH_GDT+0x18:], 0x00cf12000000ffff) // data, not present
	exceptions := map[uint64]func(){
		0: func() { c.execute(0x31, 0xc9, 0xf7, 0xf1) }, // DIV by zero
		11: func() { // MOV DS of a segment that is not present
			C.scratch_write_table(&c.s, C.UC_X86_REG_GDTR, 0, C.SCRATCH_GDT, 0x3f, 0)
			C.scratch_write(&c.s, C.UC_X86_REG_RCX, 0x18)
			c.execute(0x8e, 0xd9)
		},
		13: func() { // MOV DS beyond the table
			C.scratch_write_table(&c.s, C.UC_X86_REG_GDTR, 0, C.SCRATCH_GDT, 0x3f, 0)
			C.scratch_write(&c.s, C.UC_X86_REG_RCX, 0x4440)
			c.execute(0x8e, 0xd9)
		},
	}
	l.oldException = c.find(narrow("old_exception"), []uint64{0, 11, 13, 0}, func(v uint64) { exceptions[v]() })
}

// crossCheck brings about one state in which many fields are known and reads
// each at the place found.
func (c *calibrator) crossCheck(l *layout) error {
	C.scratch_reset(&c.s)
	for i, descriptor := range []uint64{0, 0x00af9b000000ffff, 0x4fcf93225566d00d, 0x12c0f31122334455} {
		binary.LittleEndian.PutUint64(c.memory()[C.SCRATCH_GDT+8*i:], descriptor)
	}
	C.scratch_write_table(&c.s, C.UC_X86_REG_GDTR, 0, C.SCRATCH_GDT, 0x3f, 0)
	C.scratch_write(&c.s, C.UC_X86_REG_CR4, 0x620|1<<21) // SMAP
	C.scratch_write(&c.s, C.UC_X86_REG_CR3, 0x5a5a5000)
	C.scratch_write(&c.s, C.UC_X86_REG_RCX, 0x10)
	c.execute(0x8e, 0xd9) // MOV DS, CX
	C.scratch_write(&c.s, C.UC_X86_REG_RCX, 0x1b)
	c.execute(0x8e, 0xc1) // MOV ES, CX
	p := c.context()
	at := func(width, offset int) uint64 {
		if offset < 0 || offset+8 > len(p) {
			return 0xbad
		}
		return field{width: width}.read(p, offset)
	}
	ds, es := l.segment+3*l.stride, l.segment
	for _, check := range []struct {
		name      string
		got, want uint64
	}{
		{"DS selector", at(4, ds+l.selector), 0x10},
		{"DS base", at(8, ds+l.base), 0x4f225566},
		{"DS limit", at(4, ds+l.limit), 0xfd00dfff},
		{"DS attributes", at(4, ds+l.attributes) & 0xf0ff00, 0xcf9300 & 0xf0ff00},
		{"ES selector", at(4, es+l.selector), 0x1b},
		{"ES base", at(8, es+l.base), 0x12112233},
		{"ES limit", at(4, es+l.limit), 0x04455fff},
		{"CR3", at(8, l.cr+24), 0x5a5a5000},
		{"CR4", at(8, l.cr+32), 0x620 | 1<<21},
		{"hflags: SMAP and OSFXSR", at(4, l.hflags) & (3 << 22), 3 << 22},
		{"hflags: CPL and CS64", at(4, l.hflags) & 0x8003, 0x8000},
		{"GDTR base", at(8, l.gdtrBase), C.SCRATCH_GDT},
	} {
		if check.got != check.want {
			return &CalibrationError{Field: fmt.Sprintf("%s (cross-check: %#x where %#x was written)", check.name, check.got, check.want)}
		}
	}
	return nil
}

// findInvalidAddress finds where the engine keeps the whole address of an
// access that a TLB-fill hook refused: the hook itself is told the page only.
func findInvalidAddress() (int, error) {
	c, err := newCalibrator(true)
	if err != nil {
		return 0, err
	}
	defer c.close()
	var seen []observation
	for _, v := range canonical {
		C.scratch_reset(&c.s)
		C.scratch_write(&c.s, 37, C.uint64_t(v)) // RBX
		c.execute(0x48, 0x8b, 0x03)              // MOV RAX, [RBX]
		seen = append(seen, observation{v, c.engine()})
	}
	return wide("the address of a refused access").locate(seen)
}

// hooks finds where a hook keeps its range, which the engine asks at every
// instruction that it translates.
func (c *calibrator) hooks(l *layout) {
	var begin, end []observation
	for i, v := range values64 {
		p := make([]byte, C.SCRATCH_HOOK_SIZE)
		last := values64[len(values64)-1-i]
		n := C.scratch_hook(&c.s, C.uint64_t(v), C.uint64_t(last), (*C.uint8_t)(&p[0]), C.size_t(len(p)))
		begin = append(begin, observation{v, p[:n]})
		end = append(end, observation{last, p[:n]})
	}
	if l.hookBegin, c.err = wide("the start of a hook's range").locate(begin); c.err == nil {
		l.hookEnd, c.err = wide("the end of a hook's range").locate(end)
	}
}
