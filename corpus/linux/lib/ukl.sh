# SPDX-License-Identifier: GPL-2.0-or-later
#
# The UKL kernels: Linux with patches/*.patch and an application linked into it.
#
# A variant is a list of options, each a configs/ukl-OPTION.config on top of stock.config
# and ukl.config; a comment "append:" in it is for the command line. Variants share one
# patched source and one build folder, so that a variant compiles only what its options
# change, and another application is only another link. Both stay in the cache; nothing
# else depends on them.

ukl_guests() {
	grep -v '^#' "$here/ukl.guests"
}

# ukl_name APPLICATION OPTION... is the guest's folder.
ukl_name() {
	(IFS=- && echo "ukl-$*")
}

ukl_names() {
	local line
	ukl_guests | while read -r line; do ukl_name $line; done
}

# guest_ukl [NAME] builds all of them, or one.
guest_ukl() {
	local line lines=()
	while read -r line; do
		[ $# != 0 ] && [ "$(ukl_name $line)" != "$1" ] || lines+=("$line")
	done < <(ukl_guests)
	"$here/apps/build.sh" $(printf '%s\n' "${lines[@]}" | cut -d' ' -f1 | sort -u)
	kernel stock # for its archiver
	archiver=$kernel
	for line in "${lines[@]}"; do
		ukl_guest $line
	done
	guest_name= options=() applications=()
}

# ukl_guest APPLICATION OPTION... makes the guest ukl-APPLICATION with these options.
ukl_guest() {
	local app=$1 append=$append folder option
	folder=$(ukl_name "$@")
	shift
	options=("$@")
	for option in "$@"; do
		append+=$(sed -n 's/^# append:/ /p' "$here/configs/ukl-$option.config" | tr -s ' ')
	done
	ukl_kernel "$folder" "$cache/apps/$app/UKL.o" "$@"
	applications=("$app")
	guest_name=ukl-$app
	guest "$folder" initrd.cpio app_archive "$cache/apps/$app/hash"
}

app_archive() {
	archive "$archiver" "$2" <"$cache/apps/${applications[0]}/initrd.list"
	cp -r "$cache/apps/${applications[0]}/programs" "$(dirname "$2")/programs"
}

# ukl_kernel NAME ARCHIVE OPTION... builds and sets kernel and kernel_hash, as kernel does.
ukl_kernel() {
	local name=$1 application=$2 configs option started=$SECONDS log=$cache/kernels/$1.log
	shift 2
	configs=("$here/configs/stock.config" "$here/configs/ukl.config")
	for option in "$@"; do
		configs+=("$here/configs/ukl-$option.config")
	done
	kernel_hash=$({
		ukl_source_inputs
		cat "${configs[@]}" "$application" "$here/lib/ukl.sh"
	} | sha256sum | cut -c1-16)
	kernel=$cache/kernels/$name-$kernel_hash
	[ -f "$kernel/vmlinux" ] && return
	install_packages "${build_packages[@]}" || die "the kernel can't be built without these packages"
	ukl_source
	say "building the kernel $name (log: $log)"
	merge_configs "${configs[@]}" >"$work/config"
	echo "CONFIG_UKL_ARCHIVE_PATH=\"$application\"" >>"$work/config"
	build_ukl_kernel "$log" "$(ukl_folder "$@")"
	remove_older_ukl_kernels "$name"
	say "built the kernel $name in $((SECONDS - started)) s"
}

# By the length of the hash: ukl-hello is not ukl-hello-use_ret.
remove_older_ukl_kernels() {
	local folder
	for folder in "$cache/kernels/$1"-????????????????/; do
		[ "$folder" = "$kernel/" ] || rm -rf "$folder"
	done
}

# Options that change every file have a build folder of their own.
ukl_folder() {
	case " $* " in
	*" debug "*) echo debug ;;
	*" kasan "*) echo kasan ;;
	*) echo plain ;;
	esac
}

build_ukl_kernel() {
	local log=$1 out=$ukl_tree/$2 map
	map="-fdebug-prefix-map=$ukl_tree/linux=$debug_folder"
	mkdir -p "$out"
	make_ukl "$out" KCONFIG_ALLCONFIG="$work/config" allnoconfig >"$log" 2>&1 || die "the configuration failed, see $log"
	check_config "$work/config" "$out/.config"
	make_ukl "$out" -j"${UKLEMU_JOBS:-$(nproc)}" KCFLAGS="$map" KAFLAGS="$map" vmlinux bzImage >>"$log" 2>&1 || {
		grep -a '^UKL: ' "$log" >&2 || true
		die "the build failed, see $log"
	}
	mkdir -p "$work/kernel"
	cp "$out/vmlinux" "$out/System.map" "$out/arch/x86/boot/bzImage" "$work/kernel/"
	cp "$out/.config" "$work/kernel/config"
	cp "$out/include/config/kernel.release" "$work/kernel/release"
	rm -rf "$kernel"
	mv "$work/kernel" "$kernel"
}

make_ukl() {
	local out=$1
	shift
	nice -n 5 make -s -C "$ukl_tree/linux" O="$out" ARCH=x86_64 "$@"
}

# Later lines win: what a later file says of an option is dropped from the earlier ones.
merge_configs() {
	cat "$@" | tac | awk '
		match($0, /CONFIG_[A-Z0-9_]+/) && /^(# )?CONFIG_[A-Z0-9_]+( is not set|=)/ {
			option = substr($0, RSTART, RLENGTH)
			if (option in seen)
				next
			seen[option] = 1
		}
		{ print }' | tac
}

ukl_source_inputs() {
	echo "$source_hash"
	gcc --version 2>&1 | head -n 1
	ld --version 2>&1 | head -n 1
	cat "$here"/patches/*.patch "$here/lib/kernel.sh"
}

# ukl_source sets ukl_tree: linux/ is the patched source, the rest are build folders.
# The folder stays the same when patches change, and so do the times of files that
# don't: make compiles what has to be compiled.
ukl_source() {
	local patch file inputs log=$cache/kernels/ukl-patches.log new=$work/ukl
	ukl_tree=$(realpath -m "$cache/kernels/.ukl")
	inputs=$(ukl_source_inputs | sha256sum | cut -c1-16)
	[ "$(cat "$ukl_tree/inputs" 2>/dev/null)" = "$inputs" ] && return
	mkdir -p "$new" "$ukl_tree"
	tar -xf "$source_tar" -C "$new" --strip-components=1 || die "$source_tar could not be unpacked"
	: >"$log"
	for patch in "$here"/patches/*.patch; do
		patch -d "$new" -p1 --no-backup-if-mismatch <"$patch" >>"$log" ||
			die "$(basename "$patch") does not apply to $source_tar, see $log"
	done
	sed -n 's,^+++ b/,,p' "$here"/patches/*.patch | sort -u | while read -r file; do
		cmp -s "$new/$file" "$ukl_tree/linux/$file" && touch -r "$ukl_tree/linux/$file" "$new/$file"
	done || true
	rm -rf "$ukl_tree/inputs" "$ukl_tree/linux"
	mv "$new" "$ukl_tree/linux"
	echo "$inputs" >"$ukl_tree/inputs"
}
