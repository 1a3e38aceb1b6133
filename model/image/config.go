// SPDX-License-Identifier: GPL-2.0-or-later

package image

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"io"
	"slices"
	"strconv"
	"strings"
)

// The configuration is compressed between two marks (kernel/configs.c).
const (
	configStart      = "IKCFG_ST"
	configMost       = 4 << 20
	compressedMost   = 1 << 20
	configPrefix     = "CONFIG_"
	configDataSymbol = "kernel_config_data"
)

// readConfig fills Config.
func (i *Image) readConfig() {
	if config := i.embeddedConfig(); config != nil {
		i.Config, i.ConfigComplete = config, true
		return
	}
	i.Config = map[string]string{}
	for _, g := range givenAway {
		if g.by(i) {
			i.Config[g.option] = "y"
		}
	}
}

// Known tells the value of an option: "y", "m", "n" for one that is not set, a
// number or a string. It is not known if the image has no configuration and
// its symbols say nothing of the option.
func (i *Image) Known(option string) (value string, known bool) {
	if v, ok := i.Config[option]; ok {
		return v, true
	}
	if i.ConfigComplete || slices.ContainsFunc(givenAway, func(g giveaway) bool { return g.option == option }) {
		return "n", true
	}
	return "", false
}

func (i *Image) set(option string) bool { return i.Config[option] == "y" }

// giveaway is an option that shows in the symbols.
type giveaway struct {
	option string
	by     func(*Image) bool
}

var givenAway = []giveaway{
	{"CONFIG_SMP", func(i *Image) bool { s, ok := i.Symbols.Section(".data..percpu"); return ok && s.Size > 0 }},
	{"CONFIG_UNIKERNEL_LINUX", hasSymbol(uklEntry)},
	{"CONFIG_IA32_EMULATION", hasSymbol("entry_SYSENTER_compat")},
	{"CONFIG_PAGE_TABLE_ISOLATION", hasSymbol("pti_init")},
	{"CONFIG_PREEMPTION", hasSymbol("preempt_schedule")},
	{"CONFIG_KASAN", hasSymbol("kasan_report")},
	{"CONFIG_X86_MCE", hasSymbol("asm_exc_machine_check")},
	{"CONFIG_X86_LOCAL_APIC", hasSymbol("asm_sysvec_apic_timer_interrupt")},
	{"CONFIG_KALLSYMS", hasSymbol("kallsyms_names")},
	{"CONFIG_KVM_GUEST", hasSymbol("kvm_guest_init")},
}

func hasSymbol(name string) func(*Image) bool {
	return func(i *Image) bool {
		_, ok := i.Address(name)
		return ok
	}
}

// embeddedConfig is that of a kernel with CONFIG_IKCONFIG, else nil.
func (i *Image) embeddedConfig() map[string]string {
	at, ok := i.Address(configDataSymbol)
	if !ok {
		return nil
	}
	b := make([]byte, compressedMost)
	n, _ := i.ReadMemory(at, b)
	b = bytes.TrimPrefix(b[:n], []byte(configStart)) // before 5.1 the symbol was before the mark
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil
	}
	z.Multistream(false)
	text, err := io.ReadAll(io.LimitReader(z, configMost))
	if err != nil {
		return nil
	}
	return parseConfig(text)
}

func parseConfig(text []byte) map[string]string {
	config := map[string]string{}
	lines := bufio.NewScanner(bytes.NewReader(text))
	for lines.Scan() {
		name, value, ok := strings.Cut(lines.Text(), "=")
		if !ok || !strings.HasPrefix(name, configPrefix) {
			continue
		}
		if unquoted, err := strconv.Unquote(value); err == nil {
			value = unquoted
		}
		config[name] = value
	}
	return config
}
