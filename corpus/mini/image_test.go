// SPDX-License-Identifier: GPL-2.0-or-later

package mini

import (
	"bytes"
	"compress/gzip"
	"debug/dwarf"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/emu/boot"
	"github.com/uklemu/uklemu/emu/symbols"
)

func TestTheFileIsAVmlinux(t *testing.T) {
	const kernel = 0xffffffff81000000
	type segment struct {
		Type              elf.ProgType
		Flags             elf.ProgFlag
		Virtual, Physical uint64
		Sections          [2]string // the first and the last
	}
	const rx, rw = elf.PF_R | elf.PF_X, elf.PF_R | elf.PF_W
	for text, want := range map[string][]segment{
		"": {
			{elf.PT_LOAD, rx, kernel, 0x1000000, [2]string{".text", ".tdata"}},
			{elf.PT_LOAD, rw, kernel + 0x5000, 0x1005000, [2]string{".data", ".bss"}},
			{elf.PT_LOAD, rx, 0x400000, 0x1009000, [2]string{".user.text", ".user.text"}},
			{elf.PT_LOAD, rw, 0x401000, 0x100a000, [2]string{".user.data", ".user.data"}},
			{elf.PT_NOTE, 0, 0, 0, [2]string{".notes", ".notes"}},
			{elf.PT_TLS, elf.PF_R, kernel + 0x4000, 0x1004000, [2]string{".tdata", ".tbss"}},
		},
		"stock": {
			{elf.PT_LOAD, rx, kernel, 0x1000000, [2]string{".text", ".notes"}},
			{elf.PT_LOAD, rw, kernel + 0x3000, 0x1003000, [2]string{".data", ".bss"}},
			{elf.PT_LOAD, rx, 0x400000, 0x1006000, [2]string{".user.text", ".user.text"}},
			{elf.PT_LOAD, rw, 0x401000, 0x1007000, [2]string{".user.data", ".user.data"}},
			// The application is a program, page by page behind the other one.
			{elf.PT_LOAD, rx, 0x600000, 0x1008000, [2]string{".ukl.text", ".tdata"}},
			{elf.PT_LOAD, rw, 0x602000, 0x100a000, [2]string{".ukl.data", ".ukl.data"}},
			{elf.PT_NOTE, 0, 0, 0, [2]string{".notes", ".notes"}},
			{elf.PT_TLS, elf.PF_R, 0x601000, 0x1009000, [2]string{".tdata", ".tbss"}},
		},
	} {
		o, err := Parse(text)
		require.NoError(t, err)
		f, b := made(t, o)
		require.Equal(t, elf.ET_EXEC, f.Type)
		require.Equal(t, uint64(physicalStart), f.Entry)
		require.Len(t, f.Progs, len(want), text)
		for i, p := range f.Progs {
			first, last := f.Section(want[i].Sections[0]), f.Section(want[i].Sections[1])
			if want[i].Type == elf.PT_NOTE {
				want[i].Virtual, want[i].Physical = first.Addr, first.Addr-kernelMap
			}
			require.Equal(t, want[i], segment{p.Type, p.Flags, p.Vaddr, p.Paddr, want[i].Sections}, text)
			require.Equal(t, p.Vaddr%p.Align, p.Off%p.Align)
			require.Equal(t, [2]uint64{first.Addr, last.Addr + last.Size}, [2]uint64{p.Vaddr, p.Vaddr + p.Memsz}, text)
		}
		inSegments(t, f, b)

		image, err := boot.Parse("builtin:mini", bytes.NewReader(b), int64(len(b)))
		require.NoError(t, err)
		require.Equal(t, []string{boot.ProtocolLinux, boot.ProtocolPVH}, image.Protocols())
		version, err := image.LinuxVersion()
		require.NoError(t, err)
		require.Equal(t, "Linux version 6.1.0-mini (uklemu@uklemu) (uklemu's assembler) #1 "+strings.TrimSuffix("builtin:mini,"+text, ","), version)
	}
}

// inSegments checks that a segment has at an address what the section there has.
func inSegments(t *testing.T, f *elf.File, b []byte) {
	t.Helper()
	for _, s := range f.Sections {
		for _, p := range f.Progs {
			if s.Type == elf.SHT_NOBITS || s.Flags&elf.SHF_ALLOC == 0 || s.Size == 0 || p.Type != elf.PT_LOAD || s.Addr < p.Vaddr || s.Addr >= p.Vaddr+p.Filesz {
				continue
			}
			want, err := s.Data()
			require.NoError(t, err)
			require.Equal(t, want, b[p.Off+s.Addr-p.Vaddr:][:s.Size], s.Name)
		}
	}
}

// Where programs are loaded is told to the kernel.
func TestTheKernelKnowsWhereProgramsAreLoaded(t *testing.T) {
	for text, free := range map[string]uint64{"": 0x100b000, "stock": 0x100b000} {
		o, err := Parse(text)
		require.NoError(t, err)
		f, _ := made(t, o)
		data, err := f.Section(".user.data").Data()
		require.NoError(t, err)
		var words [3]uint64
		require.NoError(t, binary.Read(bytes.NewReader(data), binary.LittleEndian, &words))
		for _, p := range f.Progs {
			if p.Vaddr == userStart {
				require.Equal(t, p.Paddr+kernelMap, words[0])
				require.Equal(t, p.Paddr+0x2000+kernelMap, words[1])
			}
		}
		require.Equal(t, free+kernelMap, words[2], text)
	}
}

func TestSymbolsAreThoseOfTheSources(t *testing.T) {
	f, _ := made(t, Options{})
	list, err := f.Symbols()
	require.NoError(t, err)
	type symbol struct {
		Type    elf.SymType
		Bind    elf.SymBind
		Size    uint64
		Section string
	}
	found := map[string]symbol{}
	for _, s := range list {
		one := symbol{elf.ST_TYPE(s.Info), elf.ST_BIND(s.Info), s.Size, s.Section.String()}
		if int(s.Section) < len(f.Sections) {
			one.Section = f.Sections[s.Section].Name
		}
		found[s.Name] = one
	}
	for name, want := range map[string]symbol{
		"startup_64":           {elf.STT_NOTYPE, elf.STB_GLOBAL, 30, ".text"},
		"do_syscall_64":        {elf.STT_FUNC, elf.STB_GLOBAL, 5, ".text"},
		"inner":                {elf.STT_NOTYPE, elf.STB_LOCAL, 0, ".text"},
		"helper":               {elf.STT_FUNC, elf.STB_LOCAL, 8, ".text"},
		"ukl_entry_SYSCALL_64": {elf.STT_FUNC, elf.STB_GLOBAL, 6, ".text"},
		"__ukl_text_end":       {elf.STT_NOTYPE, elf.STB_GLOBAL, 0, ".text"},
		"init_task":            {elf.STT_OBJECT, elf.STB_GLOBAL, 64, ".data"},
		"current_task":         {elf.STT_OBJECT, elf.STB_LOCAL, 8, ".data"},
		"ukl_counter":          {elf.STT_OBJECT, elf.STB_LOCAL, 8, ".ukl.data"},
		"stack":                {elf.STT_OBJECT, elf.STB_LOCAL, 0x2000, ".bss"},
		"stack_top":            {elf.STT_OBJECT, elf.STB_LOCAL, 0, ".bss"},
		"__tls_bss_end":        {elf.STT_NOTYPE, elf.STB_GLOBAL, 0, ".tbss"},
		"phys_startup_64":      {elf.STT_NOTYPE, elf.STB_GLOBAL, 0, "SHN_ABS"},
	} {
		require.Empty(t, cmp.Diff(want, found[name]), name)
	}
	require.NotContains(t, found, ".Lhidden")
}

func TestLinesLeadToTheSources(t *testing.T) {
	f, b := made(t, Options{})
	table, err := symbols.Load(bytes.NewReader(b), int64(len(b)))
	require.NoError(t, err)
	for _, test := range []struct {
		symbol string
		offset uint64
		want   string
	}{
		{"startup_64", 0, "corpus/mini/kernel/a.s:8"},
		{"startup_64", 14, "corpus/mini/kernel/a.s:3"}, // the macro's
		{"inner", 0, "corpus/mini/kernel/a.s:18"},
		{"ukl_entry_SYSCALL_64", 0, "corpus/mini/kernel/b.s:5"},
		{"ukl_entry_SYSCALL_64", 1, "corpus/mini/kernel/b.s:9"},
	} {
		address, ok := table.Address(test.symbol)
		require.True(t, ok)
		line, ok := table.Line(address + test.offset)
		require.True(t, ok, test.symbol)
		require.Equal(t, test.want, line.String())
	}

	// Another reader's opinion.
	info, err := f.DWARF()
	require.NoError(t, err)
	unit, err := info.Reader().Next()
	require.NoError(t, err)
	rows, err := info.LineReader(unit)
	require.NoError(t, err)
	for {
		var row dwarf.LineEntry
		if err := rows.Next(&row); err == io.EOF {
			break
		}
		require.NoError(t, err)
		if line, ok := table.Line(row.Address); ok && !row.EndSequence {
			require.Equal(t, line.Line, row.Line)
			require.Equal(t, filepath.Base(line.File), filepath.Base(row.File.Name))
		}
	}
}

// scripts/sorttable.c of the kernel sorts them, for search_extable().
func TestExceptionTableIsSorted(t *testing.T) {
	f, b := made(t, Options{})
	table, err := symbols.Load(bytes.NewReader(b), int64(len(b)))
	require.NoError(t, err)
	helper, _ := table.Address("helper")
	s := f.Section("__ex_table")
	data, err := s.Data()
	require.NoError(t, err)
	var entries [2]struct{ Insn, Fixup, Data int32 }
	require.NoError(t, binary.Read(bytes.NewReader(data), binary.LittleEndian, &entries))
	at := func(field int, v int32) uint64 { return s.Addr + uint64(4*field) + uint64(int64(v)) }
	require.Equal(t, [3]uint64{helper + 1, helper + 7, 2}, [3]uint64{at(0, entries[0].Insn), at(1, entries[0].Fixup), uint64(entries[0].Data)})
	require.Equal(t, [3]uint64{helper + 4, helper + 7, 1}, [3]uint64{at(3, entries[1].Insn), at(4, entries[1].Fixup), uint64(entries[1].Data)})
}

func TestTheConfigurationSaysTheOptions(t *testing.T) {
	for text, lines := range map[string][]string{
		"":                             {"CONFIG_UNIKERNEL_LINUX=y\n", "# CONFIG_UKL_USE_RET is not set\n", "# CONFIG_SMP is not set\n"},
		"use_ret,bypass,defect=no-cld": {"CONFIG_UKL_USE_RET=y\n", "CONFIG_UKL_BYPASS=y\n", "CONFIG_UKL_DEFECTS=y\n", "CONFIG_UKL_DEFECT_NO_CLD=y\n"},
		"stock":                        {"# CONFIG_UNIKERNEL_LINUX is not set\n"},
		"kml":                          {"# CONFIG_UNIKERNEL_LINUX is not set\n", "CONFIG_KERNEL_MODE_LINUX=y\n"},
	} {
		o, err := Parse(text)
		require.NoError(t, err)
		x, err := buildOf(little, o)
		require.NoError(t, err)
		b := x.bytes()
		_, rest, ok := bytes.Cut(b, []byte("IKCFG_ST"))
		require.True(t, ok)
		packed, _, ok := bytes.Cut(rest, []byte("IKCFG_ED"))
		require.True(t, ok)
		z, err := gzip.NewReader(bytes.NewReader(packed))
		require.NoError(t, err)
		config, err := io.ReadAll(z)
		require.NoError(t, err)
		for _, line := range lines {
			require.Contains(t, string(config), line, text)
		}
	}
}

// However many defects there are, it is known for a Linux and has its
// configuration.
func TestAllDefectsAtOnceHaveRoom(t *testing.T) {
	all := Options{UseRet: true, Bypass: true, Defects: DefectNames()}
	x, err := buildOf(little, all)
	require.NoError(t, err)
	image, err := boot.Parse("builtin:mini", bytes.NewReader(x.bytes()), int64(len(x.bytes())))
	require.NoError(t, err)
	version, err := image.LinuxVersion()
	require.NoError(t, err)
	require.Contains(t, version, fmt.Sprintf("builtin:mini with %d defects", len(all.Defects)))
}

func TestTheBytesAreTheSameEachTime(t *testing.T) {
	_, first := made(t, Options{UseRet: true})
	for range 3 {
		_, again := made(t, Options{UseRet: true})
		require.Equal(t, first, again)
	}
	_, other := made(t, Options{})
	require.NotEqual(t, first, other)
}

// Tools that people have read it without complaint.
func TestToolsReadIt(t *testing.T) {
	_, b := made(t, Options{})
	path := filepath.Join(t.TempDir(), "vmlinux")
	require.NoError(t, os.WriteFile(path, b, 0o644))
	said, err := exec.Command("readelf", "-aW", "--debug-dump=info,abbrev,decodedline", path).CombinedOutput()
	require.NoError(t, err)
	require.NotRegexp(t, `readelf: |[Cc]orrupt`, string(said))
	said, err = exec.Command("gdb", "-nx", "-q", "-batch", "-ex", "info line do_syscall_64", "-ex", "print sizeof(struct pt_regs)", "-ex", "print &init_task.thread_info.syscall_work",
		"-ex", "print current_task", "-ex", "disassemble helper", path).CombinedOutput()
	require.NoError(t, err)
	for _, want := range []string{`Line 17 of "corpus/mini/kernel/a.s" starts at address 0xffffffff81000040`, "$1 = 168", "<init_task+8>", "(struct task_struct *) 0xffffffff81005000 <init_task>", "<+7>"} {
		require.Contains(t, string(said), want)
	}
	require.NotRegexp(t, `(?i)warning|error|dwarf`, string(said))
}
