# SPDX-License-Identifier: GPL-2.0-or-later
#
# Building a kernel: source, patches and configuration in, a folder of results out.

# These make the image the same wherever and whenever it is built; together with
# the prefix map below, which keeps the build folder out of the debug information.
export KBUILD_BUILD_TIMESTAMP='2026-01-01 00:00:00 UTC'
export KBUILD_BUILD_USER=uklemu KBUILD_BUILD_HOST=uklemu KBUILD_BUILD_VERSION=1
debug_folder=/usr/src/linux-source-6.1

# kernel NAME builds configs/NAME.config with patches/NAME/*.patch, if there are
# any, and sets kernel (the folder of the results) and kernel_hash.
kernel() {
	local name=$1 config=$here/configs/$1.config patches=("$here/patches/$1"/*.patch)
	[ -f "${patches[0]}" ] || patches=()
	kernel_hash=$({
		echo "$source_hash"
		gcc --version 2>&1 | head -n 1
		ld --version 2>&1 | head -n 1
		cat "$config" "${patches[@]}" "$here/lib/kernel.sh"
	} | sha256sum | cut -c1-16)
	kernel=$cache/kernels/$name-$kernel_hash
	[ -f "$kernel/vmlinux" ] && return
	install_packages "${build_packages[@]}" || die "the kernel can't be built without these packages"
	build_kernel "$name" "$config" "${patches[@]}"
	remove_older_kernels "$name"
}

build_kernel() {
	local name=$1 config=$2 tree=$work/linux log=$cache/kernels/$1.log patch map started=$SECONDS
	shift 2
	say "building the kernel $name (a few minutes; log: $log)"
	mkdir "$tree"
	tar -xf "$source_tar" -C "$tree" --strip-components=1 || die "$source_tar could not be unpacked"
	for patch in "$@"; do
		patch -d "$tree" -p1 --no-backup-if-mismatch <"$patch" >>"$log" || die "$patch does not apply, see $log"
	done
	map="-fdebug-prefix-map=$tree=$debug_folder"
	make_kernel "$tree" KCONFIG_ALLCONFIG="$config" allnoconfig >"$log" 2>&1 || die "the configuration failed, see $log"
	check_config "$config" "$tree/.config"
	make_kernel "$tree" -j"${UKLEMU_JOBS:-$(nproc)}" KCFLAGS="$map" KAFLAGS="$map" vmlinux bzImage headers \
		>>"$log" 2>&1 || die "the build failed, see $log"
	collect_kernel "$tree" "$work/kernel"
	rm -rf "$kernel" "$tree"
	mv "$work/kernel" "$kernel"
	say "built the kernel $name in $((SECONDS - started)) s"
}

make_kernel() {
	local tree=$1
	shift
	nice -n 5 make -s -C "$tree" ARCH=x86_64 "$@"
}

# An option that Kconfig drops, because what it depends on is off, is a mistake in the fragment.
check_config() {
	local dropped
	dropped=$(grep -E '^CONFIG_' "$1" | grep -vxFf "$2" || true)
	[ -z "$dropped" ] || die "Kconfig did not take these lines of $1:" $dropped
}

# What the guests need of a kernel: the images, and for user space the headers,
# nolibc, the selftests and the archiver, at their places in the source.
collect_kernel() {
	local tree=$1 to=$2
	mkdir -p "$to"
	cp "$tree/vmlinux" "$tree/System.map" "$tree/arch/x86/boot/bzImage" "$to/"
	cp "$tree/.config" "$to/config"
	cp "$tree/include/config/kernel.release" "$to/release"
	(cd "$tree" && cp -r --parents usr/include usr/gen_init_cpio tools/include/nolibc \
		tools/testing/selftests/kselftest.h tools/testing/selftests/x86 \
		arch/x86/include/asm/desc_defs.h "$to/")
}

remove_older_kernels() {
	local folder
	for folder in "$cache/kernels/$1"-*/; do
		[ "$folder" = "$kernel/" ] || rm -rf "$folder"
	done
}
