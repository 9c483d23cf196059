# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=busybox
#
# check-replay under KASAN and lockdep, where the checks of the file system take a
# minute.
#
# run: -k debug --disk 32M --disk 256M -m 1024 -t 600
. /guest/check-replay.sh
