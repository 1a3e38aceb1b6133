// SPDX-License-Identifier: GPL-2.0-or-later

package sequence

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"github.com/uklemu/uklemu/model/image"
)

// Kernel says which operations there are in one kernel.
type Kernel struct {
	Image *image.Image
	has   []bool // by code
	codes []Code
}

// NewKernel asks an image. It fails if that has no sys_call_table.
func NewKernel(img *image.Image) (*Kernel, error) {
	table, ok := img.Symbols.Symbol("sys_call_table")
	if !ok {
		return nil, fmt.Errorf("%s: no symbol sys_call_table, so it can't be said which system calls there are", img.Name)
	}
	k := &Kernel{Image: img, has: make([]bool, len(operations))}
	for c := range operations {
		op := &operations[c]
		switch {
		case op.Number != NotACall:
			k.has[c] = (table.Size == 0 || uint64(op.Number) < table.Size/8) && implemented(img, table.Address+8*uint64(op.Number))
		case op.Needs == needShortcuts:
			k.has[c] = img.UKL.Shortcut
		case op.Needs == needCare:
			k.has[c] = img.UKL.Flavor != image.KML
		default:
			k.has[c] = true
		}
		if k.has[c] {
			k.codes = append(k.codes, Code(c))
		}
	}
	return k, nil
}

// Has says whether the kernel has an operation.
func (k *Kernel) Has(c Code) bool { return int(c) < len(k.has) && k.has[c] }

// Codes are all that it has.
func (k *Kernel) Codes() []Code { return k.codes }

// hasCall says whether it has the system call of that name.
func (k *Kernel) hasCall(name string) bool {
	c, ok := findOperation(name)
	return ok && k.Has(c)
}

// returnsENOSYS is MOV RAX, -ENOSYS.
var returnsENOSYS = []byte{0x48, 0xc7, 0xc0, 0xda, 0xff, 0xff, 0xff}

// implemented says whether an entry of the table leads to anything but
// sys_ni_syscall. What the configuration leaves out has an entry of its own name
// (kernel/sys_ni.c, COND_SYSCALL), whose code is that of sys_ni_syscall or a jump to it.
func implemented(img *image.Image, entry uint64) bool {
	var p [8]byte
	if _, err := img.ReadMemory(entry, p[:]); err != nil {
		return false
	}
	at := binary.LittleEndian.Uint64(p[:])
	if none, ok := img.Address("__x64_sys_ni_syscall"); ok && at == none {
		return false
	}
	none, _ := img.Address("sys_ni_syscall")
	if none != 0 && at == none {
		return false
	}
	size := uint64(24)
	if s, _, ok := img.Symbols.Lookup(at); ok && s.Size > 0 {
		size = s.Size
	}
	if size > 24 { // longer than that is more than a constant
		return true
	}
	code := make([]byte, size)
	n, _ := img.ReadMemory(at, code)
	code = code[:n]
	if bytes.Contains(code, returnsENOSYS) {
		return false
	}
	for i := 0; i+5 <= len(code); i++ {
		if code[i] == 0xe9 && none != 0 && at+uint64(i)+5+uint64(int64(int32(binary.LittleEndian.Uint32(code[i+1:])))) == none {
			return false
		}
	}
	return true
}
