# SPDX-License-Identifier: GPL-2.0-or-later
#
# Where the kernel source comes from, and what building it takes.

source_package=linux-source-6.1
build_packages=(build-essential bc flex bison libelf-dev libssl-dev xz-utils)

# find_source sets source_tar and source_hash.
find_source() {
	local candidate
	if [ -n "${UKLEMU_LINUX_SOURCE:-}" ]; then
		source_tar=$(realpath -m "$UKLEMU_LINUX_SOURCE")
		hash_source
		return
	fi
	for candidate in "/usr/src/$source_package.tar.xz" "$cache/source/$source_package.tar.xz"; do
		if [ -f "$candidate" ]; then
			source_tar=$candidate
			hash_source
			return
		fi
	done
	# By its whole name: apt takes the dot for a pattern, and Debian 13 has a linux-source-6.12.
	if may_install && apt-cache pkgnames "$source_package" 2>/dev/null | grep -Fx "$source_package" >/dev/null &&
		install_packages "$source_package"; then
		source_tar=/usr/src/$source_package.tar.xz
	else
		fetch_source
		source_tar=$cache/source/$source_package.tar.xz
	fi
	hash_source
}

# The hash of 138 MB is kept beside the file's size and time: the second build has it at once.
# A file that has one has been looked at.
hash_source() {
	local note=$cache/kernels/.source identity
	[ -e "$source_tar" ] || refuse_source "there is no such file"
	[ -f "$source_tar" ] || refuse_source "that is no file"
	[ -r "$source_tar" ] || refuse_source "you may not read it"
	identity=$(stat -Lc '%n %s %Y %i' "$source_tar")
	if [ -f "$note" ] && [ "$(head -n 1 "$note")" = "$identity" ]; then
		source_hash=$(tail -n 1 "$note")
		return
	fi
	check_source
	source_hash=$(sha256sum <"$source_tar" | cut -d' ' -f1)
	printf '%s\n%s\n' "$identity" "$source_hash" >"$note"
}

# check_source refuses what can't be built before anything is. Of an xz file the index at its
# end tells whether the end is there; all else has to be read.
check_source() {
	local makefile version
	if [ "$(head -c 6 "$source_tar" | od -An -tx1)" = " fd 37 7a 58 5a 00" ]; then
		command -v xz >/dev/null || install_packages xz-utils || die "the source can't be unpacked without xz"
		xz --list "$source_tar" >/dev/null 2>&1 || refuse_source "its end is missing: it was cut off on its way here"
	else
		tar -tf "$source_tar" >/dev/null 2>&1 || refuse_source "it is no tarball, or its end is missing"
	fi
	makefile=$(tar -xOf "$source_tar" --wildcards --no-wildcards-match-slash --occurrence=1 '*/Makefile' 2>/dev/null) || true
	version=$(sed -nE 's/^(VERSION|PATCHLEVEL|SUBLEVEL) = ([0-9]+)$/\2/p' <<<"$makefile" | paste -sd.)
	[[ "$version" == *.*.* ]] || refuse_source "it is no source of Linux: there is no Makefile with a version in its folder"
	[[ "$version" == 6.1.* ]] || refuse_source "it is Linux $version"
}

refuse_source() {
	say "${UKLEMU_LINUX_SOURCE:+UKLEMU_LINUX_SOURCE: }$source_tar: $1."
	die "needed: a tarball of Linux 6.1.x with one folder in it, such as $source_package.tar.xz of Debian 12 or linux-6.1.192.tar.xz"
}

may_install() {
	[ "$(id -u)" = 0 ] || command -v sudo >/dev/null
}

# install_packages installs those of its arguments that are missing; it needs root or sudo.
install_packages() {
	local missing=() package as_root=()
	command -v dpkg-query >/dev/null || return 0 # not Debian's kin: make says what it lacks
	for package in "$@"; do
		dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
	done
	[ ${#missing[@]} = 0 ] && return 0
	if ! may_install; then
		say "these packages are missing, and there is no sudo to install them with: ${missing[*]}"
		return 1
	fi
	[ "$(id -u)" = 0 ] || as_root=(sudo)
	say "installing ${missing[*]}"
	"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
		apt-get install -y --no-install-recommends "${missing[@]}" >"$cache/guests/.apt.log" 2>&1 && return 0
	say "apt-get could not install ${missing[*]}; the end of $cache/guests/.apt.log:"
	tail -n 3 "$cache/guests/.apt.log" >&2
	return 1
}

# The package is Debian 12's. On Debian 13 and Ubuntu apt is asked for it with
# a list of its own, from the mirror in use when that is one of Debian's; neither
# the system's lists nor its packages are touched, and root isn't needed.
fetch_source() {
	local apt=$work/apt keyring=/usr/share/keyrings/debian-archive-keyring.gpg mirror options
	command -v apt-get >/dev/null || no_source "there is no apt-get here"
	[ -f "$keyring" ] || install_packages debian-archive-keyring || true
	[ -f "$keyring" ] || no_source "Debian's keys (debian-archive-keyring) are not installed"
	mirror=${UKLEMU_DEBIAN_MIRROR:-$(apt-get indextargets --format '$(ORIGIN) $(REPO_URI)' 'Created-By: Packages' 2>/dev/null |
		awk '$1 == "Debian" && $2 !~ /security/ { print $2; exit }')}
	mirror=${mirror:-http://deb.debian.org/debian}
	say "fetching $source_package of Debian 12 from $mirror (130 MB)"
	mkdir -p "$apt/lists/partial" "$apt/archives/partial" "$cache/source"
	: >"$apt/status" # nothing is installed, as far as this apt knows
	echo "deb [signed-by=$keyring] $mirror bookworm main" >"$apt/sources.list"
	options=(-q -o "Dir::Etc::SourceList=$apt/sources.list" -o Dir::Etc::SourceParts=/dev/null
		-o "Dir::State::Lists=$apt/lists" -o "Dir::State::Status=$apt/status" -o "Dir::Cache=$apt" -o APT::Sandbox::User="$(id -un)")
	(cd "$apt" && apt-get "${options[@]}" update && apt-get "${options[@]}" download "$source_package") \
		>"$cache/guests/.apt.log" 2>&1 || no_source "apt-get could not fetch it, see $cache/guests/.apt.log"
	dpkg-deb --fsys-tarfile "$apt"/$source_package*.deb |
		tar -xO "./usr/src/$source_package.tar.xz" >"$apt/$source_package.tar.xz"
	mv "$apt/$source_package.tar.xz" "$cache/source/"
	rm -rf "$apt"
}

no_source() {
	say "$1"
	say "needed: the file $source_package.tar.xz from Debian 12's package $source_package."
	say "Install that package, or name a copy of the file: UKLEMU_LINUX_SOURCE=/path/$source_package.tar.xz,"
	die "or name a mirror of Debian that can be reached: UKLEMU_DEBIAN_MIRROR=http://..."
}
