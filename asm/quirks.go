// SPDX-License-Identifier: GPL-2.0-or-later

package asm

import (
	"bytes"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// What Keystone 0.9.2 gets wrong, apart from what it refuses, and what GNU as
// writes in another way than Keystone. TestBothAssemblersMakeTheSameBytes is
// how it was found.

// fixed are instructions without operands that are newer than Keystone, or
// than many a GNU as. ENDBR64 begins every function of a kernel with IBT, which
// would be a process each.
var fixed = map[string]string{
	"endbr64": "\xf3\x0f\x1e\xfa", "endbr32": "\xf3\x0f\x1e\xfb", // SDM vol. 2A, ENDBR64
	"setssbsy": "\xf3\x0f\x01\xe8", "saveprevssp": "\xf3\x0f\x01\xea", // SDM vol. 2B
	"serialize": "\x0f\x01\xe8", "wbnoinvd": "\xf3\x0f\x09", "wrmsrns": "\x0f\x01\xc6", "pconfig": "\x0f\x01\xc5",
	"clui": "\xf3\x0f\x01\xee", "stui": "\xf3\x0f\x01\xef", "testui": "\xf3\x0f\x01\xed", "uiret": "\xf3\x0f\x01\xec",
	"xsusldtrk": "\xf2\x0f\x01\xe8", "xresldtrk": "\xf2\x0f\x01\xe9",
	"sysretd": "\x0f\x07", "sysretl": "\x0f\x07", "sysexitd": "\x0f\x35", "sysexitl": "\x0f\x35", // SDM vol. 2B
	"sysretq": "\x48\x0f\x07", "sysexitq": "\x48\x0f\x35",
	"eretu": "\xf3\x0f\x01\xca", "erets": "\xf2\x0f\x01\xca", // Flexible Return and Event Delivery, 9.1
}

// only64 is what of these is for 64-bit mode.
var only64 = map[string]bool{"clui": true, "stui": true, "testui": true, "uiret": true, "eretu": true, "erets": true, "sysretq": true, "sysexitq": true}

func fixedEncoding(s snippet) []byte {
	code, ok := fixed[s.text]
	if !ok || only64[s.text] && s.mode != 64 {
		return nil
	}
	return []byte(code)
}

// evex is what only AVX-512 has.
var evex = regexp.MustCompile(`zmm|[xy]mm(1[6-9]|2|3)|\{|\bk[0-7]\b`)

var (
	tableOrSegment = regexp.MustCompile(`^[sl][gi]dt|^(push|pop)[lw]? %?[cdefgs]s$`)
	wordSuffix     = regexp.MustCompile(`^[a-z]+w `)
	stringOperands = regexp.MustCompile(`\b((movs|cmps|stos|lods|scas|ins|outs)[bwdlq]?|xlatb?) `)
	ofXMM          = regexp.MustCompile(`\bxmm[0-9]`) // SSE's MOVSD and CMPSD
	idleSegment    = regexp.MustCompile(`[cdes]s:`)
)

// astray says why an instruction is not for Keystone; "" if it is.
func astray(s snippet) string {
	switch {
	case s.mode == 16:
		return "Keystone 0.9.2 puts prefixes for 32 bits before returns and pushes of 16 bits"
	case s.mode == 32 && tableOrSegment.MatchString(s.text) && (s.syntax == ATT || wordSuffix.MatchString(s.text)):
		return "Keystone 0.9.2 makes the 16-bit form of it"
	case s.mode == 64 && idleSegment.MatchString(s.text):
		return "Keystone 0.9.2 leaves segments out that mean nothing in 64-bit mode"
	case s.mode != 64 && strings.Contains(s.text, "cmpxchg16b"):
		return "cmpxchg16b is an instruction of 64-bit mode"
	case stringOperands.MatchString(s.text) && !ofXMM.MatchString(s.text):
		return "Keystone 0.9.2 crashes over operands of string instructions; accepted: without any"
	case evex.MatchString(s.text):
		return "Keystone 0.9.2 puts displacements of AVX-512 wrong (they count in units of the operand: SDM vol. 2A 2.7.5)"
	}
	return ""
}

// ambiguous are mnemonics that assemblers take for different instructions.
var ambiguous = map[string]string{
	"sysret":  "it goes to 64-bit code as sysretq, to 32-bit code as sysretd in Intel's syntax and sysretl in AT&T's",
	"sysexit": "it goes to 64-bit code as sysexitq, to 32-bit code as sysexitd in Intel's syntax and sysexitl in AT&T's",
}

// renamed is how Keystone calls what has that name elsewhere: its PUSHF is the
// 16-bit one, in every mode.
var renamed = map[engineKey]map[string]string{
	{Intel, 64}: {"xchg rax, rax": "nop", "pushf": "pushfq", "popf": "popfq", "iret": "iretd", "lretq": "retfq"},
	{ATT, 64}:   {"xchg %rax, %rax": "nop"},
	{Intel, 32}: {"pushf": "pushfd", "popf": "popfd", "iret": "iretd"},
}

// forKeystone is the text as Keystone understands it.
func forKeystone(s snippet) string {
	if name, ok := renamed[engineKey{s.syntax, s.mode}][s.keystone]; ok {
		return name
	}
	if operand, ok := strings.CutPrefix(s.keystone, "pop ["); ok && s.syntax == Intel && s.mode == 64 {
		return "pop qword ptr [" + operand
	}
	if m := wideMove.FindStringSubmatch(s.keystone); m != nil && s.syntax == ATT {
		if _, err := strconv.ParseInt(m[1], 0, 32); err == nil {
			return "movq" + strings.TrimPrefix(s.keystone, "mov")
		}
	}
	return s.keystone
}

// wideMove is what Keystone takes for movabs in AT&T's syntax, whatever the
// number.
var wideMove = regexp.MustCompile(`^mov \$(-?0x[0-9a-f]+), %r([a-ds][ip-x]|[89]|1[0-5])$`)

// betrays says whether the bytes are of AVX-512 where AVX would do: Keystone
// takes it for some operations with memory in AT&T's syntax, displacement wrong.
func betrays(s snippet, code []byte) bool {
	return s.text[0] == 'v' && bytes.HasPrefix(bytes.TrimLeft(code, "\x26\x2e\x36\x3e\x64\x65\x67"), []byte{0x62})
}

// mended puts right what is known to be wrong in Keystone's bytes, and takes
// out what is merely another way.
func mended(s snippet, code []byte) []byte {
	mnemonic, operands, _ := strings.Cut(s.text, " ")
	if len(code) > 1 && code[0] == 0x66 && (code[1] == 0x64 || code[1] == 0x65) {
		code[0], code[1] = code[1], 0x66 // the order of prefixes is free
	}
	switch {
	case s.mode == 32 && tableOrSegment.MatchString(s.text):
		return withoutSize(code)
	case strings.HasPrefix(mnemonic, "nop") && operands != "":
		return longNop(code)
	case mnemonic == "lock" && code[0] == 0xf0:
		return lockBehind(code)
	case mnemonic == "sldt", mnemonic == "str", strings.HasPrefix(mnemonic, "mov") && selectorMove.MatchString(operands):
		return narrow(code)
	}
	return code
}

// selectorMove is a move to or from a segment register.
var selectorMove = regexp.MustCompile(`^%?[cdefgs]s,|, %?[cdefgs]s$`)

// longNop is for NOP with an operand, which is 0F 1F /0 (SDM vol. 2B, NOP);
// Keystone makes 0F 18 /4 of it.
func longNop(code []byte) []byte {
	for i := 0; i+2 < len(code); i++ {
		if code[i] == 0x0f && code[i+1] == 0x18 {
			code[i+1], code[i+2] = 0x1f, code[i+2]&^0x38
			break
		}
	}
	return code
}

// withoutSize takes the operand-size prefix out: without it, it is the 32-bit
// form.
func withoutSize(code []byte) []byte {
	for i, b := range code {
		if strings.IndexByte("\x26\x2e\x36\x3e\x64\x65\x67", b) >= 0 {
			continue
		}
		if b == 0x66 {
			return slices.Delete(code, i, i+1)
		}
		break
	}
	return code
}

// lockBehind puts LOCK behind the other prefixes, as GNU as does. To the CPU
// their order is the same (SDM vol. 2A 2.1.1).
func lockBehind(code []byte) []byte {
	for i := 1; i < len(code); i++ {
		switch code[i] {
		case 0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x66, 0x67:
			code[i-1], code[i] = code[i], 0xf0
		default:
			return code
		}
	}
	return code
}

// narrow takes from a move of a selector what changes nothing about it: 66
// where it comes from anywhere or goes to memory, which are 16 bits anyway;
// REX.W where it goes to a register, which is cleared above without (SDM vol.
// 2B, MOV, and STR, SLDT).
func narrow(code []byte) []byte {
	at := 0
	for at < len(code) && strings.IndexByte("\x26\x2e\x36\x3e\x64\x65\x66\x67", code[at]) >= 0 {
		at++
	}
	prefixes, rest := string(code[:at]), code[at:]
	rex := byte(0)
	if len(rest) > 0 && rest[0]&0xf0 == 0x40 {
		rex, rest = rest[0], rest[1:]
	}
	if len(rest) < 2 {
		return code
	}
	modrm := rest[1]
	if rest[0] == 0x0f && len(rest) > 2 {
		modrm = rest[2]
	}
	toRegister := modrm>>6 == 3
	if rest[0] == 0x8e || !toRegister {
		prefixes = strings.ReplaceAll(prefixes, "\x66", "")
	}
	if rest[0] == 0x8e || toRegister {
		rex &^= 8
	}
	out := []byte(prefixes)
	if rex&0xf != 0 {
		out = append(out, rex)
	}
	return append(out, rest...)
}
