# SPDX-License-Identifier: GPL-2.0-or-later
#
# An application's folder in the cache: its object, its programs, its archive.

# application NAME builds NAME/, with NAME/build.sh if it is no plain C.
#
#	NAME/*.c		the application, in both kinds
#	NAME/programs/*.c	ordinary programs that go with it, one each
#	NAME/steps		what the guest's init does
#	NAME/files/*		what the guest has in /etc
application() {
	local name=$1 folder=$apps/$1 to=$cache/apps/$1 new=$work/$1 hash
	hash=$({
		echo "$libc_hash $tools"
		find "$folder" "$apps/init" "$apps/lib" -type f | sort | xargs cat
	} | sha256sum | cut -c1-16)
	if [ "$(cat "$to/hash" 2>/dev/null)" = "$hash" ]; then
		say "$name is up to date ($to)"
		return
	fi
	mkdir -p "$new/programs"
	if [ -f "$folder/build.sh" ]; then
		. "$folder/build.sh"
		"build_$name" "$new"
	else
		build_plain "$name" "$new"
	fi
	ordinary_programs "$folder" "$new/programs"
	initrd_list "$folder" "$new" "$to" >"$new/initrd.list"
	echo "$hash" >"$new/hash"
	rm -rf "$to"
	mv "$new" "$to"
	say "built $name ($to)"
}

build_plain() {
	local name=$1 new=$2
	objects ukl "$work/$name.ukl" "$apps/$name"/*.c
	objects cpl3 "$work/$name.cpl3" "$apps/$name"/*.c
	join "$new/UKL.o" "$work/$name.ukl"/*.o
	link "$new/programs/$name" "$work/$name.cpl3"/*.o
}

ordinary_programs() {
	local source name
	for source in "$apps/init/init.c" "$1/programs"/*.c; do
		[ -f "$source" ] || continue
		name=$(basename "${source%.c}")
		objects cpl3 "$work/$name.program" "$source"
		link "$2/$name" "$work/$name.program/$name.o"
	done
}

# The application's name has to be an executable file; the kernel doesn't look what is in it.
initrd_list() {
	local folder=$1 new=$2 to=$3 program name
	: >"$new/empty"
	cp "$folder/steps" "$new/steps"
	cat <<-END
		dir /dev 0755 0 0
		nod /dev/console 0600 0 0 c 5 1
		dir /proc 0755 0 0
		dir /sys 0755 0 0
		dir /tmp 1777 0 0
		dir /bin 0755 0 0
		dir /etc 0755 0 0
		file /etc/steps $to/steps 0644 0 0
		file /UKL $to/empty 0755 0 0
		file /init $to/programs/init 0755 0 0
	END
	if [ -d "$folder/files" ]; then
		cp -r "$folder/files" "$new/files"
		(cd "$new/files" && find * -type f -printf "file /etc/%p $to/files/%p 0644 0 0\n")
	fi
	for program in "$new/programs"/*; do
		name=$(basename "$program")
		[ "$name" = init ] || echo "file /bin/$name $to/programs/$name 0755 0 0"
	done
}
