# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=busybox
#
# Modules that are loaded, volumes that are made and filters that are attached
# while memory is short: each allocation of theirs fails once, in the process
# that asks for it. The command fails for want of memory or does without, and
# nothing is left of it. The public entries, one by one: fltmgr_failnth_test.c
# and the others of that name; all in one run and one table: stress-failnth.sh.
#
# What counts: slab and page allocations with a module's code on the stack, so not
# those of exec, of the module loader, or of dm before it calls the target. Here it
# must be among the callers next to the allocation, as many as are needed for a
# failure at least of each function of the kernel's that is called for something new
# (see `near`). In stress-failnth.sh each allocation inside those fails, too.
#
# run: -k debug --disk 64M -m 768 -t 400
VERIFIER=0	# which has its own allocations, and does without
. /guest/lib.sh

every=${every:-}	# each allocation, however deep
all=${all:-}	# each way in
. /guest/failnth.sh

F=/sys/kernel/fltmgr/filters
S=/sys/kernel/debug/flt_sim
table() { echo "0 65536 flt /dev/vda 0 $1"; }

step "allocations can fail" -- prepare
put 1 /sys/kernel/rcu_expedited	# each load and unload waits for readers
# Queues, caches and ksets.
near 6
step "loading the manager" -- each fltmgr 20 "" insmod /modules/fltmgr.ko
insmod_all fltmgr
step "a simulated volume's module" -- each flt_sim 1 "" insmod /modules/flt_sim.ko
step "the target's module" -- each flt_dm 1 "" insmod /modules/flt_dm.ko

insmod_all flt_sim
step "a simulated volume" -- each "flt_sim create" 3 "echo vol > $S/destroy" sh -c "echo vol > $S/create"
put vol $S/create
# Files.
near 10
step "filter cancelsafe, with a volume to attach to" REG-06 REG-08 -- \
	each flt_cancelsafe 10 "" insmod /modules/flt_cancelsafe.ko
step "delay, with a thread" REG-06 REG-08 -- \
	each flt_delay 10 "" insmod /modules/flt_delay.ko agent=kthread
[ -z "$all" ] || step "passthrough" REG-06 REG-08 -- \
	each flt_passthrough 10 "" insmod /modules/flt_passthrough.ko
put vol $S/destroy
step "swapbuffers, which asks to stay" REG-06 REG-08 -- \
	each flt_swapbuffers 5 "echo 1 > $F/swapbuffers/unload" insmod /modules/flt_swapbuffers.ko
unload flt_sim

insmod_all flt_dm
step "a table that is live" -- dmsetup create old --table "$(table old)"
near 7
step "the target's constructor, while its table is live" -- \
	each "dmsetup load" 5 "dmsetup clear old" dmsetup load old --table "$(table old)"
dmsetup remove old
insmod_all flt_passthrough
# Names.
near 9
step "a mapped device, its volume and the offer to a filter" -- \
	each "dmsetup create" 10 "dmsetup remove vol0" dmsetup create vol0 --table "$(table vol0)"
step "made without failures" -- dmsetup create vol0 --table "$(table vol0)"
step "attached" -- wait_for 5 test -d $F/passthrough/instances/vol0.passthrough
near 6
step "attaching through sysfs" -- \
	each attach 5 "echo 1 > $F/passthrough/instances/vol0.second/detach" \
	sh -c "echo vol0 second 1000 > $F/passthrough/attach"
step "read through it all" -- dd if=/dev/mapper/vol0 of=/dev/null bs=64k count=1
dmsetup remove vol0
[ -z "$all" ] || . /guest/failnth-more.sh
step "no complaints" -- refuses said "violation [A-Z]"
step "nothing is left" -- rmmod_all
finish
