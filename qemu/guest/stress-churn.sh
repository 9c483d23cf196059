# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=busybox
#
# check-churn, ten times as long where modules load at once: 500 cycles on the
# stock kernel; where a cycle takes twelve seconds or more, as many as fit into a
# quarter of an hour, and two minutes for data races.
#
# run: -k stock --disk 128M -m 1024 -t 1800
# also: -k debug -t 2400
# also: -k kcsan -t 1800
case $(uname -r) in
*-debug) set -- 60 ;;
*-kcsan) set -- 10 ;;
*) set -- 500 ;;
esac
. /guest/check-churn.sh
