# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=busybox
#
# check-unload on a kernel that puts off the release of each kobject by seconds
# (DEBUG_KOBJECT_RELEASE): nothing may go before its last reference has.
#
# run: -k kobj -t 900
. /guest/check-unload.sh
