# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=busybox
#
# The rest of stress-failnth: the other modules, what is written to files and told
# to targets, the manager's functions (in KUnit suites), one table of it all, and
# whether anything is missing in that.

D=/sys/kernel/debug
P=/sys/module/fltmgr/parameters

# --- modules
near 10
step "drivers' resources" -- each wdm 1 "" insmod /modules/wdm.ko
insmod_all wdm flt_sim
# Deeper, a bus takes a link in sysfs that cannot be made for a wrong argument.
depth 6
step "a driver, and its simulated device" -- each simdev 10 "" insmod /modules/simdev.ko issuers=0
step "a driver" -- each edu 1 "" insmod /modules/edu.ko
put vol $S/create
depth 32
near 10
step "a filter with resources" REG-06 REG-08 -- each flt_globals 10 "" insmod /modules/flt_globals.ko
for m in flt_null flt_passthrough2 flt_passthrough3 flt_dm_test; do
	[ "$m" != flt_dm_test ] || insmod_all flt_dm
	step "$m, with a volume to attach to" REG-06 REG-08 -- each $m 10 "" insmod /modules/$m.ko
done
step "rogue, which can be unloaded" REG-06 REG-08 -- \
	each flt_rogue 10 "" insmod /modules/flt_rogue.ko "mode=pend-never good=1"

# --- what is written, and told
insmod_all flt_passthrough
step "a second instance" -- put "vol second 1000" $F/passthrough/attach
step "detaching through sysfs" -- each "sysfs detach" 0 "echo vol second 1000 > $F/passthrough/attach" \
	sh -c "echo 1 > $F/passthrough/instances/vol.second/detach"
step "which goes" -- put 1 $F/passthrough/instances/vol.second/detach
step "unloading through sysfs" -- each "sysfs unload" 1 "rmmod flt_passthrough; insmod /modules/flt_passthrough.ko" \
	sh -c "echo 1 > $F/passthrough/unload"
step "how soon a slow teardown is told" -- each "parameter slow_teardown_ms" 0 "" \
	sh -c "echo 10000 > $P/slow_teardown_ms"
step "who is verified" -- each "parameter verifier" 0 "" sh -c "echo 0 > $P/verifier"
step "some are" -- each "parameter verifier, a list" 0 "echo 0 > $P/verifier" \
	sh -c "echo null > $P/verifier"
step "how long an instance may stay" -- each "parameter verifier_grace_ms" 0 "" \
	sh -c "echo 300 > $P/verifier_grace_ms"
step "what is outstanding" -- each "debugfs outstanding" 1 "" cat $D/fltmgr/outstanding
step "an operation of a simulated volume" -- each "flt_sim submit" 1 "" sh -c "echo read 0 4096 wait > $S/vol/submit"
put vol $S/destroy

insmod_all flt_dm
step "a table for messages" -- dmsetup create vol0 --table "$(table vol0)"
step "message cancel" -- each "dmsetup message, cancel" 0 "" dmsetup message vol0 0 cancel
step "message timeout" -- each "dmsetup message, timeout" 0 "" dmsetup message vol0 0 timeout 0
step "its status" -- each "dmsetup status" 0 "" dmsetup status vol0
dmsetup remove vol0
step "all that goes" -- rmmod_all

# --- the manager's functions
load kunit || fail "no kunit module"
for suite in $(grep '^fltmgr_failnth' /guest/suites); do
	insmod_all flt_sim || fail "our modules do not load"
	report "KUNIT-BEGIN $suite"
	load "$suite" || report "STEP not ok - $suite does not load"
	report "KUNIT-END $suite"
	unload "$suite" || report "STEP not ok - $suite does not unload"
	dmesg | sed -n 's/.*\] fltmgr: fail-nth: \(.*\): \([0-9]*\)$/\2 \1/p' >> $totals
	rmmod_all || fail "our modules do not unload after $suite"
done
unload kunit

# --- the table: the most that there were, of each
sort -k2 -k1,1nr $totals | awk '{ n = $1; sub(/^[0-9]+ /, ""); if (!($0 in seen)) print n, $0; seen[$0] = 1 }' > /run/table
while read -r n name; do
	bench "$(printf 'fail-nth: %5d  %s' "$n" "$name")"
done < /run/table
bench "fail-nth: $(awk '{ n += $1; z += !$1 } END { print n " points at " NR - z " entries; " z " ask for no memory" }' /run/table)"
cut -d' ' -f2- /run/table | sed 's/,.*//' | sort -u > /run/entries

# The manager's exports, but not those that are for tests only.
awk -F'\t' '$3 ~ "kmod/fltmgr/fltmgr$" && $5 == "" { print $2 }' /guest/symvers | sort > /run/exports
missing() {	# FILE: what is there and not in the table
	[ -s "$1" ] || return
	grep -vxFf /run/entries "$1" || return 0
	echo "not in the table"
	return 1
}
step "each of $(wc -l < /run/exports) exported functions is in the table" -- missing /run/exports
grep -vE '^fltmgr_|^wdm_|^qemu_|^flt_(bench|probe|torture[123]?)$' /guest/modules > /run/loadable
step "so is each of $(wc -l < /run/loadable) modules" -- missing /run/loadable
