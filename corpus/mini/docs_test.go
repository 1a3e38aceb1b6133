// SPDX-License-Identifier: GPL-2.0-or-later

package mini

import (
	"flag"
	"fmt"
	"os"
	"path"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the tables of docs/mini.md")

const manual = "../../docs/mini.md"

// The tables of the manual are those of the code.
func TestTheManualHasTheTables(t *testing.T) {
	b, err := os.ReadFile(manual)
	require.NoError(t, err)
	text := string(b)
	for name, table := range map[string]string{"options": optionTable(), "defects": defectTable(), "files": fileTable(t)} {
		text = between(t, text, name, table)
	}
	if *update {
		require.NoError(t, os.WriteFile(manual, []byte(text), 0o644))
		return
	}
	require.True(t, text == string(b), "its tables are of another time; go test ./corpus/mini -run TestTheManual -update writes them")
}

// between puts a table between its marks.
func between(t *testing.T, text, name, table string) string {
	t.Helper()
	start, end := "<!-- "+name+" -->\n", "<!-- end -->\n"
	before, rest, ok := strings.Cut(text, start)
	require.True(t, ok, "%s has no %q", manual, start)
	_, after, ok := strings.Cut(rest, end)
	require.True(t, ok)
	return before + start + table + end + after
}

func optionTable() string {
	var s strings.Builder
	s.WriteString("| option | is |\n| --- | --- |\n")
	for _, o := range options {
		fmt.Fprintf(&s, "| `%s` | %s |\n", o.name, o.text)
	}
	return s.String()
}

func defectTable() string {
	var s strings.Builder
	s.WriteString("| id | `defect=` | what is wrong | where |\n| --- | --- | --- | --- |\n")
	for _, d := range Defects() {
		fmt.Fprintf(&s, "| %s | `%s` | %s | %s |\n", d.ID, d.Name, d.Text, d.where())
	}
	return s.String()
}

// where says in words with which options it can be.
func (d Defect) where() string {
	with := "UKL"
	if len(d.With) > 0 {
		with = strings.ReplaceAll(strings.Join(d.With, ", "), "ukl", "UKL")
	}
	if len(d.Without) > 0 {
		with += ", not " + strings.Join(d.Without, ", ")
	}
	return with
}

// fileTable is each file's first comment.
func fileTable(t *testing.T) string {
	t.Helper()
	files, err := sources(embedded)
	require.NoError(t, err)
	var s strings.Builder
	s.WriteString("| file | is about |\n| --- | --- |\n")
	for _, f := range files {
		fmt.Fprintf(&s, "| [%s](../%s) | %s |\n", path.Base(f.name), f.name, firstSentence(t, f))
	}
	return s.String()
}

func firstSentence(t *testing.T, f sourceFile) string {
	t.Helper()
	var words []string
	for _, line := range strings.Split(f.text, "\n")[1:] {
		comment, ok := strings.CutPrefix(line, "//")
		if !ok || comment == "" && len(words) > 0 {
			break
		}
		words = append(words, strings.Fields(comment)...)
	}
	require.NotEmpty(t, words, "%s does not begin by saying what it is about", f.name)
	text := strings.Join(words, " ")
	for i := range text {
		if text[i] == '.' && (i+1 == len(text) || text[i+1] == ' ') {
			return text[:i]
		}
	}
	return strings.TrimSuffix(text, ":")
}
