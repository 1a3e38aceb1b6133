# SPDX-License-Identifier: GPL-2.0-or-later
#
# An application's folder in the cache: its object, its programs, its archive.

# application NAME builds NAME/, with NAME/build.sh if it is no plain C.
#
#	NAME/*.c		the application, in both kinds
#	NAME/programs/*.c	ordinary programs that go with it, one each
#	NAME/also		other folders of corpus/linux with such sources
#	NAME/steps		what the guest's init does
#	NAME/files/*		what the guest has in /etc
application() {
	local name=$1 folder=$apps/$1 to=$cache/apps/$1 new=$work/$1 hash folders=("$apps/$1") also
	if [ -f "$folder/also" ]; then
		while read -r also; do folders+=("$linux/$also"); done <"$folder/also"
	fi
	hash=$({
		echo "$libc_hash $tools"
		find "${folders[@]}" "$apps/init" "$apps/lib" -type f -print0 | sort -z | xargs -0 cat
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
		build_plain "$name" "$new" "${folders[@]}"
	fi
	ordinary_programs "$new/programs" "${folders[@]}"
	initrd_list "$folder" "$new" "$to" >"$new/initrd.list"
	echo "$hash" >"$new/hash"
	rm -rf "$to"
	mv "$new" "$to"
	say "built $name ($to)"
}

build_plain() {
	local name=$1 new=$2 kind folder
	shift 2
	for kind in ukl cpl3; do
		for folder in "$@"; do
			objects $kind "$work/$name.$kind/$(basename "$folder")" "$folder"/*.c "${@/#/-I}"
		done
	done
	join "$new/UKL.o" "$work/$name.ukl"/*/*.o
	link "$new/programs/$name" "$work/$name.cpl3"/*/*.o
}

ordinary_programs() {
	local to=$1 folder source
	shift
	for folder in "$@"; do
		for source in "$folder/programs"/*.c; do
			[ ! -f "$source" ] || ordinary_program "$to" "$source" "${@/#/-I}"
		done
	done
	ordinary_program "$to" "$apps/init/init.c"
}

ordinary_program() {
	local to=$1 source=$2 name
	shift 2
	name=$(basename "${source%.c}")
	objects cpl3 "$work/programs" "$source" "$@"
	link "$to/$name" "$work/programs/$name.o"
}

# The application's name has to be an executable file; the kernel doesn't look what is in it.
initrd_list() {
	local folder=$1 new=$2 to=$3 program name
	: >"$new/empty"
	cp "$folder/steps" "$new/steps"
	archive_base
	cat <<-END
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
