// SPDX-License-Identifier: GPL-2.0-or-later

package lockstep

import (
	"embed"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/uklemu/uklemu/emu/x86"
)

//go:embed trampoline
var trampolineSource embed.FS

// kernelCPU has what the emulator's CPUID has promised to the kernel.
const kernelCPU = DefaultCPU + ",+xsave,+xsaveopt,+sse3,+ssse3,+sse4.1,+sse4.2,+popcnt,+movbe,+pclmulqdq,+aes,+bmi1,+bmi2,+adx,+cx16,+erms,+clflushopt,+lahf-lm,+abm"

// buildTrampoline links it above the guest's memory.
func buildTrampoline(folder string) (path string, symbols map[string]uint64, err error) {
	if err := os.CopyFS(folder, trampolineSource); err != nil {
		return "", nil, fmt.Errorf("unpacking the trampoline: %w", err)
	}
	source := filepath.Join(folder, "trampoline")
	for _, command := range [][]string{
		{"as", "--64", "-o", "trampoline.o", "trampoline.S"},
		{"ld", "-n", "-m", "elf_x86_64", "-z", "noexecstack", "-T", "trampoline.ld", "-o", "trampoline64", "trampoline.o"},
		{"objcopy", "-O", "elf32-i386", "trampoline64", "trampoline32"},
	} {
		if err := run(source, command[0], command[1:]...); err != nil {
			return "", nil, err
		}
	}
	symbols, err = symbolsOf(filepath.Join(source, "trampoline64"))
	return filepath.Join(source, "trampoline32"), symbols, err
}

// Transplant starts a QEMU in the state that the kernel is in.
func Transplant(k *Kernel) (*QEMU, error) {
	folder, err := os.MkdirTemp("", "lockstep")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder)
	trampoline, symbols, err := buildTrampoline(folder)
	if err != nil {
		return nil, err
	}
	memory := filepath.Join(folder, "memory")
	if err := os.WriteFile(memory, nil, 0o600); err != nil {
		return nil, err
	}
	if err := os.Truncate(memory, kernelMemory+trampolineRoom); err != nil {
		return nil, err
	}
	q, err := StartQEMU(QEMUOptions{Kernel: trampoline, CPU: kernelCPU, MemoryMiB: (kernelMemory + trampolineRoom) >> 20, MemoryFile: memory})
	if err != nil {
		return nil, err
	}
	if err := k.transplant(q, memory, symbols); err != nil {
		return nil, errors.Join(fmt.Errorf("into QEMU: %w", err), q.Close())
	}
	return q, nil
}

func (k *Kernel) transplant(q *QEMU, memory string, symbols map[string]uint64) error {
	if err := q.RunTo(symbols["ready"]); err != nil {
		return err
	}
	if err := k.copyMemory(memory); err != nil {
		return err
	}
	if err := k.fillBlock(q, symbols); err != nil {
		return err
	}
	r, err := q.Registers()
	if err != nil {
		return err
	}
	r.RIP = symbols["load"]
	if err := q.SetRegisters(r); err != nil {
		return err
	}
	if err := q.RunTo(symbols["loaded"]); err != nil {
		return err
	}
	want, err := k.Registers()
	if err != nil {
		return err
	}
	if err := q.SetRegisters(want); err != nil {
		return err
	}
	return q.ForgetBreakpoints()
}

// copyMemory writes the guest's RAM to the file that QEMU has for its own.
func (k *Kernel) copyMemory(path string) (err error) {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	p := make([]byte, 1<<20)
	for at := 0; at < kernelMemory; at += len(p) {
		if err := k.ReadPhysical(uint64(at), p); err != nil {
			return err
		}
		if _, err := f.WriteAt(p, int64(at)); err != nil {
			return err
		}
	}
	return nil
}

// fillBlock writes what the trampoline loads.
func (k *Kernel) fillBlock(q *QEMU, symbols map[string]uint64) error {
	s := k.State()
	table := func(t x86.Table) []byte {
		return binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint16(nil, t.Limit), t.Base)
	}
	words := func(list ...uint64) (p []byte) {
		for _, w := range list {
			p = binary.LittleEndian.AppendUint64(p, w)
		}
		return p
	}
	// SDM vol. 3A, figure 9-4: an available 64-bit TSS.
	base := s.TR.Base
	tss := words(uint64(s.TR.Limit&0xffff)|base&0xffffff<<16|0x89<<40|base>>24&0xff<<56, base>>32)
	for name, p := range map[string][]byte{
		"gdt_tss":    tss,
		"block_gdtr": table(s.GDTR),
		"block_idtr": table(s.IDTR),
		"block_ss":   words(uint64(s.Seg[x86.SS].Selector)),
		"block_cr4":  words(s.CR4),
		"block_xcr0": words(s.XCR0),
		"block_msrs": words(0xc0000080, s.EFER, 0xc0000081, s.STAR, 0xc0000082, s.LSTAR, 0xc0000083, s.CSTAR, 0xc0000084, s.FMASK,
			0x174, s.SysenterCS, 0x175, s.SysenterESP, 0x176, s.SysenterEIP, 0xc0000103, s.TSCAux, 0, 0),
	} {
		if err := q.WritePhysical(symbols[name], p); err != nil {
			return err
		}
	}
	return nil
}
