# SPDX-License-Identifier: GPL-2.0-or-later
#
# Guests: a kernel, an archive with an init, a command line, and guest.json, which says so.

# printk.time=0 keeps the console comparable where the kernel prints times at all;
# panic=-1 reboots at once, which ends the machine.
append='console=ttyS0 panic=-1 printk.time=0'

guest_stock() {
	kernel stock
	guest stock tour.cpio tour_archive "$here/user/user.h" "$here"/user/*.c "$here"/user/tour/* \
		"$here"/items/*.[ch] "$here"/items/programs/*
}

guest_selftests() {
	kernel stock
	guest selftests selftests.cpio selftests_archive "$here/user/user.h" "$here"/user/{user,selftests}.c "$here"/items/line.[ch] \
		"$here/selftests.list" "$(gcc -print-file-name=libc.a)"
}

# guest FOLDER INITRD BUILD INPUT... publishes a guest of the kernel at hand, unless
# the one that is there was made of the same inputs.
guest() {
	local name=$1 initrd=$2 build=$3 hash folder=$cache/guests/$1 new=$work/$1
	shift 3
	hash=$({
		echo "$kernel_hash $append"
		cat "$@" "$here"/lib/{archive,user,guest}.sh
	} | sha256sum | cut -c1-16)
	if [ "$(cat "$folder/hash" 2>/dev/null)" = "$hash" ]; then
		say "$name is up to date ($folder)"
		return
	fi
	mkdir "$new"
	for file in vmlinux bzImage System.map config; do
		ln "$kernel/$file" "$new/$file" 2>/dev/null || cp "$kernel/$file" "$new/$file"
	done
	"$build" "$kernel" "$new/$initrd"
	describe "$name" "$initrd" "$hash" >"$new/guest.json"
	echo "$hash" >"$new/hash"
	publish "$new" "$folder"
	say "built $name ($folder)"
}

# What a guest is built with, for whoever looks for one: see guest_ukl.
guest_name=
options=()
applications=()

# quoted WORD... as the elements of a JSON array
quoted() {
	local separator= word
	for word in "$@"; do
		printf '%s"%s"' "$separator" "$word"
		separator=', '
	done
}

describe() {
	cat <<-END
		{
		  "name": "${guest_name:-$1}",
		  "kind": "built",
		  "kernel": "$(cat "$kernel/release")",
		  "options": [$(quoted "${options[@]}")],
		  "applications": [$(quoted "${applications[@]}")],
		  "vmlinux": "vmlinux",
		  "bzImage": "bzImage",
		  "symbols": "System.map",
		  "config": "config",
		  "initrd": "$2",
		  "append": "$append",
		  "hash": "$3"
		}
	END
}

# A folder can't replace another in one step; no signal comes between the two.
publish() {
	trap '' INT TERM HUP
	if [ -e "$2" ]; then
		mv "$2" "$work/old-$(basename "$2")"
	fi
	mv "$1" "$2"
	trap 'exit 130' INT TERM HUP
}
