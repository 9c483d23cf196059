# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=busybox
#
# The verifier: the sample filter rogue breaks each rule that it knows how to
# break, once, by real I/O on a simulated volume, and by being attached, detached
# and unloaded. There must be one report of that, of that rule, that names it, with
# stacks; and none when it does the same thing rightly.
#
# run: -k debug -t 400
# also: -k stock
. /guest/lib.sh

F=/sys/kernel/fltmgr/filters
R=$F/rogue
P=/sys/module/flt_rogue/parameters
M=/sys/module/fltmgr/parameters
D=/sys/kernel/debug/fltmgr
S=/sys/kernel/debug/flt_sim

case $(uname -r) in *-debug) debug=1 ;; *) debug= ;; esac

reports() { sed -n '1s/^# violations //p' $D/violations; }
# The last report, as a paragraph.
last() { awk -v RS= 'END { print }' $D/violations; }
are() { equal "$(reports)" "$1" || { last; return 1; }; }
there() { [ -e "$1" ]; }
gone() { [ ! -e "$1" ]; }
attached() { wait_for 10 there "$R/instances/vol.${1:-rogue}"; }
detach() {
	put 1 "$R/instances/vol.${1:-rogue}/detach"
	wait_for 10 gone "$R/instances/vol.${1:-rogue}"
}
again() { detach; put vol $R/attach; }
submit() { put "$*" $S/vol/submit; }
read_it() { submit read 0 1024 wait; }
# Nothing is with a filter or at the device.
idle() { equal "$(cat /sys/kernel/fltmgr/volumes/vol/entered)" "$(cat /sys/kernel/fltmgr/volumes/vol/left)"; }
pended() { equal "$(cat $R/instances/vol.rogue/pended)" 1; }

# What each mode needs to do what it does; whether that fails is no matter.
trip_read() { read_it; }
trip_write() { submit write 0 1024 wait; }
trip_softirq() { put softirq $S/vol/context; read_it; put process $S/vol/context; }
trip_detach() { again; }
trip_ended() { read_it; again; }
trip_below() { put 1 $S/vol/hold; submit read 0 1024; again; put 0 $S/vol/hold; put all $S/vol/release; }
trip_above() { put "vol second 45001" $R/attach; read_it; detach second; }
# The item may run after the read has ended.
trip_worker() { read_it; wait_for 10 lacks $D/references "rogue generic-item"; }
trip_cancel() {
	submit read 0 1024 wait & wait_for 10 pended
	put all $S/vol/cancel
	[ "$(cat $P/good)" = Y ] || { wait_for 10 are $((was + 1)); put 1 $R/release; }
	wait
}
trip_keep() { read_it; again; }

# reported RULE CAUSE: how the last report looks; CAUSE is what the cause did, "-" for none
reported() {
	last > /run/report
	has /run/report "^violation $1: filter rogue instance (rogue|second|-) volume (vol|-) operation ([0-9a-f]+|-): " &&
		has /run/report "^  effect, pid [0-9]+ \(" && has /run/report "^    [a-z_]+" || return
	[ "$2" != - ] || { lacks /run/report "^  cause,"; return; }
	has /run/report "^  cause, $2 by pid [0-9]+, [0-9]+ ms before:" &&
		sed '1,/^  cause/d' /run/report | grep -q '^    [a-z_.]*+0x'
}

# breaks MODE RULE TRIGGER CAUSE
breaks() {
	was=$(reports)
	put "$1" $P/mode && "trip_$3" > /dev/null 2>&1
	are $((was + 1)) && reported "$2" "$4" && wait_for 10 idle
}
# behaves MODE TRIGGER
behaves() {
	was=$(reports)
	put "$1" $P/mode && "trip_$2" > /dev/null 2>&1
	are "$was" && wait_for 10 idle
}

step "the manager, and volumes" -- insmod_all fltmgr flt_sim
put vol $S/create
put 300 $M/verifier_grace_ms
step "rogue" -- load flt_rogue mode=pre-unknown
attached
step "is verified" VRF-01 -- equal "$(cat $R/verified)" 1
modes=

# mode		rule	trip	cause	other rules
cat > /run/modes <<MODES
pre-unknown	PRE-21	read	sent	VRF-03 VRF-11a
pre-no-post	PRE-11	write	sent	VRF-03 VRF-11c
pre-context	PRE-22	read	sent	VRF-03 VRF-11d
complete-pending	PRE-12	read	sent	VRF-03 VRF-11f
change-unmarked	MOD-01	read	sent	VRF-04 VRF-11g
change-thread	OPC-05	read	sent	VRF-04 VRF-11g
change-target	OPC-06	read	sent	VRF-04 VRF-11g
change-length	MOD-01	read	sent	VRF-04 VRF-11g
atomic-call	VRF-11m	read	-	VRF-02
leave-preempt	VRF-11x	read	-
leave-irqs	VRF-11x	read	-
leave-lock	VRF-11x	read	-
leave-rcu	VRF-11x	read	-
post-unknown	VRF-11a	read	sent	VRF-03
post-more-drained	DRN-08	below	-	VRF-03 VRF-11h
dirty-late	MOD-01	read	sent	VRF-04
safe-twice	DCS-01	softirq	-
pend-not	PND-07	read	sent	VRF-11i
post-and-go	PND-21	read	sent	VRF-11j
pend-twice	PND-07	read	sent	VRF-11i
pend-illegal	PND-03	read	sent	VRF-02 VRF-11i
pend-and-go	PND-01	read	sent
pend-late	PND-07	ended	ended	VRF-11i
cancel-two-ways	CAN-01	read	handed on	VRF-11l
cancel-left	CAN-03	read	handed on
cancel-slow	VRF-14	cancel	handed on
queue-enabled	TDN-30	detach	initialised	VRF-11l
queue-foreign	CBQ-01	above	sent
drop-foreign	REF-04	read	-	VRF-05 VRF-11o
release-twice	CTX-19	detach	ended	VRF-05 VRF-11n
free-item-twice	VRF-11p	read	ended	VRF-05
free-data-twice	FIO-15	read	ended	VRF-05 VRF-11q
item-queued-twice	VRF-11p	worker	-
unregister-inside	URG-02	read	-	VRF-11u
unload-inside	UNL-13	read	-	VRF-11u
detach-inside	INV-18	detach	-
MODES

# With a volume below it, or without the other instance, there is a right way to do what these do.
right_trip() { [ "$1" = above ] && echo read || echo "$1"; }

tab=$(printf '\t')
for right in 0 1; do
	put $right $P/good
	while IFS=$tab read -r mode rule trip cause others; do
		# Only lockdep knows of locks.
		[ "$mode" = leave-lock ] && [ -z "$debug" ] && continue
		modes="$modes $mode"
		# shellcheck disable=SC2086 # ids are words
		if [ $right = 0 ]; then
			step "$mode: one report" "${rule%[a-z]}" VRF-07 VRF-11 $others -- breaks "$mode" "$rule" "$trip" "$cause"
		else
			step "$mode, done rightly: none" "${rule%[a-z]}" INV-21 -- behaves "$mode" "$(right_trip "$trip")"
		fi
	done < /run/modes
done

# --- what is kept, given back in time
for mode in leak-filter leak-volume leak-instance leak-context leak-item leak-data pend-never; do
	modes="$modes $mode"
	trip=keep
	[ $mode = pend-never ] && trip=never
	trip_never() { submit read 0 1024; wait_for 10 pended; again; }
	step "$mode, done rightly: none" VRF-06 INV-21 -- behaves $mode $trip
done
was=$(reports)
step "and unloaded" -- unload flt_rogue
step "nothing was left" VRF-06 INV-21 -- are "$was"
step "no reference is" VRF-05 -- equal "$(grep -c rogue $D/references)" 0

# --- what is kept: reported while the unload waits for it
# told RULE: the report comes while rmmod waits
told() {
	wait_for 20 are $((was + 1)) && kill -0 $rmmod && reported "$1" taken &&
		sed '1,/^  cause/d' /run/report | grep -q 'rogue_.*\[flt_rogue\]'
}
# waits MODE RULE: the unload begins; the report comes; "release" lets it end
waits() {
	local rc=0
	was=$(reports)
	load flt_rogue mode="$1" && attached && read_it || return
	/usr/sbin/rmmod flt_rogue & rmmod=$!
	told "$2" || rc=1
	put 1 $R/release && wait $rmmod && are $((was + 1)) && return $rc
}
# leaves MODE RULE: the unload does not wait; the module's exit gives it back, which is in time without the knob
leaves() {
	was=$(reports)
	load flt_rogue mode="$1" && attached && read_it && unload flt_rogue && are "$was" || return
	load flt_rogue mode="$1" && attached && read_it && put 1 $R/unload || return
	are $((was + 1)) && reported "$2" taken && has /run/report "after its unload" && unload flt_rogue &&
		are $((was + 1))
}
step "leak-filter: rmmod waits for it, and says so" REF-08 VRF-06 VRF-11o -- waits leak-filter REF-08
step "leak-instance: likewise" REF-09 VRF-06 VRF-11o -- waits leak-instance REF-09
step "leak-context: likewise" CTX-46 VRF-06 VRF-11n -- waits leak-context CTX-46
step "leak-data: likewise" FIO-15 VRF-06 VRF-11q -- waits leak-data FIO-15
step "leak-volume: reported when it is unloaded" REF-10 VRF-06 VRF-11o -- leaves leak-volume REF-10
step "leak-item: likewise" WRK-12 VRF-06 VRF-11p -- leaves leak-item WRK-12

# --- unloading
rightly() { load flt_rogue mode="$1" good=1 && attached && unload flt_rogue && are "$was"; }
was=$(reports)
for mode in forget-exit forget-unload refuse-late fail-init; do
	modes="$modes $mode"
	case $mode in refuse-late) rule=UNL-09 ;; *) rule=UNL-10 ;; esac
	step "$mode, done rightly: none" $rule INV-21 -- rightly $mode
	begin() { if [ $mode = fail-init ]; then refuses load flt_rogue mode=fail-init; else load flt_rogue mode=$mode; fi; }
	step "$mode" -- begin
	[ $mode = fail-init ] || attached
	case $mode in
	refuse-late) step "... unloaded by the knob" -- put 1 $R/unload ;;
	esac
	[ $mode = fail-init ] || step "... and by rmmod" -- unload flt_rogue
	was=$((was + 1))
	step "... one report" $rule VRF-07 VRF-11t -- are $was
	step "... that says so" $rule -- reported $rule -
done

# --- a read that is never completed
step "pend-never" -- load flt_rogue mode=pend-never
attached
submit read 512 1024
step "a read is pended" -- wait_for 10 pended
was=$(reports)
/usr/sbin/rmmod flt_rogue & rmmod=$!
draining() { equal "$(cat $R/instances/vol.rogue/state)" draining; }
step "rmmod waits for it" TDN-21 -- wait_for 10 draining
step "it is reported after a while" TDN-30 VRF-06 -- wait_for 20 are $((was + 1))
step "with who pended it" TDN-30 VRF-11k -- reported TDN-30 sent
has_teardown() { has /run/report "1 operations pended, [0-9]+ ms after teardown_start"; }
step "and for how long" TDN-30 -- has_teardown
step "and rmmod waits on" TDN-21 -- kill -0 $rmmod
log "$(cat $D/outstanding)"
step "who has it, and where it was pended" FKD-05 -- has $D/outstanding \
	'^vol rogue rogue READ [0-9a-f]+ [0-9]+ [0-9]+ "[^"]+" rogue_pre \[flt_rogue\] 0x[0-9a-f]+$'
stack=$(awk '$2 == "rogue" { print $NF }' $D/outstanding)
submitter() { sed -n "/^stack $stack /,/^stack/p" $D/stacks | grep -q 'flt_sim'; }
step "and who sent it" FKD-05 -- submitter
step "fltmc says all that, too" FKD-05 FMC-01 -- sh -c \
	"fltmc outstanding | grep -qE '^vol +rogue +rogue +READ +[0-9]+ +[0-9]+ +pended by pre-operation +rogue_pre'"
step "once" TDN-30 -- are $((was + 1))
step "it is told to complete it" -- put 1 $R/release
step "and rmmod ends" TDN-21 FKD-05 -- wait $rmmod
step "nothing is outstanding" INV-01 -- refuses has $D/outstanding '^[^#]'

# --- every mode has had its turn
load flt_rogue mode=veto
tried() {
	local mode rest
	while read -r mode rest; do
		case "$modes no-unload no-stop no-query veto " in *" $mode "*) ;; *) echo "$mode was not tried"; return 1 ;; esac
	done < $R/modes
}
modes="$modes leave-lock "
step "every mode was tried; check-unload and check-pinned have the others" -- tried
step "a mode that is none" -- expect_errno EINVAL put nonsense $P/mode
step "a mode that is for loading" -- expect_errno EBUSY put no-unload $P/mode
unload flt_rogue

. /guest/verifier-switch.sh
VIOLATIONS=$(reports)
put vol $S/destroy
VERIFIER=$(cat $M/verifier)
step "everything goes" -- wait_for 20 rmmod_all
finish
