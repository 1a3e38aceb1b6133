#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Installs those Debian packages that are missing, as root or with sudo, without
# a question:
#
#	packages.sh PACKAGE...
#
# Where there is no apt-get it does nothing: what is missing says so itself.
. "$(dirname "$0")/lib.sh"

command -v apt-get >/dev/null && command -v dpkg-query >/dev/null || exit 0

missing=()
for package in "$@"; do
	dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done
[ ${#missing[@]} != 0 ] || exit 0

as_root=()
if [ "$(id -u)" != 0 ]; then
	command -v sudo >/dev/null || die "missing: ${missing[*]}; neither root nor sudo is here to install them"
	as_root=(sudo)
fi

log=$cache/log/apt.log
mkdir -p "$(dirname "$log")"

# Another apt-get may be at work, as Ubuntu's are after a start: wait for it.
apt() {
	"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
		apt-get -y -o DPkg::Lock::Timeout=600 -o Acquire::Retries=3 "$@" </dev/null >>"$log" 2>&1
}

say "installing ${missing[*]}"
: >"$log"
apt install --no-install-recommends "${missing[@]}" && exit 0
# The lists are not there yet, as in a container, or so old that the packages have gone.
say "asking for newer package lists"
apt update || true
apt install --no-install-recommends "${missing[@]}" && exit 0
tail -n 5 "$log" >&2
die "apt-get could not install ${missing[*]}; all of it is in $log"
