# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=busybox
#
# check-edu.sh, with the device unbound and the driver unloaded a thousand times each.
#
# run: -k stock --device edu --device edu -t 3600
# also: -k debug -m 512 -t 7200
set -- "${1:-1000}"
. /guest/check-edu.sh
