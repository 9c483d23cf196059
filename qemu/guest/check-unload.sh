# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=busybox
#
# Unloading filters as users do: rmmod, the sysfs knob, both at once, under
# I/O, and filters that refuse or forget.
#
# run: -k debug -t 400
VIOLATIONS=4	# of the filters that forget, or refuse too late
. /guest/lib.sh

filters=/sys/kernel/fltmgr/filters
sim=/sys/kernel/debug/flt_sim

gone() { [ ! -e "$filters/$1" ] && ! loaded "flt_$1"; }

step "modules load" -- insmod_all flt_sim
step "a volume" -- put v $sim/create

# UNL-02, UNL-05: rmmod while attached
step "passthrough attaches by itself" STA-01 STA-06 -- insmod_all flt_passthrough
step "it is on the volume" -- test -e /sys/kernel/fltmgr/volumes/v/stack/passthrough
step "rmmod while it is attached" UNL-02 UNL-05 TDN-42 -- rmmod flt_passthrough
step "nothing is left of it" UNL-11 UNL-12 -- gone passthrough
step "again at once: the name and the altitude are free" LOD-04 -- insmod_all flt_passthrough

# UNL-01: the optional unload leaves the module, harmless
step "the sysfs knob" UNL-01 UNL-03 UNL-17 -- put 1 $filters/passthrough/unload
dir_gone() { [ ! -e "$filters/passthrough" ]; }
step "its directory goes" -- wait_for 10 dir_gone
step "the module stays" -- loaded flt_passthrough
step "rmmod then has nothing to do" -- rmmod flt_passthrough

# UNL-04, UNL-19: refusal, and asked again
step "delay that refuses" -- load flt_delay refuse=1
step "refuses the optional unload" UNL-04 SEV-02 -- expect_errno EBUSY put 1 $filters/delay/unload
step "and works as before" UNL-19 INV-10 -- equal "$(cat $filters/delay/state)" filtering
step "refuses it again" UNL-19 -- expect_errno EBUSY put 1 $filters/delay/unload
step "cannot refuse rmmod" UNL-05 -- rmmod flt_delay
step "and is gone" -- gone delay

# UNL-15: two requests, and rmmod meanwhile
step "passthrough once more" -- insmod_all flt_passthrough
unload_twice() {
	local ok=0 n=0
	for i in 1 2 3 4; do
		{ echo 1 > $filters/passthrough/unload; } 2> /dev/null && echo ok >> /run/unloads &
	done
	wait
	[ "$(grep -c ok /run/unloads)" = 1 ]
}
: > /run/unloads
step "of four unloads at once one wins" UNL-15 -- unload_twice
step "rmmod" -- rmmod flt_passthrough

# A load and unload loop while something else is attached
cycle() {
	local i
	for i in 1 2 3 4 5 6 7 8; do
		insmod_all flt_passthrough && insmod_all flt_null && rmmod flt_passthrough && rmmod flt_null || return
	done
}
step "eight rounds of two filters" INV-21 LOD-04 -- cycle

# detach from many processes at once, held open across the detach
step "null attaches" -- insmod_all flt_null
exec 9> $filters/null/instances/v.null/detach
many() {
	: > /run/detached
	for i in 1 2 3 4 5 6 7 8; do
		{ echo 1 > $filters/null/instances/v.null/detach; } 2> /dev/null && echo ok >> /run/detached &
	done
	wait
	[ "$(grep -c ok /run/detached)" = 1 ]
}
step "of eight detaches at once one wins" DET-05 -- many
step "the file held open says that it is gone" -- refuses sh -c 'echo 1 >&9'
exec 9>&-
step "attached again" -- put v $filters/null/attach
step "rmmod with a file held open" -- sh -c "exec 9< $filters/null/instances/v.null/state; /usr/sbin/rmmod flt_null"

# filters that misbehave
step "a filter whose init fails after it was started" LOD-03 UNL-16 -- refuses insmod /modules/flt_rogue.ko mode=fail-init
step "... is unregistered by force, and reported" LOD-03 -- said 'violation UNL-10: filter rogue .*module flt_rogue goes'
step "... and is gone" LOD-03 -- gone rogue
mark
step "a filter whose exit forgets it" -- load flt_rogue mode=forget-exit
step "... rmmod" -- rmmod flt_rogue
step "... is unregistered by force, and reported" UNL-10 -- said 'violation UNL-10: filter rogue .*module flt_rogue goes'
step "... and is gone" UNL-10 -- gone rogue
mark
step "a filter that agrees without unregistering" -- load flt_rogue mode=forget-unload
step "... by the sysfs knob" -- put 1 $filters/rogue/unload
step "... is unregistered by force, and reported" UNL-10 -- said 'violation UNL-10: filter rogue .*without unregistering'
step "... rmmod" UNL-10 -- rmmod flt_rogue
mark
step "a filter that refuses when it is too late" -- load flt_rogue mode=refuse-late
step "... by the sysfs knob" UNL-09 -- put 1 $filters/rogue/unload
step "... is reported" UNL-09 -- said 'violation UNL-09: filter rogue'
step "... rmmod" -- rmmod flt_rogue

step "a filter without query_teardown" -- load flt_rogue mode=no-query
step "... cannot be detached" REG-17 DET-04 TDN-04 -- expect_errno EBUSY put 1 $filters/rogue/instances/v.rogue/detach
step "... but unloaded" TDN-01 DET-08 -- rmmod flt_rogue
step "a filter that vetoes" -- load flt_rogue mode=veto
step "... has no instance" ATT-08 SEV-02 -- equal "$(ls $filters/rogue/instances)" ""
step "... and says so to who asks" ATT-08 ATT-15 -- expect_errno ECONNREFUSED put v $filters/rogue/attach
step "... rmmod" -- rmmod flt_rogue

# REG-11, UNL-07: rmmod says EBUSY, the optional unload works and drops the pin
step "a filter that does not support service stop" -- load flt_rogue mode=no-stop
step "... rmmod is refused" REG-11 UNL-07 -- expect_errno EBUSY rmmod flt_rogue
step "... and it works as before" UNL-07 -- equal "$(cat $filters/rogue/state)" filtering
step "... the optional unload works" REG-11 UNL-07 -- put 1 $filters/rogue/unload
step "... rmmod" REG-11 -- rmmod flt_rogue

step "the volume goes" -- put v $sim/destroy
# The volume's kobject has the module until it is released.
free() { unload flt_sim; }
step "its provider goes" -- wait_for 20 free
step "and the manager, which has reported just those" INV-21 -- unload fltmgr
finish
