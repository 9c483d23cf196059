# SPDX-License-Identifier: GPL-2.0-only
# Runs the scenarios of qemu/probe_mod/trace.c for the plugin, and leaves on
# /dev/vda what bench/trace.py needs to name addresses: the results of the
# module, and all symbols. Two CPUs: on one, the kernel patches out lock prefixes.
#
# run: -k stock -c 2 --disk 16M --no-leak-scan --append nokaslr --boot-time 400 -t 600
. /guest/lib.sh

step "the scenarios" -- insmod_all fltmgr
step "are run" -- load flt_probe what=trace
{ cat /sys/module/flt_probe/parameters/results; cat /proc/kallsyms; echo end; } > /run/symbols
step "the module has results" -- has /run/symbols '^scenario 0 '
step "symbols are shown" -- has /run/symbols '^ffffffff[0-9a-f]+ . flt_dispatch'
step "they are saved" -- dd if=/run/symbols of=/dev/vda bs=1M conv=fsync
step "its module goes" -- wait_for 5 unload flt_probe
step "nothing is left" -- rmmod_all
finish
