# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=busybox
#
# check-churn, ten times as long.
#
# run: -k debug --disk 128M -m 1024 -t 5400
# also: -k stock -t 1800
# also: -k kcsan -t 5400
set -- 500
. /guest/check-churn.sh
