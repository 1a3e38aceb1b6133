# SPDX-License-Identifier: GPL-2.0-or-later
#
# What the scripts here have in common. They are sourced with their name in $0.

set -euo pipefail
export LC_ALL=C

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${UKLEMU_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/uklemu}

# Progress goes to standard error: what a script answers is on standard output.
say() { printf '%s: %s\n' "$(basename "$0" .sh)" "$*" >&2; }
die() {
	say "$@"
	exit 1
}

# at_least FOUND WANTED compares versions such as 1.26.8.
at_least() { [ "$(printf '%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]; }
