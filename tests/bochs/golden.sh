#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Runs the cases on Bochs and writes what it does to testdata:
#
#	golden.sh [--check] [GROUP...]
#
# With --check nothing is written, and the status is 1 if anything would be.
# Needs python3 with pip, cc and GNU as.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
folder=$("$here/install.sh")
check=()
if [ "${1-}" = --check ]; then
	check=(--check)
	shift
fi
PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=$folder/python LD_PRELOAD=$folder/shim.so \
	exec python3 "$here/oracle/golden.py" "${check[@]}" "$here/testdata" "$@"
