// SPDX-License-Identifier: GPL-2.0-or-later

package mini

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// expanded are the lines of a source after its templates, each with where it
// comes from; those without text are left out.
func expanded(t *testing.T, text string, o Options) []string {
	t.Helper()
	from, err := parse([]sourceFile{{"a.s", text}})
	require.NoError(t, err)
	p, err := from.expand(o)
	require.NoError(t, err)
	var out []string
	for i, line := range strings.Split(strings.TrimSuffix(p.text.String(), "\n"), "\n") {
		if strings.TrimSpace(line) != "" {
			file, number := p.at(i + 1)
			out = append(out, strings.Join([]string{file, string(rune('0' + number)), strings.TrimSpace(line)}, ":"))
		}
	}
	return out
}

// What an instruction's line is in the source is what a debugger shows, however
// many lines the templates before it have made or taken away.
func TestLinesAreThoseOfTheSource(t *testing.T) {
	for name, test := range map[string]struct {
		text string
		want []string
	}{
		"plain":           {"nop\n\nret\n", []string{"a.s:1:nop", "a.s:3:ret"}},
		"a condition":     {"{{if .UseRet}}\nnop\n{{else}}\nhlt\n{{end}}\nret", []string{"a.s:4:hlt", "a.s:6:ret"}},
		"within a line":   {"mov eax, {{if .UseRet}}1{{else}}2{{end}}\nret", []string{"a.s:1:mov eax, 2", "a.s:2:ret"}},
		"trimmed":         {"nop\n{{- if not .UseRet}}\nhlt\n{{- end}}\nret", []string{"a.s:1:nop", "a.s:3:hlt", "a.s:5:ret"}},
		"over lines":      {"nop\n{{/* a\ncomment */}}\nret", []string{"a.s:1:nop", "a.s:4:ret"}},
		"a macro's own":   {"{{define \"x\"}}\npush {{.r}}\n{{end}}\nnop\n{{template \"x\" args \"r\" \"rax\"}}\nret", []string{"a.s:4:nop", "a.s:2:push rax", "a.s:6:ret"}},
		"a word of it":    {"{{define \"x\"}}rax{{end}}\nnop\nmov {{template \"x\"}}, 1", []string{"a.s:2:nop", "a.s:3:mov rax, 1"}},
		"a loop":          {"{{range seq 1 2}}push {{.}}\n{{end}}ret", []string{"a.s:1:push 1", "a.s:2:push 2", "a.s:2:ret"}},
		"a function":      {"{{func \"f\"}}\nret\n{{end_func \"f\"}}", []string{"a.s:1:.p2align 4; .globl f; .type f, @function; f:", "a.s:2:ret", "a.s:3:.size f, . - f"}},
		"options by name": {"{{if and (option \"stock\") (not ukl)}}hlt{{else}}nop{{end}}", []string{"a.s:1:nop"}},
	} {
		require.Equal(t, test.want, expanded(t, test.text, Options{}), name)
	}
}

func TestMistakesInTheSourcesAreNamedWithTheirPlace(t *testing.T) {
	for text, says := range map[string]string{
		"nop\n{{if defect \"entry-irq-on\"}}{{end}}":                   `a.s:2: executing "a.s" at <defect "entry-irq-on">: error calling defect: no such variant of builtin:mini: there is no defect "entry-irq-on"; accepted: entry-irqs-on`,
		"nop\n{{if option \"use-ret\"}}{{end}}":                        `there is no option "use-ret"`,
		"nop\n{{if .Unknown}}{{end}}":                                  `a.s:2: executing "a.s" at <.Unknown>`,
		"nop\n{{if}}":                                                  `a.s:2: missing value for if`,
		"{{define \"x\"}}{{end}}{{template \"x\" args 1}}":             "args takes pairs of a name and a value",
		"{{define \"x\"}}{{.b}}{{end}}{{template \"x\" args \"a\" 1}}": `map has no entry for key "b"`,
		"\n{{if true}}\n\n  mov eax, unknown\n{{end}}":                 "builtin:mini: a.s:4:12: unknown is neither defined nor known",
		".text\nnop":                          "the sources have no startup_64",
		"startup_64:\n.bss\n.byte 1":          ".bss has something other than zero at 0xffffffff81",
		"startup_64:\n.section .odd\n.byte 1": "the linker script has no section .odd",
	} {
		_, err := buildOf([]sourceFile{{"a.s", text}}, Options{})
		require.ErrorContains(t, err, says)
	}
}

func TestSourcesCanBeShown(t *testing.T) {
	text, ok := Source("corpus/mini/kernel/head.s")
	require.True(t, ok)
	require.Contains(t, text, "{{code \"startup_64\"}}")
	for _, name := range []string{"corpus/mini/link.go", "corpus/mini/kernel/README.md", "head.s", "corpus/mini/kernel/none.s", ""} {
		_, ok := Source(name)
		require.False(t, ok, name)
	}
}
