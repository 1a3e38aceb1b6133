// SPDX-License-Identifier: GPL-2.0-or-later

package emu_test

import (
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/emu/x86"
)

// extension is a bit of CPUID and some of the instructions that are there if,
// and only if, it is set (SDM vol. 2A, CPUID, tables 3-17 to 3-21; vol. 2,
// "CPUID Feature Flag" of each instruction; AMD APM vol. 3, appendix D).
type extension struct {
	name     string
	leaf     uint32
	sub      uint32
	register byte // 'a' to 'd'
	bit      int
	option   string // how --cpu calls it; "" is one that this CPU never has
	code     string // hexadecimal, one instruction a word; memory operands are at RAX
}

var extensions = []extension{
	{"SEP", 1, 0, 'd', 11, "sep", "0f34 0f35 480f35"},
	{"MMX", 1, 0, 'd', 23, "", "0ffcc1 0f7fc8 0f6f00 0f77 0f72d001"},
	{"FXSR", 1, 0, 'd', 24, "", "0fae00 0fae08 480fae00"},
	{"SSE", 1, 0, 'd', 25, "", "0f58c1 f30f58c1 0f2800 0f12c1 0fae18 0fc6c100 0f50c1 0fd7c1 0ff6c1 0faef8"},
	{"SSE2", 1, 0, 'd', 26, "", "660f58c1 f20f58c1 660ffec1 f30f7ec1 660f73d808 0fd4c1 f30fd6c1 f20fd6c1 0fc300 0faee8 0faef0"},
	{"SSE3", 1, 0, 'c', 0, "pni", "f30f12c1 f20f1200 f30f16c1 660f7cc1 f20f7dc1 660fd0c1 f20fd0c1 f20ff000 db08 dd08 df08"},
	{"PCLMULQDQ", 1, 0, 'c', 1, "pclmulqdq", "660f3a44c100 660f3a440011"},
	{"MONITOR", 1, 0, 'c', 3, "", "0f01c8 0f01c9"},
	{"VMX", 1, 0, 'c', 5, "", "0f01c1 0f01c2 0f01c4 0fc730 660fc730 f30fc730 0fc738 0f78c1 0f79c1 660f388000 660f388100"},
	{"SMX", 1, 0, 'c', 6, "", "0f37"},
	{"SSSE3", 1, 0, 'c', 9, "ssse3", "0f3800c1 660f3800c1 660f380400 660f381cc1 0f381ec1 660f3a0fc104 0f3a0fc104"},
	{"FMA", 1, 0, 'c', 12, "", "c4e27198c2 c4e2f1b8c2"},
	{"CMPXCHG16B", 1, 0, 'c', 13, "cx16", "480fc708 f0480fc708"},
	{"SSE4.1", 1, 0, 'c', 19, "sse4_1", "660f3810c1 660f3817c1 660f3820c1 660f382a00 660f3840c1 660f3a08c100 660f3a14c000 660f3a21c100 660f3a220000 660f3a42c100"},
	{"SSE4.2", 1, 0, 'c', 20, "sse4_2", "660f3837c1 660f3a60c100 660f3a630000 f20f38f0c1 f2480f38f100 66f20f38f1c1"},
	{"MOVBE", 1, 0, 'c', 22, "movbe", "0f38f000 0f38f100 660f38f000 480f38f100"},
	{"POPCNT", 1, 0, 'c', 23, "popcnt", "f30fb8c1 66f30fb8c1 f3480fb800"},
	{"AES", 1, 0, 'c', 25, "aes", "660f38dbc1 660f38dcc1 660f38dd00 660f38dec1 660f38dfc1 660f3adfc101"},
	{"XSAVE", 1, 0, 'c', 26, "xsave", "0fae20 480fae20 0fae28 0f01d0 0f01d1"},
	{"AVX", 1, 0, 'c', 28, "", "c5f877 c5f458c2 c5fc77 c5f810c1 c5fd6f00 c4e37d0fc108 c4e27d5800 c5f8ae10"},
	{"F16C", 1, 0, 'c', 29, "", "c4e27913c1 c4e3791dc100"},
	{"RDRAND", 1, 0, 'c', 30, "rdrand", "0fc7f1 480fc7f1 660fc7f1"},
	{"FSGSBASE", 7, 0, 'b', 0, "fsgsbase", "f30faec1 f3480faec9 f30faed1 f3480faed9"},
	{"SGX", 7, 0, 'b', 2, "", "0f01cf 0f01d7 0f01c0"},
	{"BMI1", 7, 0, 'b', 3, "bmi1", "c4e270f2c2 c4e270f3d9 c4e2f0f3d1 c4e270f3c9 c4e270f7c2 c4e278f700"},
	{"HLE, with RTM", 7, 0, 'b', 4, "", "0f01d6"},
	{"AVX2", 7, 0, 'b', 5, "", "c5f5fec2 c4e27d78c1 c4e2758cc2"},
	{"BMI2", 7, 0, 'b', 8, "bmi2", "c4e270f5c2 c4e272f5c2 c4e273f5c2 c4e273f6c2 c4e271f7c2 c4e272f7c2 c4e2f3f7c2 c4e37bf0c108 c4e37bf00008"},
	{"INVPCID", 7, 0, 'b', 10, "pcid,+invpcid", "660f388208"},
	{"RTM", 7, 0, 'b', 11, "", "c7f800000000 c6f800 0f01d5"},
	{"MPX, whose other instructions are NOPs", 7, 0, 'b', 14, "", ""},
	{"AVX512F", 7, 0, 'b', 16, "", "62f17c4858c2 62f1fd486f00 c5fc92c1"},
	{"RDSEED", 7, 0, 'b', 18, "rdseed", "0fc7f9 480fc7f9 660fc7f9"},
	{"ADX", 7, 0, 'b', 19, "adx", "660f38f6c1 f30f38f6c1 66480f38f600 f3480f38f600"},
	{"SMAP", 7, 0, 'b', 20, "smap", "0f01ca 0f01cb"},
	{"CLFLUSHOPT", 7, 0, 'b', 23, "clflushopt", "660fae38"},
	{"CLWB", 7, 0, 'b', 24, "", "660fae30"},
	{"SHA", 7, 0, 'b', 29, "", "0f38c8c1 0f38c9c1 0f38cbc1 0f38cdc1 0f3accc100"},
	{"PKU", 7, 0, 'c', 3, "pku", "0f01ee 0f01ef"},
	{"WAITPKG", 7, 0, 'c', 5, "", "660faef1 f30faef1 f20faef1"},
	{"CET_SS", 7, 0, 'c', 7, "", "f30faee9 f3480faee9 f30f01e8 f30f01ea f30f0128 f30fae30 0f38f608 660f38f508"},
	{"GFNI", 7, 0, 'c', 8, "", "660f38cfc1 660f3acec100"},
	{"RDPID", 7, 0, 'c', 22, "", "f30fc7f9"},
	{"KL", 7, 0, 'c', 23, "", "f30f38dc00 f30f38d800 f30f38dcc1"},
	{"MOVDIRI", 7, 0, 'c', 27, "", "0f38f908"},
	{"MOVDIR64B", 7, 0, 'c', 28, "", "660f38f808"},
	{"ENQCMD", 7, 0, 'c', 29, "", "f20f38f808 f30f38f808"},
	{"UINTR", 7, 0, 'd', 5, "", "f30f01ec f30f01ed f30f01ee f30f01ef f30fc7f1"},
	{"SERIALIZE", 7, 0, 'd', 14, "", "0f01e8"},
	{"TSXLDTRK", 7, 0, 'd', 16, "", "f20f01e8 f20f01e9"},
	{"PCONFIG", 7, 0, 'd', 18, "", "0f01c5"},
	{"CMPccXADD", 7, 1, 'a', 7, "", "c4e279e008"},
	{"HRESET", 7, 1, 'a', 22, "", "f30f3af0c000"},
	{"FRED", 7, 1, 'a', 17, "", "f20f01ca f30f01ca"},
	{"XSAVEOPT", 0xd, 1, 'a', 0, "xsaveopt", "0fae30 480fae30"},
	{"XSAVEC", 0xd, 1, 'a', 1, "", "0fc720 480fc720"},
	{"XSAVES", 0xd, 1, 'a', 3, "", "0fc728 480fc728 0fc718 480fc718"},
	{"PTWRITE", 0x14, 0, 'b', 4, "", "f30faee1 f30fae20"},
	{"LAHF in 64-bit mode", 0x80000001, 0, 'c', 0, "lahf_lm", "9e 9f"},
	{"SVM", 0x80000001, 0, 'c', 2, "", "0f01d8 0f01d9 0f01da 0f01db 0f01dc 0f01dd 0f01de 0f01df"},
	{"SSE4A", 0x80000001, 0, 'c', 6, "", "660f78c00101 660f79c1 f20f78c10101 f20f79c1 f20f2b00 f30f2b00"},
	{"XOP", 0x80000001, 0, 'c', 11, "", "8fe87885c0c010 8fe97801c9"},
	{"FMA4", 0x80000001, 0, 'c', 16, "", "c4e3f969c110"},
	{"TBM", 0x80000001, 0, 'c', 21, "", "8fe97801c9"},
	{"MONITORX", 0x80000001, 0, 'c', 29, "", "0f01fa 0f01fb"},
	{"SYSCALL", 0x80000001, 0, 'd', 11, "", "0f05 480f07"},
	{"RDTSCP", 0x80000001, 0, 'd', 27, "rdtscp", "0f01f9"},
	{"3DNow!", 0x80000001, 0, 'd', 31, "", "0f0fc19e 0f0e"},
	{"CLZERO", 0x80000008, 0, 'b', 0, "", "0f01fc"},
	{"RDPRU", 0x80000008, 0, 'b', 4, "", "0f01fd"},
	{"MCOMMIT", 0x80000008, 0, 'b', 8, "", "f30f01fa"},
	{"INVLPGB", 0x80000008, 0, 'b', 3, "", "0f01fe 0f01ff"},
}

// featureState is one in which nothing but CPUID stands between an
// instruction and its execution.
func featureState(r *rig) x86.State {
	s := r.kernelState()
	s.CR4 |= x86.CR4OSXSAVE | x86.CR4FSGSBASE | x86.CR4PKE
	s.XCR0 = 3
	for i := range s.GPR {
		if i != x86.RSP {
			s.GPR[i] = 0
		}
	}
	s.GPR[x86.RAX] = kernelData
	return s
}

// try executes one instruction and says whether it raised #UD.
func (r *rig) try(code []byte, s x86.State) bool {
	r.t.Helper()
	r.write(codeAt, append(code, make([]byte, 16)...))
	r.SetState(&s)
	r.log = nil
	require.Equal(r.t, "limit", r.Step().String())
	if strings.HasPrefix(r.deliveries(), "#UD") {
		require.Equal(r.t, uint64(kernelCode), r.frame(false).RIP, "a fault")
		return true
	}
	return false
}

// has asks CPUID.
func (r *rig) has(x *extension) bool {
	s := featureState(r)
	s.GPR[x86.RAX], s.GPR[x86.RCX] = uint64(x.leaf), uint64(x.sub)
	require.False(r.t, r.try([]byte{0x0f, 0xa2}, s))
	out := r.State()
	v := map[byte]uint64{'a': out.GPR[x86.RAX], 'b': out.GPR[x86.RBX], 'c': out.GPR[x86.RCX], 'd': out.GPR[x86.RDX]}[x.register]
	return v>>x.bit&1 != 0
}

// Every instruction is undefined if, and only if, CPUID does not have its bit,
// whatever has been chosen.
func TestCPUIDAgreesWithWhatExecutes(t *testing.T) {
	for _, vendor := range []string{"vendor=intel", "vendor=amd"} {
		for _, x := range extensions {
			choices := []string{vendor}
			if x.option != "" {
				lacking, _, _ := strings.Cut(x.option, ",")
				choices = append(choices, vendor+",+"+x.option, vendor+",-"+lacking)
				if x.name == "PKU" {
					choices = append(choices, vendor+",-xsave")
				}
			}
			for _, cpu := range choices {
				t.Run(fmt.Sprintf("%s with %s", x.name, cpu), func(t *testing.T) {
					r := newRig(t, cpu)
					has := r.has(&x)
					if x.option != "" && cpu != vendor {
						require.Equal(t, strings.Contains(cpu, "+"), has, "CPUID")
					}
					for _, word := range strings.Fields(x.code) {
						code, err := hex.DecodeString(word)
						require.NoError(t, err)
						if x.name == "SEP" && vendor == "vendor=amd" {
							require.True(t, r.try(code, featureState(r)), "%s: legacy mode only on AMD", word)
							continue
						}
						require.Equal(t, !has, r.try(code, featureState(r)), "#UD of %s", word)
					}
				})
			}
		}
	}
}

// It is the same for 32-bit programs.
func TestCPUIDAgreesWithWhatExecutesIn32BitCode(t *testing.T) {
	for _, x := range extensions {
		if strings.Contains("SEP SMAP FSGSBASE INVPCID SYSCALL", x.name) || x.leaf == 0x80000001 && x.bit == 0 || x.name == "XSAVE" {
			continue // what belongs to supervisors or to 64-bit mode
		}
		choices := []string{""}
		if x.option != "" {
			choices = []string{"+" + x.option, "-" + x.option}
		}
		for _, cpu := range choices {
			r := newRig(t, cpu)
			has := r.has(&x)
			for _, word := range strings.Fields(x.code) {
				if strings.Contains(word, "480f") || strings.HasPrefix(word, "f2480f") {
					continue // REX.W
				}
				code, err := hex.DecodeString(word)
				require.NoError(t, err)
				r.user(append(code, make([]byte, 16)...), func(s *x86.State) {
					s.CR4 |= x86.CR4OSXSAVE | x86.CR4PKE
					s.XCR0 = 3
					s.Seg[x86.CS] = rigSegment(selUser32)
					s.GPR[x86.RAX] = userData
				})
				require.Equal(t, "limit", r.Step().String())
				require.Equal(t, !has, strings.HasPrefix(r.deliveries(), "#UD"), "%s of %s with %q: %s", word, x.name, cpu, r.deliveries())
			}
		}
	}
}

// Where nothing is undefined without a feature: what was there before is.
func TestInstructionsOfOldWhereAFeatureIsMissing(t *testing.T) {
	r := newRig(t, "-abm,-bmi1")
	for _, c := range []struct {
		name, code     string
		source, target uint64
		want           uint64
		zero           bool
	}{
		{"LZCNT is BSR", "f30fbdc8", 0x1000, 7, 12, false},
		{"LZCNT of zero leaves its target", "f3480fbdc8", 0, 0x1122334455667788, 0x1122334455667788, true},
		{"64-bit LZCNT", "f3480fbdc8", 1 << 40, 0, 40, false},
		{"16-bit LZCNT", "66f30fbdc8", 0x10100, 0xffff0000, 0xffff0008, false},
		{"TZCNT is BSF", "f30fbcc8", 0x1000, 7, 12, false},
		{"TZCNT of what 32 bits don't show", "f30fbcc8", 1 << 40, 5, 5, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			code, err := hex.DecodeString(c.code)
			require.NoError(t, err)
			s := featureState(r)
			s.GPR[x86.RAX], s.GPR[x86.RCX] = c.source, c.target
			require.False(t, r.try(code, s))
			out := r.State()
			require.Equal(t, c.want, out.GPR[x86.RCX])
			require.Equal(t, c.zero, out.RFLAGS&x86.FlagZF != 0)
		})
	}
	s := featureState(r)
	r.put64(dataAt, 0x80)
	require.False(t, r.try([]byte{0xf3, 0x0f, 0xbd, 0x08}, s), "LZCNT of memory")
	require.Equal(t, uint64(7), r.State().GPR[x86.RCX])
}

// ENDBR, PREFETCHW, CLDEMOTE, WBNOINVD, RDSSP, MPX's and the reserved hints
// are NOPs, or what they are without their prefix, on CPUs that know nothing
// of them.
func TestHintsNeedNoFeature(t *testing.T) {
	r := newRig(t, "")
	for _, word := range strings.Fields("f30f1efa f30f1efb 0f0d08 0f0d10 0f1c00 f30f09 f30f1ec8 f3480f1ec8 f30f1a00 f20f1ac1 0f1b00 0f18c1 0f18e1 0f1f00 660f1f840000000000 f390 f2c3") {
		code, err := hex.DecodeString(word)
		require.NoError(t, err)
		require.False(t, r.try(code, featureState(r)), "#UD of %s", word)
	}
}

// Forms that do not exist: the engine would take them for others.
func TestFormsThatAreUndefined(t *testing.T) {
	r := newRig(t, "")
	for what, words := range map[string]string{
		"VEX.L or vvvv that BMI does not have": "c4e274f2c2 c4e37ff0c108 c4e373f0c108",
		"VEX behind 66, F3, F2, LOCK or REX":   "66c4e270f2c2 f3c4e270f2c2 f2c4e270f2c2 f0c4e270f2c2 48c4e270f2c2",
		"registers where memory is meant":      "660f12c1 660f16c1 0f13c1 0f17c1 0f2bc1 0fc3c1 0fe7c1 0f38f0c1 660f3882c1 f20ff0c1",
		"memory where registers are meant":     "0f5000 0fd700 0ff700 0f721000 0fc500 f20fd600",
		"prefixes that nothing goes with":      "f30f28c1 f30f60c1 f30f38dbc1 0f38dbc1 f20faee8 660faef8 f30fae38 660fae00 f30f01d0 f20f01ee",
	} {
		for _, word := range strings.Fields(words) {
			code, err := hex.DecodeString(word)
			require.NoError(t, err)
			require.True(t, r.try(code, featureState(r)), "#UD of %s: %s", word, what)
		}
	}
}

// CR0, CR4 and EFER have their say as well (SDM vol. 3A 2.5; vol. 2, each
// instruction's exceptions).
func TestInstructionsThatTheSystemMustAllow(t *testing.T) {
	r := newRig(t, "+pku")
	for _, c := range []struct {
		name string
		edit func(*x86.State)
		code string
	}{
		{"FSGSBASE", func(s *x86.State) { s.CR4 &^= x86.CR4FSGSBASE }, "f30faec1 f3480faec9 f30faed1 f3480faed9"},
		{"OSXSAVE", func(s *x86.State) { s.CR4 &^= x86.CR4OSXSAVE }, "0fae20 0fae28 0fae30 0f01d0 0f01d1"},
		{"PKE", func(s *x86.State) { s.CR4 &^= x86.CR4PKE }, "0f01ee 0f01ef"},
		{"OSFXSR", func(s *x86.State) { s.CR4 &^= x86.CR4OSFXSR }, "0f58c1 660ffec1 f30f1000 660f38dcc1 0fae10 660f3a0fc104"},
		{"not EM", func(s *x86.State) { s.CR0 |= x86.CR0EM }, "0f58c1 0ffcc1 660f3800c1"},
		{"SCE", func(s *x86.State) { s.EFER &^= x86.EFERSCE }, "0f05 480f07"},
	} {
		for _, word := range strings.Fields(c.code) {
			code, err := hex.DecodeString(word)
			require.NoError(t, err)
			s := featureState(r)
			require.False(t, r.try(code, s), "%s: %s", c.name, word)
			c.edit(&s)
			require.True(t, r.try(code, s), "%s: %s", c.name, word)
		}
	}
}
