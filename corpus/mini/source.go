// SPDX-License-Identifier: GPL-2.0-or-later

package mini

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"text/template"
)

//go:embed kernel
var embedded embed.FS

// folder is where the sources are in the repository: the names of files in line
// tables and errors begin so.
const folder = "corpus/mini/kernel"

// sourceFile is one of the kernel's.
type sourceFile struct {
	name string // "corpus/mini/kernel/entry.s"
	text string
}

// sources are all, by name.
func sources(from fs.FS) ([]sourceFile, error) {
	names, err := fs.Glob(from, "kernel/*.s")
	if err != nil {
		return nil, err
	}
	slices.Sort(names)
	files := make([]sourceFile, 0, len(names))
	for _, name := range names {
		b, err := fs.ReadFile(from, name)
		if err != nil {
			return nil, err
		}
		files = append(files, sourceFile{path.Join(folder, path.Base(name)), string(b)})
	}
	return files, nil
}

// Source is the text of the file that a line of the guest is said to be in, such
// as "corpus/mini/kernel/entry_syscall.s".
func Source(name string) (text string, ok bool) {
	b, err := fs.ReadFile(embedded, path.Join("kernel", path.Base(name)))
	return string(b), err == nil && path.Dir(name) == folder && path.Ext(name) == ".s"
}

// place is a line of a source.
type place struct {
	file int // in the list of sources
	line int // from 1
}

// program is what became of the templates: the text for the assembler, and
// where each of its lines comes from.
type program struct {
	files []string
	text  strings.Builder
	lines []place // of the lines of text, the first being 1
}

// add appends lines that all come from one place.
func (p *program) add(text string, from place) {
	text = strings.TrimSuffix(text, "\n") + "\n"
	p.text.WriteString(text)
	for range strings.Count(text, "\n") {
		p.lines = append(p.lines, from)
	}
}

// at is where a line of the text comes from.
func (p *program) at(line int) (file string, inFile int) {
	if line < 1 || line > len(p.lines) {
		return "?", line
	}
	from := p.lines[line-1]
	return p.files[from.file], from.line
}

// Marks around the number of a file and a line: text/template does not tell
// where what it writes comes from, so each line of a source says so itself.
const markStart, markEnd = "\x01", "\x02"

// marked puts a mark before every line but those that begin within an action.
func marked(file int, text string) string {
	var s strings.Builder
	inside := false
	for i, line := range strings.SplitAfter(text, "\n") {
		if !inside {
			fmt.Fprintf(&s, "%s%d:%d%s", markStart, file, i+1, markEnd)
		}
		s.WriteString(line)
		for rest := line; ; {
			delimiter := map[bool]string{false: "{{", true: "}}"}[inside]
			at := strings.Index(rest, delimiter)
			if at < 0 {
				break
			}
			inside, rest = !inside, rest[at+2:]
		}
	}
	return s.String()
}

// unmarked takes the marks out again and keeps what they say.
func (p *program) unmarked(text string) {
	last := place{}
	for _, line := range strings.SplitAfter(text, "\n") {
		var clean strings.Builder
		for first := true; ; {
			before, rest, ok := strings.Cut(line, markStart)
			clean.WriteString(before)
			if !ok {
				break
			}
			var mark string
			mark, line, _ = strings.Cut(rest, markEnd)
			file, number, _ := strings.Cut(mark, ":")
			if first || strings.TrimSpace(clean.String()) == "" {
				last.file, _ = strconv.Atoi(file)
				last.line, _ = strconv.Atoi(number)
			}
			first = false
		}
		if clean.Len() > 0 {
			p.add(clean.String(), last)
		}
	}
}

// templates are the sources, read and marked.
type templates struct {
	names []string
	set   *template.Template
}

// kernel is the guest's.
var kernel = sync.OnceValues(func() (*templates, error) {
	files, err := sources(embedded)
	if err != nil {
		return nil, err
	}
	return parse(files)
})

func parse(files []sourceFile) (*templates, error) {
	t := &templates{set: template.New("").Funcs(functions(Options{})).Option("missingkey=error")}
	for i, f := range files {
		t.names = append(t.names, f.name)
		if _, err := t.set.New(f.name).Parse(marked(i, f.text)); err != nil {
			return nil, wrongTemplate(err)
		}
	}
	return t, nil
}

// expand makes the program of a variant.
func (t *templates) expand(o Options) (*program, error) {
	set, err := t.set.Clone()
	if err != nil {
		return nil, wrongTemplate(err)
	}
	set.Funcs(functions(o))
	p := &program{files: t.names}
	for _, name := range t.names {
		var s strings.Builder
		if err := set.ExecuteTemplate(&s, name, o); err != nil {
			return nil, wrongTemplate(err)
		}
		p.unmarked(s.String() + "\n")
	}
	return p, nil
}

// wrongTemplate leaves out the column, in which the marks count.
func wrongTemplate(err error) error {
	text := strings.TrimPrefix(err.Error(), "template: ")
	return fmt.Errorf("builtin:mini: %s", column.ReplaceAllString(text, "$1:"))
}

var column = regexp.MustCompile(`^([^:]*:[0-9]+):[0-9]+:`)

// functions are what the sources can use.
func functions(o Options) template.FuncMap {
	return template.FuncMap{
		// defect says whether the defect of this name is switched on.
		"defect": func(name string) (bool, error) {
			if _, ok := FindDefect(name); !ok {
				return false, unknownDefect(name)
			}
			return slices.Contains(o.Defects, name), nil
		},
		"option": func(name string) (bool, error) {
			for _, known := range options {
				if known.name == name {
					return *known.of(&o), nil
				}
			}
			return false, unknownOption(name)
		},
		"ukl": o.UKL,
		// args are the parameters of a template that is used.
		"args": func(pairs ...any) (map[string]any, error) {
			m := map[string]any{}
			for i := 0; i < len(pairs); i += 2 {
				name, ok := pairs[i].(string)
				if !ok || i+1 == len(pairs) {
					return nil, fmt.Errorf("args takes pairs of a name and a value")
				}
				m[name] = pairs[i+1]
			}
			return m, nil
		},
		"seq": func(from, to int) []int {
			var list []int
			for i := from; i <= to; i++ {
				list = append(list, i)
			}
			return list
		},
		"func": func(name string) string {
			return fmt.Sprintf(".p2align 4; .globl %s; .type %s, @function; %s:", name, name, name)
		},
		"static": func(name string) string { return fmt.Sprintf(".p2align 4; .type %s, @function; %s:", name, name) },
		"code":   func(name string) string { return fmt.Sprintf(".p2align 4; .globl %s; %s:", name, name) },
		"end_func": func(name string) string {
			return fmt.Sprintf(".size %s, . - %s", name, name)
		},
	}
}
