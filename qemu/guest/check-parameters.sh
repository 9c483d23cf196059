# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=busybox
#
# Hostile input: every parameter of the modules, with whatever does not belong there.
# A load that fails leaves nothing: all of /sys/kernel/fltmgr is as it was before.
#
# (On the distribution's kernel: on the debug kernel loading a module takes a second.)
#
# run: -k stock -t 300
. /guest/lib.sh

S=/sys/kernel/debug/flt_sim

insmod_all flt_sim
put vol $S/create
remember
loads_not() {	# ERRNO MODULE PARAMETER...
	expect_errno "$@" && same && ! loaded "$3"
}
long=$(printf '%256s' '' | tr ' ' x)
for bad in name= name=. name=.. name=a/b name="$long" altitude= altitude=abc altitude=-1 altitude=1.2.3 \
	altitude=. altitude=0x10 altitude=1e5 post=2 post=maybe post=-1 post=; do
	step "passthrough ${bad%"${long#x}"}" REG-04 REG-08 -- loads_not EINVAL load flt_passthrough "$bad"
done
step "passthrough, a name of more than a page" -- \
	loads_not ENOSPC load flt_passthrough "name=$long$long$long$long$long"
step "passthrough, any other parameter is none" -- load flt_passthrough nonsense=1
unload flt_passthrough
for bad in ops= ops=readwrite ops=READ ms=-1 ms= ms=x ms=1.5 hold=2 hold=x mode= mode=prepost answer=no \
	answer= agent=softirq agent=; do
	step "delay $bad" -- loads_not EINVAL load flt_delay "$bad"
done
step "delay ms=4294967296" -- loads_not ERANGE load flt_delay ms=4294967296
for bad in ms=-1 ms= ms=x hold=2 hold=x hold=; do
	step "cancelsafe $bad" -- loads_not EINVAL load flt_cancelsafe "$bad"
done
step "cancelsafe ms=4294967296" -- loads_not ERANGE load flt_cancelsafe ms=4294967296
for bad in key= key=x key=-1 key=1.5 detach=2 detach=x; do
	step "swapbuffers $bad" -- loads_not EINVAL load flt_swapbuffers "$bad"
done
step "swapbuffers key=256" -- loads_not ERANGE load flt_swapbuffers key=256
step "a name that is taken" REG-03 -- load flt_passthrough name=null
remember
step "... in other letters" -- expect_errno EEXIST load flt_passthrough2 name=NULL
step "... and nothing is left" REG-08 -- same
unload flt_passthrough
put vol $S/destroy
step "none of that broke a rule" INV-21 -- unload flt_sim fltmgr
for bad in -1 x 1.5 4294967296 ""; do
	step "fltmgr slow_teardown_ms=$bad" -- \
		expect_errno "$([ "$bad" = 4294967296 ] && echo ERANGE || echo EINVAL)" \
		load fltmgr "slow_teardown_ms=$bad"
done
finish
