# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Sourced by the host-side scripts.

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
series=6.12
cache=${XDG_CACHE_HOME:-$HOME/.cache}/fltmgr
export LC_ALL=C
# A make that called us passes on flags that are not meant for the kernel's.
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES CDPATH

say() { echo "fltmgr: $*" >&2; }
die() { local rc=$1; shift; echo "fltmgr: $*" >&2; exit "$rc"; }

# The newest installed headers of our series, or nothing.
stock_headers() {
	local h
	for h in $(printf '%s\n' /usr/src/linux-headers-"$series".*-amd64 | sort -rV); do
		[ -e "$h/Makefile" ] && { echo "$h"; return; }
	done
}
