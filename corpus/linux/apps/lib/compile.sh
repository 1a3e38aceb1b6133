# SPDX-License-Identifier: GPL-2.0-or-later
#
# The compiler and the linker, for UKL (kind ukl) and for an ordinary program (kind cpl3).

flags=(-O2 -fno-stack-protector -fcf-protection=none -fno-asynchronous-unwind-tables -fno-pic -fno-pie)
# Static data is linked with the kernel, 2 GiB below the top; interrupts come in on our stack.
flags_ukl=(-DUKL -mcmodel=kernel -mno-red-zone)
flags_cpl3=()
# Where a debugger is told that the sources are; the same for whoever builds.
source_folder=/usr/src/uklemu

# compiler KIND sets compile: the compiler with what every source needs.
compiler() {
	local kind=$1 extra="flags_$1[@]"
	compile=(gcc -std=gnu11 -g "${flags[@]}" "${!extra}" -ffunction-sections -fdata-sections -fno-ident
		-nostdinc -I"$apps/lib" -isystem "$libc/$kind/include" -isystem "$(gcc -print-file-name=include)"
		-ffile-prefix-map="$linux=$source_folder/corpus/linux" -ffile-prefix-map="$work=$source_folder")
}

# objects KIND FOLDER SOURCE... [-FLAG...] compiles our own sources.
objects() {
	local kind=$1 folder=$2 sources=() source
	shift 2
	mkdir -p "$folder"
	compiler "$kind"
	for source in "$@"; do
		case $source in
		-*) compile+=("$source") ;;
		*) sources+=("$source") ;;
		esac
	done
	for source in "${sources[@]}"; do
		"${compile[@]}" -Wall -Wextra -Werror -c -o "$folder/$(basename "${source%.*}").o" "$source"
	done
}

# join OUTPUT OBJECT... makes the one object of UKL. The linker leaves the name of a
# GOT behind where there is thread-local storage; nothing refers to it.
join() {
	local output=$1
	shift
	ld -r --gc-sections -e _start -T "$apps/lib/join.lds" -o "$output.joined" \
		"$libc/ukl/lib/crt1.o" "$@" "$libc/ukl/lib/libc.a"
	objcopy --prefix-symbols=ukl_ --strip-symbol=ukl__GLOBAL_OFFSET_TABLE_ "$output.joined" "$output"
	rm "$output.joined"
}

# link OUTPUT OBJECT... makes an ordinary static program.
link() {
	local output=$1
	shift
	gcc -static -no-pie -nostdlib -Wl,--gc-sections -Wl,--build-id=none -Wl,-z,noexecstack \
		-o "$output" "$libc/cpl3/lib/crt1.o" "$@" "$libc/cpl3/lib/libc.a"
}
