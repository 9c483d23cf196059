# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=busybox
#
# check-simdev.sh, with the device unbound and its driver unloaded a thousand times
# each, under filters, in an interrupt storm.
#
# run: -k stock --append tsc=reliable -t 3600
# also: -k debug -t 7200
set -- "${1:-1000}"
. /guest/check-simdev.sh
