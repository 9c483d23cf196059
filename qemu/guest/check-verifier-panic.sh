# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=busybox
#
# verifier_action=panic: for who wants the machine to stop where a rule is broken.
#
# run: -k debug -t 120 --no-leak-scan --append "fltmgr.verifier=rogue fltmgr.verifier_action=panic"
# run: --expect-splat "Kernel panic - not syncing: fltmgr: violation PRE-21: filter rogue instance rogue volume vol operation [0-9a-f]+: pre-operation of READ returned 77"
VERIFIER=
. /guest/lib.sh

M=/sys/module/fltmgr/parameters
S=/sys/kernel/debug/flt_sim

step "the manager" -- insmod_all fltmgr flt_sim
step "as the kernel's command line has it" VRF-01 -- equal "$(cat $M/verifier) $(cat $M/verifier_action)" "rogue panic"
put vol $S/create
step "a filter that does it rightly" -- load flt_rogue mode=pre-unknown good=1
there() { [ -e /sys/kernel/fltmgr/filters/rogue/instances/vol.rogue ]; }
step "is attached" -- wait_for 10 there
step "does no harm" VRF-12 -- put "read 0 1024 wait" $S/vol/submit
put 0 /sys/module/flt_rogue/parameters/good
put pre-unknown /sys/module/flt_rogue/parameters/mode
panics put "read 0 1024 wait" $S/vol/submit
