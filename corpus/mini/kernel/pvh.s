// SPDX-License-Identifier: GPL-2.0-or-later
//
// The other way in, for loaders that know Xen's direct boot (QEMU's -kernel):
// 32-bit protected mode without paging (Xen's docs/misc/pvh.pandoc).

.section .notes
	.p2align 2
	.long 4, 8, 18			# "Xen", an address, XEN_ELFNOTE_PHYS32_ENTRY
	.asciz "Xen"
	.quad pvh_start_xen - __START_KERNEL_map

.section .head.text
	.code32
{{code "pvh_start_xen"}}
	cli
	cld
	// 1 GiB one to one, in the tables that make_page_tables fills again.
	mov edi, offset level2_direct_pgt - __START_KERNEL_map
	mov eax, 0x1e3
	mov ecx, 512
1:	mov [edi], eax
	mov dword ptr [edi + 4], 0
	add eax, 0x200000
	add edi, 8
	loop 1b
	mov eax, offset level2_direct_pgt - __START_KERNEL_map + 0x63
	mov edi, offset level3_direct_pgt - __START_KERNEL_map
	mov [edi], eax
	mov eax, offset level3_direct_pgt - __START_KERNEL_map + 0x63
	mov edi, offset idt_table - __START_KERNEL_map
	mov [edi], eax			# a PML4 that is not the one to come: any page of zeros
	mov cr3, edi
	mov eax, 0x20			# CR4.PAE
	mov cr4, eax
	mov ecx, MSR_EFER
	rdmsr
	or eax, 0x100			# LME
	wrmsr
	mov eax, cr0
	or eax, 0x80000001
	mov cr0, eax
	mov edi, offset pvh_gdt_descr - __START_KERNEL_map
	lgdt [edi]
	mov esp, offset nmi_main_stack_top - __START_KERNEL_map	# PVH gives no stack
	push 0x10
	push offset startup_64 - __START_KERNEL_map
	retf
	.code64

	.p2align 3
pvh_gdt:
	.quad 0, 0
	.quad 0x00af9b000000ffff
	.quad 0x00cf93000000ffff
pvh_gdt_descr:
	.word 31
	.long pvh_gdt - __START_KERNEL_map
