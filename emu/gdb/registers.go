// SPDX-License-Identifier: GPL-2.0-or-later

package gdb

// Registers is the register file that gdb sees.
type Registers struct {
	GPR     [16]uint64 // by encoding: RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8 ... R15
	RIP     uint64
	RFLAGS  uint64
	Segment [6]uint16 // by encoding: ES, CS, SS, DS, FS, GS

	FSBase, GSBase, KernelGSBase uint64
	CR0, CR2, CR3, CR4, CR8      uint64
	EFER                         uint64
	DR                           [8]uint64 // DR4 and DR5 unused

	ST    [8][10]byte // ST(0) first
	X87   X87
	XMM   [16][16]byte
	MXCSR uint32
}

// X87 is the control part of the floating-point unit.
type X87 struct {
	Control, Status, Tag uint16 // Tag with two bits a register
	Opcode               uint16
	InstructionSegment   uint16
	InstructionOffset    uint32
	OperandSegment       uint16
	OperandOffset        uint32
}

// register is one line of the target description. Its number is its place in
// the list; gdb asks for a register by that number.
type register struct {
	name    string
	bits    int
	kind    string // gdb's type
	feature string
	group   string
	get     func(*Registers, []byte) // bits/8 bytes, little-endian
	set     func(*Registers, []byte)
}

const (
	featureCore     = "org.gnu.gdb.i386.core"
	featureSSE      = "org.gnu.gdb.i386.sse"
	featureLinux    = "org.gnu.gdb.i386.linux"
	featureSegments = "org.gnu.gdb.i386.segments"
	// gdb shows the registers of a feature that it does not know by their
	// names alone, so this name is ours. The register names are those that
	// QEMU gives them, which is where users have them from.
	featureSystem = "org.uklemu.x86.system"
)

// registerList is in the order that gdb's features demand: their registers
// are numbered through, core first.
var registerList = buildRegisters()

func buildRegisters() []register {
	var list []register
	add := func(r register) { list = append(list, r) }

	// gdb's order of the first eight is not that of the encoding.
	general := []struct {
		name string
		n    int
	}{
		{"rax", 0}, {"rbx", 3}, {"rcx", 1}, {"rdx", 2}, {"rsi", 6}, {"rdi", 7}, {"rbp", 5}, {"rsp", 4},
		{"r8", 8}, {"r9", 9}, {"r10", 10}, {"r11", 11}, {"r12", 12}, {"r13", 13}, {"r14", 14}, {"r15", 15},
	}
	for _, g := range general {
		kind := "int64"
		if g.name == "rbp" || g.name == "rsp" {
			kind = "data_ptr"
		}
		add(word(g.name, kind, featureCore, "", func(r *Registers) *uint64 { return &r.GPR[g.n] }))
	}
	add(word("rip", "code_ptr", featureCore, "", func(r *Registers) *uint64 { return &r.RIP }))
	add(register{"eflags", 32, "i386_eflags", featureCore, "",
		func(r *Registers, p []byte) { store(p, r.RFLAGS) },
		func(r *Registers, p []byte) { r.RFLAGS = load(p) }})
	for _, s := range []struct {
		name string
		n    int
	}{{"cs", 1}, {"ss", 2}, {"ds", 3}, {"es", 0}, {"fs", 4}, {"gs", 5}} {
		add(half(s.name, "int32", featureCore, "", func(r *Registers) *uint16 { return &r.Segment[s.n] }))
	}
	for i := range 8 {
		add(register{"st" + decimal(i), 80, "i387_ext", featureCore, "",
			func(r *Registers, p []byte) { copy(p, r.ST[i][:]) },
			func(r *Registers, p []byte) { copy(r.ST[i][:], p) }})
	}
	list = append(list, x87Registers()...)

	for i := range 16 {
		add(register{"xmm" + decimal(i), 128, "vec128", featureSSE, "",
			func(r *Registers, p []byte) { copy(p, r.XMM[i][:]) },
			func(r *Registers, p []byte) { copy(r.XMM[i][:], p) }})
	}
	add(full32("mxcsr", "i386_mxcsr", featureSSE, "vector", func(r *Registers) *uint32 { return &r.MXCSR }))

	// orig_rax is a matter of Linux's entry code, not of the processor: -1
	// tells gdb that no system call is to be restarted.
	add(register{"orig_rax", 64, "int64", featureLinux, "system",
		func(_ *Registers, p []byte) { store(p, ^uint64(0)) },
		func(*Registers, []byte) {}})
	add(word("fs_base", "int64", featureSegments, "", func(r *Registers) *uint64 { return &r.FSBase }))
	add(word("gs_base", "int64", featureSegments, "", func(r *Registers) *uint64 { return &r.GSBase }))
	return append(list, systemRegisters()...)
}

// x87Registers are the eight that gdb's core feature has after ST(7), each
// shown with 32 bits.
func x87Registers() []register {
	return []register{
		half("fctrl", "int", featureCore, "float", func(r *Registers) *uint16 { return &r.X87.Control }),
		half("fstat", "int", featureCore, "float", func(r *Registers) *uint16 { return &r.X87.Status }),
		half("ftag", "int", featureCore, "float", func(r *Registers) *uint16 { return &r.X87.Tag }),
		half("fiseg", "int", featureCore, "float", func(r *Registers) *uint16 { return &r.X87.InstructionSegment }),
		full32("fioff", "int", featureCore, "float", func(r *Registers) *uint32 { return &r.X87.InstructionOffset }),
		half("foseg", "int", featureCore, "float", func(r *Registers) *uint16 { return &r.X87.OperandSegment }),
		full32("fooff", "int", featureCore, "float", func(r *Registers) *uint32 { return &r.X87.OperandOffset }),
		half("fop", "int", featureCore, "float", func(r *Registers) *uint16 { return &r.X87.Opcode }),
	}
}

func systemRegisters() []register {
	sys := func(name, kind string, field func(*Registers) *uint64) register {
		return word(name, kind, featureSystem, "", field)
	}
	list := []register{
		sys("k_gs_base", "int64", func(r *Registers) *uint64 { return &r.KernelGSBase }),
		sys("cr0", "x64_cr0", func(r *Registers) *uint64 { return &r.CR0 }),
		sys("cr2", "int64", func(r *Registers) *uint64 { return &r.CR2 }),
		sys("cr3", "x64_cr3", func(r *Registers) *uint64 { return &r.CR3 }),
		sys("cr4", "x64_cr4", func(r *Registers) *uint64 { return &r.CR4 }),
		sys("cr8", "int64", func(r *Registers) *uint64 { return &r.CR8 }),
		sys("efer", "x64_efer", func(r *Registers) *uint64 { return &r.EFER }),
	}
	for _, n := range []int{0, 1, 2, 3, 6, 7} {
		list = append(list, word("dr"+decimal(n), "int64", featureSystem, "system",
			func(r *Registers) *uint64 { return &r.DR[n] }))
	}
	return list
}

func word(name, kind, feature, group string, field func(*Registers) *uint64) register {
	return register{name, 64, kind, feature, group,
		func(r *Registers, p []byte) { store(p, *field(r)) },
		func(r *Registers, p []byte) { *field(r) = load(p) }}
}

func full32(name, kind, feature, group string, field func(*Registers) *uint32) register {
	return register{name, 32, kind, feature, group,
		func(r *Registers, p []byte) { store(p, uint64(*field(r))) },
		func(r *Registers, p []byte) { *field(r) = uint32(load(p)) }}
}

func half(name, kind, feature, group string, field func(*Registers) *uint16) register {
	return register{name, 32, kind, feature, group,
		func(r *Registers, p []byte) { store(p, uint64(*field(r))) },
		func(r *Registers, p []byte) { *field(r) = uint16(load(p)) }}
}

func store(p []byte, v uint64) {
	for i := range p {
		p[i] = byte(v >> (8 * i))
	}
}

func load(p []byte) (v uint64) {
	for i, c := range p {
		v |= uint64(c) << (8 * i)
	}
	return v
}

func decimal(n int) string {
	if n >= 10 {
		return string(rune('0'+n/10)) + string(rune('0'+n%10))
	}
	return string(rune('0' + n))
}
