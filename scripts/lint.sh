#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What a machine can say about the source: formatting, go vet, and the rules of
# docs/internals.md that a pattern can check. It looks at the files of the
# repository, not at what lies around.
. "$(dirname "$0")/lib.sh"
cd "$here/.."

failed=0
complain() {
	say "$1"
	sed 's/^/	/' >&2
	failed=1
}

# check WHAT COMMAND... complains about what the command prints.
check() {
	local what=$1 found
	shift
	found=$("$@" 2>/dev/null || true)
	[ -z "$found" ] || complain "$what" <<<"$found"
}

# sources lists the files with one of these endings; without git, as in an unpacked archive, all there are.
sources() {
	local pattern="\.($1)\$"
	{ git ls-files 2>/dev/null || find . -type f -not -path './.*' | sed 's,^\./,,'; } | grep -E "$pattern" | while read -r file; do
		[ ! -f "$file" ] || echo "$file"
	done
}

# files runs a command on the files with one of these endings, lint.sh itself excepted: it has the patterns.
files() {
	local endings=$1
	shift
	sources "$endings" | grep -v '^scripts/lint\.sh$' | xargs "$@"
}

unformatted() { sources go | xargs gofmt -l; }

without_licence() {
	sources 'go|c|h|S|s|inc|ld|sh|py' | while read -r file; do
		head -n 3 "$file" | grep -q 'SPDX-License-Identifier: GPL-2.0-or-later' || echo "$file"
	done
}

# The folders of whoever wrote it: nobody else has them.
paths_of_a_machine() { files 'go|c|h|S|s|inc|ld|sh|py|md|txtar|mod|list|config' grep -nE '(^|[^[:alnum:]_./-])/(work|root|home|Users)/[[:alnum:]_.-]+'; }

left_over() { files 'go|c|h|S|s|sh|py' grep -nwE 'TODO|FIXME|XXX'; }

blanks() { files 'go|c|h|S|s|sh|py|md|mod' grep -nE '[[:blank:]]+$'; }

too_long() {
	sources 'go|c|h|S|s|sh|py' | xargs wc -l | awk '$2 != "total" && $1 > 700 { print $2 ": " $1 " lines" }'
}

# The same image and input give the same run: the machine looks neither at the host's clock nor at its dice.
# emu/debug waits for who types.
of_the_host() {
	sources go | grep '^emu/' | grep -v -e '_test\.go$' -e '^emu/debug/' | xargs grep -nE '\btime\.(Now|Since|Sleep|After|Tick|NewTimer)\b|"crypto/rand"|"math/rand"'
}

# In tests: what sleeps, or is not run. Bochs itself is asked where it is at hand; make bochs gets it.
sleeps() { sources go | grep '_test\.go$' | xargs grep -nE '\btime\.(Sleep|Tick)\('; }
skips() { sources go | grep '_test\.go$' | grep -v '^tests/bochs/golden_test\.go$' | xargs grep -nE '\b[tbf]\.Skip(f|Now)?\('; }

# overlay.go has a table of the program's own, which it checks when it starts.
panics() { sources go | grep -v -e '_test\.go$' -e '^asm/disasm/overlay\.go$' | xargs grep -nE '\bpanic\('; }

# An import goes down, never up (docs/internals.md): who of ours a package may import, its tests aside.
wrong_imports() {
	go list -f '{{range .Imports}}{{$.ImportPath}} {{.}}{{"\n"}}{{end}}' ./... | sed -n 's,github.com/uklemu/uklemu/,,gp' | awk '
		$2 !~ /^(asm|emu|model|corpus|cmd|internal|tests)(\/|$)/ { next }
		$2 ~ /^(cmd|tests)(\/|$)/ && $1 !~ /^tests(\/|$)/ { print $1 " imports " $2; next }
		$1 ~ /^(cmd|tests|internal)(\/|$)/ || $2 ~ /^internal\// { next }
		{ fine = 0 }
		$1 == "emu" { fine = $2 ~ /^emu\/(boot|device|unicorn|x86)$/ }
		$1 ~ /^emu\/(boot|unicorn)$/ { fine = $2 == "emu/x86" }
		$1 == "emu/debug" { fine = $2 ~ /^emu(\/|$)/ }
		$1 ~ /^model(\/|$)/ { fine = $2 ~ /^(model|emu)(\/|$)/ && $2 != "emu/unicorn" }
		$1 ~ /^corpus(\/sequence)?$/ { fine = $2 ~ /^(corpus|model|emu)(\/|$)/ && $2 != "emu/unicorn" }
		$2 ~ /^asm(\/|$)/ { fine = 1 } # a leaf that all may use
		$1 ~ /^asm(\/|$)/ { fine = $1 == "asm" && $2 ~ /^asm\// }
		!fine { print $1 " imports " $2 }'
}

# What cgo does not ask of the C compiler.
warnings_of_c() { (cd emu/unicorn && "${CC:-cc}" -std=gnu11 -Wall -Wextra -Wshadow -fsyntax-only ./*.c 2>&1); }

unreadable_scripts() { sources sh | while read -r file; do bash -n "$file" 2>&1; done; }

# Files that a page names by a relative link.
dead_links() {
	sources md | while read -r page; do
		grep -oE '\]\([^)# ]+' "$page" | sed 's/^](//' | grep -v : | while read -r link; do
			[ -e "$(dirname "$page")/$link" ] || echo "$page: $link"
		done
	done
}

# What was built is not source.
built() { git ls-files 2>/dev/null | while read -r file; do head -c 4 "$file" 2>/dev/null | grep -q $'^\x7fELF' && echo "$file"; done; }

check 'built, not written:' built
check 'not formatted; gofmt -w does it:' unformatted
check 'the first lines should say SPDX-License-Identifier: GPL-2.0-or-later:' without_licence
check 'paths that only one machine has:' paths_of_a_machine
check 'left over:' left_over
check 'blanks at the end of the line:' blanks
check 'longer than 700 lines, so more than one idea:' too_long
check 'asks the host for the time or for chance:' of_the_host
check 'a test that sleeps:' sleeps
check 'a test that is not run:' skips
check 'panics, whatever the input is to blame for:' panics
check 'imports that go up:' wrong_imports
check 'warnings of the C compiler:' warnings_of_c
check 'not a script that bash can read:' unreadable_scripts
check 'links that lead nowhere:' dead_links
go vet ./... || failed=1
exit $failed
