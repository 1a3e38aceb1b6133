# SPDX-License-Identifier: GPL-2.0-or-later
#
# The C library: twice from the same source, patched for UKL and as it is.

musl_version=1.2.3
musl_hash=7d5b0b6062521e4627e099e4c9dc8248d32a30285e959b7eecaa780cf8cfd4a4
musl_url=pool/main/m/musl/musl_$musl_version.orig.tar.gz

# musl sets libc, the folder of both, and libc_hash.
musl() {
	libc_hash=$({
		echo "$musl_hash $tools ${flags[*]} ${flags_ukl[*]}"
		cat "$apps"/musl/*.patch "$apps/lib/musl.sh"
	} | sha256sum | cut -c1-16)
	libc=$cache/apps/.musl-$libc_hash
	[ -d "$libc" ] && return
	tarball "musl_$musl_version.orig.tar.gz" $musl_hash $musl_url
	say "building musl $musl_version twice (a minute)"
	build_musl ukl "${flags_ukl[*]}" "$apps"/musl/*.patch
	build_musl cpl3 "${flags_cpl3[*]}"
	rm -rf "$cache"/apps/.musl-*
	mv "$work/libc" "$libc"
}

build_musl() {
	local kind=$1 extra=$2 log=$cache/apps/musl-$1.log to=$work/libc/$1
	shift 2
	unpack "$tarball" "$work/musl" "$@"
	mkdir -p "$to/lib" "$to/build"
	(
		cd "$to/build"
		# The version of the compiler's own library plays no part: nothing of it is linked.
		CFLAGS="-g ${flags[*]} $extra -ffile-prefix-map=$work/musl=$source_folder/musl-$musl_version" \
			"$work/musl/configure" --prefix="$to" --disable-shared --disable-wrapper CC=gcc
		nice -n 5 make -j"${UKLEMU_JOBS:-$(nproc)}" install-headers lib/libc.a lib/crt1.o
		cp lib/libc.a lib/crt1.o "$to/lib/"
	) >"$log" 2>&1 || die "musl did not build, see $log"
	rm -rf "$to/build" "$work/musl"
	kernel_headers "$to/include"
}

# The kernel's, from the package that the compiler's own libc depends on.
kernel_headers() {
	local folder
	for folder in linux asm-generic x86_64-linux-gnu/asm; do
		[ -d /usr/include/$folder ] || die "/usr/include/$folder is missing; it is in Debian's package linux-libc-dev"
		ln -s /usr/include/$folder "$1/$(basename $folder)"
	done
}
