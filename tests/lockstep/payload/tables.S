# SPDX-License-Identifier: GPL-2.0-or-later
#
# Page tables, GDT, IDTs and TSS, as they are when a case begins.
.include "layout.inc"

.equ P, 1
.equ RW, 2
.equ US, 4
.equ PCD, 0x10
.equ AD, 0x60
.equ PS, 0x80
.equ NX, 0x8000000000000000
.equ RSVD, 0x0008000000000000     # bit 51, above any MAXPHYADDR met here
.equ RSVD13, 0x2000               # in a 2 MiB or 1 GiB entry (SDM vol. 3A, table 4-19)

# A table of which some entries are given, in order.
.macro entry index, value
.org current_table + 8 * (\index)
.quad \value
.endm
.macro table name
.balign 4096
.set current_table, .
.globl \name
\name:
.endm

.section .pristine, "aw"
# These are copied to "tables" when a case begins; what one entry says of
# another is where the copy is.
.equ pml4, 0
.equ pdpt, 1
.equ pd_identity, 2
.equ pd_test, 3
.equ pdpt_low, 4
.equ pd_low, 5
.equ pdpt_high, 6
.equ pd_high, 7
.equ pdpt_top, 8
.equ pd_top, 9
.equ pt_test, 10

table pristine_tables
entry 0,   tables + 0x1000*pdpt + P+RW+US
entry 255, tables + 0x1000*pdpt_low + P+RW+US
entry 256, tables + 0x1000*pdpt_high + P+RW
entry 511, tables + 0x1000*pdpt_top + P+RW
table pristine_pdpt
entry 0, tables + 0x1000*pd_identity + P+RW+US
entry 1, tables + 0x1000*pd_test + P+RW+US
entry 5, work + P+RW+US+PS+RSVD13
entry 6, tables + 0x1000*pd_test + P+RW+US + RSVD
table pristine_pd_identity
# Accessed and dirty from the start: the log is there, and nothing in a record
# may depend on where it has got to.
.set at, 0
.rept 32
.quad at + P+RW+PS + AD
.set at, at + 0x200000
.endr
entry 258, 0x400000 + P+US+PS     # user_alias
entry 259, 0x600000 + P+US+PS
table pristine_pd_test
entry 0, tables + 0x1000*pt_test + P+RW+US
entry 1, work + P+RW+US+PS
entry 2, work + P+RW+PS
entry 3, work + P+RW+US+PS+RSVD13
entry 4, work + RW+US+PS
entry 5, tables + 0x1000*pt_test + P+US
entry 6, tables + 0x1000*pt_test + P+RW
entry 7, tables + 0x1000*pt_test + P+RW+US + NX
entry 8, tables + 0x1000*pt_test + P+RW+US + RSVD
entry 100, apic_physical + P+RW+PCD+PS
table pristine_pdpt_low
entry 511, tables + 0x1000*pd_low + P+RW+US
table pristine_pd_low
entry 511, work + P+RW+US+PS
table pristine_pdpt_high
entry 0, tables + 0x1000*pd_high + P+RW
table pristine_pd_high
entry 0, work + P+RW+PS + NX
table pristine_pdpt_top
entry 511, tables + 0x1000*pd_top + P+RW
table pristine_pd_top
entry 511, work + P+RW+PS + NX
table pristine_pt_test
.quad work + 0x0000 + P+RW+US + NX
.quad work + 0x1000 + P+RW+US + NX
.quad work + 0x2000 + RW+US
.quad work + 0x2000 + P+RW + NX
.quad work + 0x3000 + P+US + NX
.quad work + 0x4000 + P + NX
.quad work + 0x5000 + P+RW+US + RSVD
.quad work + 0x7000 + P+RW+US
.quad 0
.quad work + 0x0000 + P+RW+US + NX
.quad work + 0x7000 + P+RW
.quad work + 0x5000 + P+RW + NX
.balign 4096
.globl pristine_end
pristine_end:

# SDM vol. 3A, figure 3-8. The attributes are bits 40 to 55 of a descriptor.
.macro descriptor base=0, limit=0xfffff, attributes
.quad ((\limit) & 0xffff) | (((\base) & 0xffffff) << 16) | ((\attributes) << 40) | ((((\limit) >> 16) & 15) << 48) | ((((\base) >> 24) & 0xff) << 56)
.endm
.globl pristine_gdt
.balign 16
pristine_gdt:
.quad 0
descriptor attributes=0xa09b      # 08 kernel code
descriptor attributes=0xc093      # 10 kernel data
descriptor attributes=0xc0fb      # 18 user code, 32 bits
descriptor attributes=0xc0f3      # 20 user data
descriptor attributes=0xa0fb      # 28 user code
.quad 0, 0                        # 30 TSS, filled in when copied
descriptor attributes=0xc013      # 40 kernel data, not present
descriptor attributes=0xa01b      # 48 kernel code, not present
descriptor attributes=0xc091      # 50 kernel data, read-only
descriptor attributes=0xa099      # 58 kernel code, not readable
descriptor attributes=0xc0f1      # 60 user data, read-only
descriptor limit=0, attributes=0x0082 # 68 LDT, in two parts
.quad 0
descriptor attributes=0xa09f      # 78 conforming code
descriptor attributes=0xe09b      # 80 code with both L and D
descriptor attributes=0xc0b3      # 88 data, DPL 1
descriptor attributes=0xc073      # 90 user data, not present
descriptor attributes=0xa07b      # 98 user code, not present
descriptor attributes=0xc0f2      # a0 user data, not accessed
descriptor attributes=0xc092      # a8 kernel data, not accessed
descriptor base=0x12345678, attributes=0xc0f3 # b0 user data with a base
descriptor attributes=0xc097      # b8 kernel data, expand down
descriptor limit=0x67, attributes=0x000b # c0 a second TSS, not present, in two parts
.quad 0
descriptor attributes=0x0084      # d0 a 16-bit call gate: no such thing in long mode
.quad 0
.globl pristine_gdt_end
pristine_gdt_end:

.section .bss
.balign 4096
.globl tables, tables_end, gdt, gdt_end, idt_a, idt_b, tss
tables:
.skip 0x1000 * 11
tables_end:
.globl gdt
gdt:
.skip 0x100
gdt_end:
.balign 16
idt_a:
.skip 4096
idt_b:
.skip 4096
.balign 128 # the TSS crosses no page
tss:
.skip 128
