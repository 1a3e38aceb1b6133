// SPDX-License-Identifier: GPL-2.0-or-later

package disasm

// The encodings that x86asm 0.32 refuses, or takes for a lone prefix, or
// calls by another's name. They are written as the manual writes them (SDM
// vol. 2A 3.1.1, "Opcode Column"):
//
//	NP         neither 66 nor F2 nor F3 goes before
//	66 F2 F3   that one does (F2 and F3 hide a 66)
//	/3         the reg field of ModRM is 3; /r: a register
//
// and the operand column says what the ModRM byte stands for:
//
//	r32, r64        a register
//	rw              a 16-, 32- or 64-bit register
//	ry              a 32-bit register, 64-bit with REX.W: the mnemonic gets D or Q
//	rmy             the same, or memory, without the letter
//	rm16, rm64      a register or memory
//	m, my           memory, of any size or 32 or 64 bits
//
// The order is that of the opcode.
var encodings = []struct{ opcode, name, operands string }{
	{"F2 0F 00 /6", "LKGS", "rm16"},

	{"NP 0F 01 C0", "ENCLV", ""},
	{"NP 0F 01 C1", "VMCALL", ""},
	{"NP 0F 01 C2", "VMLAUNCH", ""},
	{"NP 0F 01 C3", "VMRESUME", ""},
	{"NP 0F 01 C4", "VMXOFF", ""},
	{"NP 0F 01 C5", "PCONFIG", ""},
	{"NP 0F 01 C6", "WRMSRNS", ""},
	{"F2 0F 01 C6", "RDMSRLIST", ""},
	{"F3 0F 01 C6", "WRMSRLIST", ""},
	{"NP 0F 01 CA", "CLAC", ""},
	{"F3 0F 01 CA", "ERETU", ""},
	{"F2 0F 01 CA", "ERETS", ""},
	{"NP 0F 01 CB", "STAC", ""},
	{"66 0F 01 CC", "TDCALL", ""},
	{"NP 0F 01 CF", "ENCLS", ""},
	{"NP 0F 01 D4", "VMFUNC", ""},
	{"NP 0F 01 D7", "ENCLU", ""},
	{"NP 0F 01 D8", "VMRUN", ""},
	{"NP 0F 01 D9", "VMMCALL", ""},
	{"NP 0F 01 DA", "VMLOAD", ""},
	{"NP 0F 01 DB", "VMSAVE", ""},
	{"NP 0F 01 DC", "STGI", ""},
	{"NP 0F 01 DD", "CLGI", ""},
	{"NP 0F 01 DE", "SKINIT", ""},
	{"NP 0F 01 DF", "INVLPGA", ""},
	{"NP 0F 01 E8", "SERIALIZE", ""},
	{"F3 0F 01 E8", "SETSSBSY", ""},
	{"F2 0F 01 E8", "XSUSLDTRK", ""},
	{"F2 0F 01 E9", "XRESLDTRK", ""},
	{"F3 0F 01 EA", "SAVEPREVSSP", ""},
	{"F3 0F 01 EC", "UIRET", ""},
	{"F3 0F 01 ED", "TESTUI", ""},
	{"NP 0F 01 EE", "RDPKRU", ""},
	{"F3 0F 01 EE", "CLUI", ""},
	{"NP 0F 01 EF", "WRPKRU", ""},
	{"F3 0F 01 EF", "STUI", ""},
	{"NP 0F 01 FA", "MONITORX", ""},
	{"NP 0F 01 FB", "MWAITX", ""},
	{"NP 0F 01 FC", "CLZERO", ""},
	{"NP 0F 01 FE", "INVLPGB", ""},
	{"NP 0F 01 FF", "TLBSYNC", ""},
	{"F3 0F 01 /5", "RSTORSSP", "m"},

	{"F3 0F 09", "WBNOINVD", ""},

	{"F3 0F 1E FA", "ENDBR64", ""},
	{"F3 0F 1E FB", "ENDBR32", ""},
	{"F3 0F 1E /1", "RDSSP", "ry"},

	{"66 0F 38 80 /r", "INVEPT", "r64,m"},
	{"66 0F 38 81 /r", "INVVPID", "r64,m"},
	{"66 0F 38 F5 /r", "WRUSS", "my,ry"},
	{"NP 0F 38 F6 /r", "WRSS", "my,ry"},
	{"66 0F 38 F8 /r", "MOVDIR64B", "r64,m"},
	{"F2 0F 38 F8 /r", "ENQCMD", "r64,m"},
	{"F3 0F 38 F8 /r", "ENQCMDS", "r64,m"},

	{"NP 0F 38 F9 /r", "MOVDIRI", "my,r"},

	{"NP 0F 78 /r", "VMREAD", "rm64,r64"},
	{"NP 0F 79 /r", "VMWRITE", "r64,rm64"},

	{"F3 0F AE /4", "PTWRITE", "rmy"},
	{"F3 0F AE /5", "INCSSP", "ry"},
	{"66 0F AE /6", "TPAUSE", "r32"},
	{"66 0F AE /6", "CLWB", "m"},
	{"F3 0F AE /6", "UMONITOR", "r64"},
	{"F3 0F AE /6", "CLRSSBSY", "m"},
	{"F2 0F AE /6", "UMWAIT", "r32"},
	{"66 0F AE /7", "CLFLUSHOPT", "m"},

	{"NP 0F C7 /6", "VMPTRLD", "m"},
	{"66 0F C7 /6", "VMCLEAR", "m"},
	{"F3 0F C7 /6", "VMXON", "m"},
	{"F3 0F C7 /6", "SENDUIPI", "r64"},
	{"NP 0F C7 /7", "VMPTRST", "m"},
	{"NP 0F C7 /7", "RDSEED", "rw"},
	{"66 0F C7 /7", "RDSEED", "rw"},
	{"F3 0F C7 /7", "RDPID", "r64"},
}
