// SPDX-License-Identifier: GPL-2.0-or-later

package lockstep

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/uklemu/uklemu/emu/x86"
)

// Summary is the result for a person, in Markdown.
func (r *Result) Summary() string {
	var b strings.Builder
	total := r.Total()
	fmt.Fprintf(&b, "| compared | instructions | events |\n| --- | ---: | ---: |\n")
	fmt.Fprintf(&b, "| programs at full speed, %d cases | | %d |\n", r.Logs.Cases, r.Logs.Events)
	fmt.Fprintf(&b, "| programs in steps, %d cases | %d | %d |\n", r.Steps.Cases, r.Steps.Instructions, r.Steps.Events)
	fmt.Fprintf(&b, "| the kernel, %d stretches | %d | %d |\n", len(r.Stretches), r.Kernel.Instructions, r.Kernel.Events)
	fmt.Fprintf(&b, "| all | %d | %d |\n\n", total.Instructions, total.Events)
	fmt.Fprintf(&b, "Differences that nothing explains: %d.\n", len(total.Unexplained()))
	for _, d := range total.Unexplained() {
		fmt.Fprintf(&b, "- %v\n", d)
	}
	fmt.Fprintf(&b, "\n| event | compared |\n| --- | ---: |\n")
	for _, event := range slices.Sorted(maps.Keys(total.ByEvent)) {
		fmt.Fprintf(&b, "| %s | %d |\n", eventName(event), total.ByEvent[event])
	}
	fmt.Fprintf(&b, "\n| known difference | seen |\n| --- | ---: |\n")
	count := total.Known()
	for _, k := range KnownDefects {
		if count[k.Name] > 0 {
			fmt.Fprintf(&b, "| %s | %d |\n", k.Name, count[k.Name])
		}
	}
	if len(r.Stretches) > 0 {
		fmt.Fprintf(&b, "\n| stretch of the kernel from | | instructions | ended by |\n| --- | --- | ---: | --- |\n")
	}
	for _, s := range r.Stretches {
		fmt.Fprintf(&b, "| `%s` | %s | %d | %s |\n", s.Point.Symbol, s.Point.About, s.Instructions, s.Why)
	}
	return b.String()
}

func eventName(event int) string {
	switch {
	case event == EventSyscall:
		return "SYSCALL, SYSENTER"
	case event == EventDone:
		return "INT 0xf0, the end of a case"
	case event == vecNMI:
		return "NMI"
	case event < 32:
		return x86.Vector(event).String()
	case event >= 0x50 && event < 0x60:
		return fmt.Sprintf("interrupt %#x of the local APIC", event)
	}
	return fmt.Sprintf("INT %#x", event)
}

const vecNMI = 2

// KnownTable is KnownDefects in Markdown.
func KnownTable() string {
	var b strings.Builder
	b.WriteString("| name | whose | the manual's word |\n| --- | --- | --- |\n")
	for _, k := range KnownDefects {
		whose := "QEMU"
		if k.Ours {
			whose = "ours"
		}
		if k.inSteps {
			whose = "QEMU, stepped"
		}
		fmt.Fprintf(&b, "| %s | %s | %s |\n", k.Name, whose, strings.ReplaceAll(k.Manual, "|", "\\|"))
	}
	return b.String()
}
