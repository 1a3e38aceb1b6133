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

unformatted() { sources go | xargs gofmt -l; }

without_licence() {
	sources 'go|c|h|S|inc|ld|sh' | while read -r file; do
		head -n 3 "$file" | grep -q 'SPDX-License-Identifier: GPL-2.0-or-later' || echo "$file"
	done
}

# The folders of whoever wrote it: nobody else has them.
paths_of_a_machine() { sources 'go|c|h|S|inc|ld|sh|md|txtar|mod|list|config' | grep -v '^scripts/lint\.sh$' | xargs grep -nE '(^|[^[:alnum:]_./-])/(work|root|home|Users)/[[:alnum:]_.-]+'; }

left_over() { sources 'go|c|h|S|sh' | grep -v '^scripts/lint\.sh$' | xargs grep -nwE 'TODO|FIXME|XXX'; }

too_long() {
	sources 'go|c|h|S|sh' | xargs wc -l | awk '$2 != "total" && $1 > 700 { print $2 ": " $1 " lines" }'
}

# What was built is not source.
built() { git ls-files 2>/dev/null | while read -r file; do head -c 4 "$file" 2>/dev/null | grep -q $'^\x7fELF' && echo "$file"; done; }

check 'built, not written:' built
check 'not formatted; gofmt -w does it:' unformatted
check 'the first lines should say SPDX-License-Identifier: GPL-2.0-or-later:' without_licence
check 'paths that only one machine has:' paths_of_a_machine
check 'left over:' left_over
check 'longer than 700 lines, so more than one idea:' too_long
go vet ./... || failed=1
exit $failed
