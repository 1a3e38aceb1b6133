// SPDX-License-Identifier: GPL-2.0-or-later

package space

// cpuTables paints what the CPU reads by itself: IDT, GDT, TSS, and the stacks
// in the TSS.
func (k *kernel) cpuTables() {
	k.table(k.state.IDTR.Base, uint64(k.state.IDTR.Limit)+1, IDT)
	k.table(k.state.GDTR.Base, uint64(k.state.GDTR.Limit)+1, GDT)
	if !k.state.TR.Null() {
		k.table(k.state.TR.Base, uint64(k.state.TR.Limit)+1, TSS)
	}
	k.exceptionStacks()
}

// table paints a table of the CPU if it is in the kernel half: before the
// kernel has set its own, they are a boot loader's.
func (k *kernel) table(start, size uint64, kind Kind) {
	if int64(start) < 0 && k.tables.Canonical(start) {
		k.owned(start, size, kind, "")
	}
}
