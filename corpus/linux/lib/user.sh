# SPDX-License-Identifier: GPL-2.0-or-later
#
# User space: our programs against nolibc, the kernel's selftests against the C
# library, and the archives that the kernel unpacks.

# archive KERNEL OUTPUT packs what the list on standard input names (gen_init_cpio's form).
archive() {
	local list=$work/list
	cat >"$list"
	# The time of a file is that of the archive's contents: always the same.
	awk '$1 == "file" { print $3 }' "$list" | xargs touch -d @0
	"$1/usr/gen_init_cpio" -t 0 "$list" >"$2"
}

# What nolibc programs are made of besides their own sources.
nolibc_sources=("$here"/user/user.c "$here"/items/line.c)

# program KERNEL OUTPUT SOURCE... builds against nolibc.
# -ffreestanding: nolibc has no strlen that the compiler could call by itself.
program() {
	local kernel=$1 output=$2
	shift 2
	gcc -std=gnu11 -Os -g -Wall -Wextra -ffreestanding -nostdinc -I"$here/items" -I"$here/user/tour" -I"$here/user" \
		-isystem "$kernel/tools/include/nolibc" -isystem "$(gcc -print-file-name=include)" \
		-isystem "$kernel/usr/include" \
		-fno-stack-protector -fno-asynchronous-unwind-tables -fno-ident -fcf-protection=none \
		-fdebug-prefix-map="$here=corpus/linux" -fdebug-prefix-map="$kernel=$debug_folder" \
		-ffunction-sections -Wl,--gc-sections -Wl,--build-id=none -Wl,-z,noexecstack \
		-static -no-pie -fno-pie -nostdlib -o "$output" "$@" "${nolibc_sources[@]}" -lgcc
}

# tour_archive KERNEL OUTPUT builds the tour's archive; the programs stay beside it with their symbols.
tour_archive() {
	local kernel=$1 output=$2 programs name GLOBIGNORE="$here/items/line.c" # every program has it
	programs=$(dirname "$output")/programs
	mkdir -p "$programs"
	program "$kernel" "$programs/tour" "$here"/user/tour/*.c "$here"/items/*.c
	program "$kernel" "$programs/witness" "$here/items/programs/witness.c"
	for name in echo loop crash bench; do
		program "$kernel" "$programs/$name" "$here/user/$name.c"
	done
	{
		archive_base
		echo "file /init $programs/tour 0755 0 0"
		for name in witness echo loop crash bench; do
			echo "file /bin/$name $programs/$name 0755 0 0"
		done
	} | archive "$kernel" "$output"
}

selftest_names() {
	grep -v '^#' "$here/selftests.list"
}

# As the selftests' own Makefile builds them, but statically.
selftest() {
	local tests=$1/tools/testing/selftests/x86 output=$2 name=$3 extra=()
	case $name in
	check_initial_reg_state) extra=(-Wl,-ereal_start) ;;
	sysret_ss_attrs) extra=("$tests/thunks.S") ;;
	esac
	gcc -O2 -g -std=gnu99 -pthread -w -no-pie -static -DCAN_BUILD_64 -isystem "$1/usr/include" \
		-fdebug-prefix-map="$1=$debug_folder" -Wl,--build-id=none \
		-o "$output" "$tests/$name.c" "${extra[@]}" -lrt -ldl 2>"$work/selftest.log" ||
		die "the selftest $name does not build: $(cat "$work/selftest.log")"
}

selftests_archive() {
	local kernel=$1 output=$2 programs name
	programs=$(dirname "$output")/programs
	mkdir -p "$programs"
	program "$kernel" "$programs/selftests" "$here/user/selftests.c"
	for name in $(selftest_names); do
		selftest "$kernel" "$programs/$name" "$name"
	done
	selftest_names >"$work/names"
	{
		archive_base
		echo "file /init $programs/selftests 0755 0 0"
		echo "dir /selftests 0755 0 0"
		echo "file /selftests/list $work/names 0644 0 0"
		for name in $(selftest_names); do
			echo "file /selftests/$name $programs/$name 0755 0 0"
		done
	} | archive "$kernel" "$output"
}
