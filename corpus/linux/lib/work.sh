# SPDX-License-Identifier: GPL-2.0-or-later
#
# One build at a time in a part of the cache, and a folder for what isn't whole yet.

# workplace FOLDER waits for the builds there, and sets work, which is gone at the end.
workplace() {
	mkdir -p "$1"
	exec {workplace_lock}>"$1/.lock"
	if ! flock -n "$workplace_lock"; then
		say "waiting for another build in $1"
		flock "$workplace_lock"
	fi
	work=$1/.work
	rm -rf "$work"
	mkdir "$work"
	trap 'rm -rf "$work"' EXIT
	trap 'exit 130' INT TERM HUP
}
