# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=busybox
#
# Torture: actors that do what comes to their mind for a while, in rounds, and a
# model that predicts every count; see Documentation/torture.rst. Read by
# check-torture.sh and stress-torture.sh after lib.sh.
#
# A round loads everything, tortures it, and unloads everything. Each has a seed of
# its own, SEED and one more each time; with an odd one the verifier is on. To have a
# round again: that seed.
#
# An actor that sees what may not happen says so in $wrong.

F=/sys/kernel/fltmgr/filters
V=/sys/kernel/fltmgr/volumes
T=/sys/kernel/debug/flt_torture
wrong=/run/torture.wrong
stopping=/run/torture.stop

# roll N: the next number of an actor's own sequence, below N, in $r
roll() {
	x=$(((x * 1103515245 + 12345) & 0x7fffffff))
	r=$(((x >> 16) % $1))
}
# actor NUMBER FUNCTION: in the background, with a sequence of its own
actor() {
	local number=$1
	shift
	(
		x=$(((seed * 7919 + number * 104729) & 0x7fffffff))
		while [ ! -e $stopping ]; do "$@"; done
	) > /run/actor.$number 2>&1 < /dev/null &
	actors="$actors $!"
}
it_is_wrong() { echo "$* (seed $seed)" >> $wrong; }
nap() {
	roll "${1:-300}"
	usleep $((r * 1000))
}

# Filters come and go, by rmmod or by the knob first, which may be refused.
act_load() {
	local f
	nap 1000
	roll 3
	f=torture$((r + 1))
	roll 4
	if ! loaded flt_$f; then
		load flt_$f 2> /run/load.err || it_is_wrong "insmod flt_$f: $(cat /run/load.err)"
		return
	fi
	[ $r -gt 1 ] || echo 1 > $F/$f/unload
	nap 100
	rmmod flt_$f 2> /run/rmmod.err || has /run/rmmod.err "temporarily unavailable|in use" ||
		it_is_wrong "rmmod flt_$f: $(cat /run/rmmod.err)"
}

# Everything is read.
act_read() {
	local f
	find /sys/kernel/fltmgr -type f | while read -r f; do
		[ ! -e $stopping ] || break
		cat "$f"
	done
	cat /sys/kernel/debug/fltmgr/* $T/books
	dmsetup status
	nap
}

# Nonsense is written, and good requests among it.
act_write() {
	local f text
	roll 9
	case $r in
	0) text="" ;;
	1) text=0 ;;
	2) text="tblock torture 1.2.3" ;;
	3) text="nowhere" ;;
	4) text="theld - -1" ;;
	5) text="tblock/.." ;;
	6) text="$(head -c 5000 /dev/zero | tr '\0' 9)" ;;
	7) text="1 1" ;;
	8) text="tatonce x $x y" ;;
	esac
	for f in $F/torture*/attach $F/torture*/unload $F/torture*/instances/*/detach; do
		[ ! -e $stopping ] || return
		[ -e "$f" ] || continue
		! echo "$text" > "$f" || it_is_wrong "'$text' was accepted by $f"
	done
	for f in $F/torture*/attach; do
		[ -e "$f" ] || continue
		roll 90000
		echo "fvol x$((r % 4)) $r" > "$f"
	done
	for f in $F/torture*/instances/fvol.*/detach; do
		[ ! -e $stopping ] || return
		roll 2
		[ ! -e "$f" ] || [ $r = 0 ] || echo 1 > "$f"
	done
	nap
}

# The device under test is suspended, gets another table, and is cancelled.
act_dm() {
	nap 500
	roll 5
	case $r in
	0) dmsetup suspend tblock && nap 50 && dmsetup resume tblock ;;
	1) dmsetup suspend --noflush tblock && nap 50 && dmsetup resume tblock ;;
	2) dmsetup load tblock --table "$table" && dmsetup suspend tblock && dmsetup resume tblock ;;
	3) dmsetup message tblock 0 cancel ;;
	4) dmsetup load tblock --table "$table" && dmsetup clear tblock ;;
	esac || it_is_wrong "dmsetup, $r"
}

# Readers of a volume, killed in the middle.
act_kill() {
	local readers=
	for n in 1 2 3; do
		/bin/dd if=/dev/mapper/fvol of=/dev/null bs=16k iflag=direct &
		readers="$readers $!"
	done
	nap 300
	# shellcheck disable=SC2086 # words
	kill -9 $readers
	# shellcheck disable=SC2086
	wait $readers
}

# Written and verified, direct or through the page cache, in a group that has little memory.
act_fio() {
	roll 2
	sh -c 'echo $$ > /run/cg/small/cgroup.procs; exec fio --name=v --filename=/dev/mapper/fvol --rw=randrw --bsrange=4k-32k \
		--size=1M --ioengine=libaio --iodepth=8 --verify=crc32c --verify_fatal=1 --direct='$r > /run/fio.out 2>&1 ||
		it_is_wrong "fio: $(grep -iE 'error|verify' /run/fio.out | head -3)"
	fios=$((fios + 1))
	echo $fios > /run/fios
}

# A volume that comes and goes while it is read.
act_mount() {
	dmsetup create gvol --table "0 8192 flt /dev/vda 32768 gvol" || it_is_wrong "gvol does not come"
	/bin/dd if=/dev/mapper/gvol of=/dev/null bs=4k count=50 iflag=direct & reader=$!
	nap 200
	kill -9 $reader
	wait $reader
	dmsetup remove --retry gvol || it_is_wrong "gvol does not go"
}

act_cpu() {
	nap 2000
	echo 0 > /sys/devices/system/cpu/cpu1/online || it_is_wrong "CPU 1 does not go"
	nap 500
	echo 1 > /sys/devices/system/cpu/cpu1/online || it_is_wrong "CPU 1 does not come"
}

there() { [ -e "$1" ]; }
witnessed() { wait_for 20 there "$V/$1/stack/top" && wait_for 20 there "$V/$1/stack/bottom"; }

# --- a round

low="0 1600 linear /dev/nullb0 0
1600 64 error
1664 384 linear /dev/nullb0 1664"
table="0 2048 flt /dev/mapper/tlow 0 tblock"

set_up() {
	rm -f $wrong $stopping
	actors= fios=0
	load fltmgr verifier_grace_ms=60000 && insmod_all flt_dm flt_sim &&
		load flt_torture seed=$seed bad_first=200 bad_blocks=8 &&
		load null_blk nr_devices=1 queue_mode=2 irqmode=2 completion_nsec=20000 memory_backed=1 discard=1 gb=1 &&
		echo "$low" | dmsetup create tlow &&
		dmsetup create tblock --table "$table" &&
		dmsetup create fvol --table "0 16384 flt /dev/vda 0 fvol" &&
		witnessed tblock && witnessed fvol
}
cgroup() {
	mkdir -p /run/cg
	grep -q ' /run/cg ' /proc/mounts || mount -t cgroup2 none /run/cg || return
	echo +memory > /run/cg/cgroup.subtree_control && mkdir -p /run/cg/small &&
		echo 24M > /run/cg/small/memory.high
}
play() {
	local end
	end=$(($(cut -d. -f1 /proc/uptime) + $1))
	while [ "$(cut -d. -f1 /proc/uptime)" -lt $end ] && [ ! -s $wrong ] && ! grep -q wrong $T/verdict; do sleep 1; done
	touch $stopping
	# shellcheck disable=SC2086 # words
	wait $actors
	[ ! -s $wrong ] || { cat $wrong; return 1; }
}
filters_go() {
	local f
	for f in 3 1 2; do
		! loaded flt_torture$f || wait_for 20 rmmod flt_torture$f || return
	done
}
book() { awk -v n="$1" '$1 == n { print $2 }' $T/books; }
balanced() {
	cat $T/verdict
	grep -q '^ok$' $T/verdict
}
quiet() { equal "$(cat $V/$1/entered)" "$(cat $V/$1/left)"; }
entered() { quiet tblock && equal "$(cat $V/tblock/entered)" $(($(book tblock.top_pre) + $(book tblock.own))); }
# Enough to mean something: COUNT LEAST
at_least() { [ "$(book "$1")" -ge "$2" ] || { echo "$1 $(book "$1"), not $2"; return 1; }; }
summary() {
	local n all=
	for n in "$@"; do all="$all $n $(book "$n")"; done
	log "$all"
}
tear_down() {
	dmsetup remove tblock && dmsetup remove fvol && dmsetup remove tlow && rmmod null_blk &&
		rmmod flt_torture && rmmod flt_sim && rmmod flt_dm && unload fltmgr
}

# torture SECONDS: one round
torture() {
	[ $((seed % 2)) = 1 ] && VERIFIER=1 || VERIFIER=0
	log "seed $seed verifier $VERIFIER"
	step "seed $seed, verifier $VERIFIER: everything is loaded" -- set_up || return
	cgroup
	echo "start /dev/mapper/tblock" > $T/control || fail "torture does not start"
	actor 1 act_load
	actor 2 act_read
	actor 3 act_write
	actor 4 act_dm
	actor 5 act_kill
	actor 6 act_mount
	actor 7 act_cpu
	actor 8 act_fio
	step "seed $seed: $1 s of torture" INV-01 INV-02 INV-03 INV-04 INV-06 INV-07 INV-14 INV-15 -- play "$1"
	step "seed $seed: the issuers stop" INV-01 -- put stop $T/control
	step "seed $seed: the filters go" INV-05 -- filters_go
	step "seed $seed: every count is as predicted" INV-01 INV-11 INV-12 INV-16 -- balanced
	step "seed $seed: what entered has left" INV-01 -- entered
	step "seed $seed: and of the other volume" INV-01 -- wait_for 10 quiet fvol
	summary theld.issued tatonce.issued tchurn.issued tblock.issued tblock.failed tblock.verified
	summary torture1.pre torture1.drained torture1.by_cancel torture1.own torture1.torn torture1.contexts
	log "fio $(cat /run/fios)"
	step "seed $seed: everything is unloaded, nobody has broken a rule" INV-21 -- tear_down
}

# All faults that were asked for have been made, and the data has been seen.
made() { equal "$(cat /sys/module/flt_torture/parameters/fault)" 0; }
# noticed: what is done wrong on purpose is found out, and named
noticed() {
	echo 31 > /sys/module/flt_torture/parameters/fault
	wait_for 300 said "wrong: t.*: operation .* has not ended" && wait_for 300 made || {
		echo "not made: faults $(cat /sys/module/flt_torture/parameters/fault)"
		cat $T/books /sys/kernel/debug/fltmgr/outstanding
		return 1
	}
	put 0 /sys/module/flt_torture/parameters/lost && put stop $T/control && filters_go || return
	has $T/verdict "^wrong " && said "top_pre = top_post . top_drained: " && said "has read something else" &&
		said "ended with -.*, not 0" && said "contexts = contexts_gone: "
}
# A torture whose module makes mistakes; see flt_torture's parameter fault.
faulty() {
	VERIFIER=0
	log "seed $seed, with faults"
	step "everything is loaded, to be misused" -- set_up || return
	mark
	put 3 /sys/module/flt_torture/parameters/patience
	step "torture with faults begins" -- put "start /dev/mapper/tblock" $T/control || return
	step "filters" -- insmod_all flt_torture1 flt_torture2 flt_torture3
	step "five faults are found out" -- noticed
	step "everything is unloaded" -- tear_down
}
