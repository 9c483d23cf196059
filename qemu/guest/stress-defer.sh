# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=busybox
#
# check-defer under KASAN and lockdep: minutes, since swap is slow there.
#
# run: -k debug --disk 64M -m 512 -t 900
. /guest/check-defer.sh
