# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=busybox
#
# check-globals.sh, with all notify routines removed and set 1,000 times in a storm of
# processes, and 100 rmmods.
#
# run: -k debug -t 3000
# also: -k stock
# also: --thread multi
set -- 1000
. /guest/check-globals.sh
