// SPDX-License-Identifier: GPL-2.0-or-later

package image

// UKL says which options of Unikernel Linux a kernel was built with.
type UKL struct {
	Present bool // false for a stock kernel; the rest is then zero
	Flavor  Flavor
	// The options, CONFIG_UKL_ in the configuration.
	UseRet, ISTPF, SameStack, Bypass, Shortcut, TLS bool
	// Defects are the CONFIG_UKL_DEFECT_ options that are set, without that
	// prefix, sorted; or those that builtin:mini names.
	Defects []string
	// How says how each was found out, by the name of the field.
	How map[string]string
}

// Flavor is whose way of doing UKL a kernel has.
type Flavor uint8

const (
	None Flavor = iota // no UKL: a stock kernel
	// KML has an application in CPL 0 that enters by calls, and nothing else
	// of UKL.
	KML
	// Ours has CS = 0xC3 in all frames that stopped the application, SP above
	// the return address, IP the return address.
	Ours
	// Published has CS = 0x10 in the frames of system calls, and returns by
	// the words at the top of the application's stack.
	Published
)

func (f Flavor) String() string {
	return [...]string{"stock", "KML", "this project's", "the published series'"}[f&3]
}
