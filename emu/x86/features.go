// SPDX-License-Identifier: GPL-2.0-or-later

package x86

import (
	"fmt"
	"slices"
	"strings"
)

// Feature is something that a CPU may have or lack, named as Linux's
// /proc/cpuinfo has it.
type Feature uint8

// The features that may be chosen. What every x86-64 CPU has isn't among
// them.
const (
	ADX Feature = iota
	AES
	APIC
	ArchCapabilities
	BMI1
	BMI2
	CLFLUSHOPT
	CX16
	FSGSBASE
	GBPages
	Hypervisor
	INVPCID
	LA57
	LAHF
	LZCNT
	MOVBE
	NX
	PCID
	PCLMULQDQ
	PGE
	PKU
	POPCNT
	RDRAND
	RDSEED
	RDTSCP
	SEP
	SMAP
	SMEP
	SpecCtrl
	SSE3
	SSE41
	SSE42
	SSSE3
	TSCAdjust
	TSCDeadline
	XSAVE
	XSAVEOPT
	numFeatures
)

// featureInfo says how --cpu spells a feature, what it needs, and whether a
// CPU has it when nothing is said.
type featureInfo struct {
	name  string
	needs []Feature
	on    bool
	about string
}

var features = [numFeatures]featureInfo{
	ADX:              {"adx", nil, true, "ADCX and ADOX"},
	AES:              {"aes", nil, true, "AESENC and its kin"},
	APIC:             {"apic", nil, true, "local APIC"},
	ArchCapabilities: {"arch-capabilities", nil, true, "IA32_ARCH_CAPABILITIES: nothing to mitigate"},
	BMI1:             {"bmi1", nil, true, "ANDN, BEXTR, BLSI and others; TZCNT, which is BSF without"},
	BMI2:             {"bmi2", nil, true, "BZHI, MULX, PDEP, PEXT, RORX and others"},
	CLFLUSHOPT:       {"clflushopt", nil, true, "CLFLUSHOPT"},
	CX16:             {"cx16", nil, true, "CMPXCHG16B"},
	FSGSBASE:         {"fsgsbase", nil, true, "RDFSBASE and its kin"},
	GBPages:          {"pdpe1gb", nil, true, "1 GiB pages"},
	Hypervisor:       {"hypervisor", nil, false, "CPUID says that this is a virtual machine"},
	INVPCID:          {"invpcid", []Feature{PCID}, false, "INVPCID"},
	LA57:             {"la57", nil, false, "5-level paging"},
	LAHF:             {"lahf_lm", nil, true, "LAHF and SAHF in 64-bit mode"},
	LZCNT:            {"abm", nil, true, "LZCNT, which is BSR without"},
	MOVBE:            {"movbe", nil, true, "MOVBE"},
	NX:               {"nx", nil, true, "no-execute pages"},
	PCID:             {"pcid", nil, false, "process-context identifiers"},
	PCLMULQDQ:        {"pclmulqdq", nil, true, "PCLMULQDQ"},
	PGE:              {"pge", nil, true, "global pages"},
	PKU:              {"pku", []Feature{XSAVE}, false, "protection keys of user pages"},
	POPCNT:           {"popcnt", nil, true, "POPCNT"},
	RDRAND:           {"rdrand", nil, false, "RDRAND, from the machine's seed"},
	RDSEED:           {"rdseed", nil, false, "RDSEED, from the machine's seed"},
	RDTSCP:           {"rdtscp", nil, true, "RDTSCP and IA32_TSC_AUX"},
	SEP:              {"sep", nil, true, "SYSENTER and SYSEXIT"},
	SMAP:             {"smap", nil, true, "supervisor-mode access prevention"},
	SMEP:             {"smep", nil, true, "supervisor-mode execution prevention"},
	SpecCtrl:         {"spec-ctrl", nil, false, "IA32_SPEC_CTRL and IA32_PRED_CMD, remembered only"},
	SSE3:             {"pni", nil, true, "SSE3"},
	SSE41:            {"sse4_1", nil, true, "SSE4.1"},
	SSE42:            {"sse4_2", nil, true, "SSE4.2, CRC32 among it"},
	SSSE3:            {"ssse3", nil, true, "SSSE3"},
	TSCAdjust:        {"tsc-adjust", nil, true, "IA32_TSC_ADJUST"},
	TSCDeadline:      {"tsc-deadline", []Feature{APIC}, true, "APIC timer in TSC-deadline mode"},
	XSAVE:            {"xsave", nil, true, "XSAVE of x87 and SSE state"},
	XSAVEOPT:         {"xsaveopt", []Feature{XSAVE}, true, "XSAVEOPT"},
}

// aliases are other names that people use.
var aliases = map[string]Feature{
	"1gpages": GBPages, "sysenter": SEP, "tsc_deadline": TSCDeadline, "tsc_deadline_timer": TSCDeadline,
	"tsc_adjust": TSCAdjust, "arch_capabilities": ArchCapabilities,
	"lzcnt": LZCNT, "lahf": LAHF, "sse3": SSE3, "sse4.1": SSE41, "sse4.2": SSE42, "pclmul": PCLMULQDQ,
}

// String is the name as --cpu has it.
func (f Feature) String() string {
	if f < numFeatures {
		return features[f].name
	}
	return fmt.Sprintf("feature %d", uint8(f))
}

// Features is a set of them.
type Features uint64

// Has says whether the set has a feature.
func (fs Features) Has(f Feature) bool { return fs>>f&1 != 0 }

// With is the set with a feature added or taken away, and nothing else.
func (fs Features) With(f Feature, on bool) Features {
	if on {
		return fs | 1<<f
	}
	return fs &^ (1 << f)
}

// DefaultFeatures is what a CPU has when nothing is said.
func DefaultFeatures() Features {
	var fs Features
	for f := range numFeatures {
		fs = fs.With(f, features[f].on)
	}
	return fs
}

// String lists the features in alphabetical order, as "+nx,+smap".
func (fs Features) String() string {
	var names []string
	for f := range numFeatures {
		if fs.Has(f) {
			names = append(names, "+"+f.String())
		}
	}
	return strings.Join(names, ",")
}

// ParseFeatures is the way back from [Features.String].
func ParseFeatures(list string) (Features, error) {
	var fs Features
	for name := range strings.SplitSeq(list, ",") {
		known := false
		for f := range numFeatures {
			if name == "+"+f.String() {
				fs, known = fs.With(f, true), true
			}
		}
		if !known && list != "" {
			return 0, fmt.Errorf("cpu: feature %q is not known; known are %s", name, Features(1<<numFeatures-1))
		}
	}
	return fs, fs.check()
}

// check says which feature lacks one that it needs.
func (fs Features) check() error {
	for f := range numFeatures {
		for _, need := range features[f].needs {
			if fs.Has(f) && !fs.Has(need) {
				return fmt.Errorf("cpu: +%s needs +%s: add it, or say -%s", f, need, f)
			}
		}
	}
	return nil
}

// PhysicalBits is MAXPHYADDR, the width of a physical address.
const PhysicalBits = 40

// CPU is the processor that CPUID describes and that the rules of this
// package follow. Its zero value lacks everything; start from DefaultCPU.
type CPU struct {
	Vendor   Vendor
	Features Features
	// TSCHz is the frequency of the time-stamp counter, which CPUID leaf
	// 0x15 gives to the guest.
	TSCHz uint64
	// APICID is the initial local APIC ID.
	APICID uint8
}

// DefaultCPU is the CPU when nothing is said.
func DefaultCPU() CPU {
	return CPU{Features: DefaultFeatures(), TSCHz: 1_000_000_000}
}

// ParseCPU reads what --cpu takes: features with "+" or "-" before them and
// "vendor=intel" or "vendor=amd", separated by commas, applied to DefaultCPU
// in their order. A feature that is turned on must find what it needs; one
// that is turned off takes along those that need it, unless they were asked
// for.
func ParseCPU(text string) (CPU, error) {
	c := DefaultCPU()
	var asked Features
	for _, word := range strings.Split(text, ",") {
		word = strings.TrimSpace(word)
		if word == "" {
			continue
		}
		if key, value, found := strings.Cut(word, "="); found {
			if err := c.set(key, value); err != nil {
				return CPU{}, err
			}
			continue
		}
		f, err := parseFeature(word)
		if err != nil {
			return CPU{}, err
		}
		on := word[0] == '+'
		c.Features, asked = c.Features.With(f, on), asked.With(f, on)
	}
	c.Features = c.Features.dropDependents(asked)
	return c, c.Features.check()
}

func (c *CPU) set(key, value string) error {
	if key != "vendor" {
		return fmt.Errorf("cpu: nothing is called %q; accepted: vendor=intel, vendor=amd, %s", key, FeatureNames())
	}
	switch value {
	case "intel":
		c.Vendor = Intel
	case "amd":
		c.Vendor = AMD
	default:
		return fmt.Errorf("cpu: no vendor %q; accepted: intel, amd", value)
	}
	return nil
}

func parseFeature(word string) (Feature, error) {
	if word[0] != '+' && word[0] != '-' {
		return 0, fmt.Errorf("cpu: %q: write +%s to have it, -%s to lack it", word, word, word)
	}
	name := strings.ToLower(word[1:])
	if f, ok := aliases[name]; ok {
		return f, nil
	}
	for f := range numFeatures {
		if features[f].name == name {
			return f, nil
		}
	}
	return 0, fmt.Errorf("cpu: no feature %q; accepted, with + or - before it: %s", word[1:], FeatureNames())
}

// dropDependents takes away, by default only, what lacks something it needs.
func (fs Features) dropDependents(asked Features) Features {
	for f := range numFeatures {
		lacks := slices.ContainsFunc(features[f].needs, func(need Feature) bool { return !fs.Has(need) })
		if lacks && !asked.Has(f) {
			fs = fs.With(f, false)
		}
	}
	return fs
}

// FeatureNames lists what may be chosen, for help and errors.
func FeatureNames() string {
	names := make([]string, numFeatures)
	for f := range numFeatures {
		names[f] = features[f].name
	}
	return strings.Join(names, ", ")
}
