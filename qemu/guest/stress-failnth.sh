# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=busybox
#
# check-failnth.sh with every allocation, however deep in the kernel it is made, and
# with all that has a way into the manager: each module's init, each file that can be
# written, a target's messages, each exported function. It prints how many allocations
# each has, and fails if one has not been tried. Hours where the machine has other
# things to do; `near` leaves it at the allocations next to our code.
#
#	qemu/run stress-failnth [near]
#
# run: -k debug --disk 64M -m 768 -t 3600 --kunit --append log_buf_len=16M
all=1
[ "${1-}" = near ] || every=1
. /guest/check-failnth.sh
