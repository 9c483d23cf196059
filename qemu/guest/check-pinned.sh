# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=busybox
#
# A filter without an unload callback can never be unloaded, by nobody.
#
# run: -k debug -t 120 --pinned flt_rogue,fltmgr
. /guest/lib.sh

filters=/sys/kernel/fltmgr/filters

step "the filter loads" -- insmod_all fltmgr
step "without an unload callback" -- load flt_rogue mode=no-unload
step "rmmod is refused" REG-15 UNL-06 -- expect_errno EBUSY rmmod flt_rogue
step "the optional unload, too" REG-15 UNL-06 -- expect_errno EBUSY put 1 $filters/rogue/unload
step "it works as before" INV-10 -- equal "$(cat $filters/rogue/state)" filtering
finish
