# SPDX-License-Identifier: GPL-2.0-or-later
#
# Upstream's tarballs out of Debian 12's source packages. They are pinned by hash,
# so it does not matter who hands them out.

# tarball NAME HASH URL puts the file into the cache, unless it is there, and sets tarball.
tarball() {
	local name=$1 hash=$2 url=$3 new=$cache/source/$1.new mirror
	tarball=$cache/source/$name
	is_hash "$tarball" "$hash" && return
	mirror=${UKLEMU_DEBIAN_MIRROR:-$(apt-get indextargets --format '$(ORIGIN) $(REPO_URI)' 'Created-By: Packages' 2>/dev/null |
		awk '$1 == "Debian" && $2 !~ /security/ { print $2; exit }')}
	for mirror in "$mirror" http://deb.debian.org/debian http://snapshot.debian.org/archive/debian/20250901T000000Z; do
		[ -n "$mirror" ] || continue
		say "fetching $name from $mirror"
		download "${mirror%/}/$url" "$new" || continue
		if is_hash "$new" "$hash"; then
			mv "$new" "$tarball"
			return
		fi
		say "what came is not $name: its sha256 is $(sha256sum <"$new" | cut -d' ' -f1) instead of $hash"
	done
	say "needed: the file $name of Debian 12's source package ($url)."
	die "Put a copy into $cache/source, or name a mirror that has it: UKLEMU_DEBIAN_MIRROR=http://..."
}

is_hash() {
	[ -f "$1" ] && [ "$(sha256sum <"$1" | cut -d' ' -f1)" = "$2" ]
}

# apt's own downloader is there wherever apt is, and knows its proxies; a bare
# Debian has neither curl nor wget. It fetches as root only to check what comes.
download() {
	local helper=/usr/lib/apt/apt-helper
	if [ -x $helper ]; then
		$helper -o APT::Sandbox::User="$(id -un)" download-file "$1" "$2" >"$work/download.log" 2>&1
	elif command -v curl >/dev/null; then
		curl -fsSL -o "$2" "$1"
	else
		wget -q -O "$2" "$1"
	fi
}

# unpack TARBALL FOLDER PATCH... unpacks the one folder of a tarball and patches it.
unpack() {
	local from=$1 to=$2 patch
	shift 2
	mkdir -p "$to"
	tar -xzf "$from" -C "$to" --strip-components=1
	for patch in "$@"; do
		patch -d "$to" -p1 -s -E --no-backup-if-mismatch <"$patch" || die "$patch does not apply"
	done
}
