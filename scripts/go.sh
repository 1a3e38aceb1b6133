#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Prints the path of a go command that can build this, and gets one if there is
# none:
#
#	PATH=$(dirname "$(scripts/go.sh)"):$PATH
#
# Distributions are behind: Debian 12 has Go 1.19, Debian 13 has 1.24. Any go
# can fetch a newer toolchain as a module, though, through the module proxy and
# checked by the checksum database; a go of 1.21 or later does so by itself, and
# here it is done by hand, which an older one can as well. It goes into the cache.
#
#	GO	the go command to use, whatever it is
. "$(dirname "$0")/lib.sh"

wanted=$(sed -n 's/^go //p' "$here/../go.mod")
fetched=1.26.8 # at least what go.mod wants
own=$cache/go/bin/go

# Outside of the module, where no go.mod tells an old go to be another one.
version_of() { (cd / && GOTOOLCHAIN=local GOFLAGS='' "$1" env GOVERSION 2>/dev/null) | sed -n 's/^go\([0-9.]*\).*/\1/p'; }

good() {
	local found
	command -v "$1" >/dev/null || return
	found=$(version_of "$1")
	[ -n "$found" ] && at_least "$found" "$wanted"
}

any_go() {
	local candidate
	for candidate in go /usr/local/go/bin/go /usr/lib/go/bin/go; do
		command -v "$candidate" && return
	done
	"$here/packages.sh" golang-go || return
	command -v go
}

fetch() {
	local old=$1 work=$cache/.go system machine name
	case $(uname -s) in Darwin) system=darwin ;; *) system=linux ;; esac
	case $(uname -m) in aarch64 | arm64) machine=arm64 ;; *) machine=amd64 ;; esac
	name=golang.org/toolchain@v0.0.1-go$fetched.$system-$machine
	say "fetching Go $fetched (70 MB)"
	rm -rf "$work"
	mkdir -p "$work"
	(cd "$work" && GOTOOLCHAIN=local GOMODCACHE=$work/mod GOFLAGS=-modcacherw "$old" mod download "$name") >&2 ||
		die "it could not be fetched; install Go $wanted or later (https://go.dev/dl) and name it in GO"
	# A module's files are never executable; an old go leaves it at that.
	chmod -R u+w "$work/mod/$name"
	chmod +x "$work/mod/$name"/bin/* "$work/mod/$name"/pkg/tool/*/*
	rm -rf "$cache/go"
	mv "$work/mod/$name" "$cache/go"
	rm -rf "$work"
}

for candidate in "${GO:-}" go /usr/local/go/bin/go "$own"; do
	if [ -n "$candidate" ] && good "$candidate"; then
		command -v "$candidate"
		exit 0
	fi
done
old=$(any_go) || die "there is no Go here: install Go $wanted or later (https://go.dev/dl)"
fetch "$old"
good "$own" || die "the Go in $cache/go does not run"
echo "$own"
