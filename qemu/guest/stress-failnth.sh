# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=busybox
#
# check-failnth.sh with every allocation, however deep in the kernel it is made.
#
# run: -k debug --disk 64M -m 768 -t 2400
every=1
. /guest/check-failnth.sh
