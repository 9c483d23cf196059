# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=busybox
#
# Filters come and go in every way there is, on a file system under a load that
# verifies what it reads. All samples are attached at a time, and looked at: none
# of them breaks a rule.
#
# run: -k debug --disk 128M -m 1024 -t 900
# also: -k stock --append preempt=none
# also: -k stock --append preempt=full
#
# Argument: CYCLES; by default 30, and where a module takes a second to load 6:
# no two of these are the same
. /guest/lib.sh

case $(uname -r) in
*-debug) cycles=${1:-6} ;;
*) cycles=${1:-30} ;;
esac
filters=/sys/kernel/fltmgr/filters
volume=/sys/kernel/fltmgr/volumes/vol0

step "modules load" -- insmod_all flt_dm
# It comes before its volume, and stays as long.
step "swapbuffers" -- insmod_all flt_swapbuffers
step "vol0" -- dmsetup create vol0 --table "0 $(cat /sys/block/vda/size) flt /dev/vda 0 vol0"
step "ext4" -- mkfs.ext4 -q /dev/mapper/vol0
mkdir -p /mnt
step "mounted" -- mount /dev/mapper/vol0 /mnt

cat > /run/job <<JOB
[global]
directory=/mnt
size=8m
bs=4k
ioengine=libaio
iodepth=16
direct=1
verify=crc32c
verify_fatal=1
verify_backlog=64
loops=10000
[write]
rw=randwrite
[fsync]
rw=write
ioengine=sync
direct=0
iodepth=1
fsync=16
verify=crc32c
JOB
fio /run/job > /run/fio.log 2>&1 &
fio=$!
writes() { awk '{ print $5 }' "/sys/block/dm-$(dmsetup info -c --noheadings -o minor vol0)/stat"; }
moved() { [ "$(writes)" -gt "$1" ]; }
step "fio runs" -- wait_for 60 moved 100

mismatches() { cat $filters/*/mismatched 2> /dev/null | grep -v '^0$' | grep -q .; }

# Two groups of filters: in each cycle one of them is loaded anew.
group_0="passthrough passthrough3 delay"
group_1="null passthrough2 cancelsafe"
everybody="$group_0 $group_1"

# come N FILTER: delay pends for 3 ms; its agent and its place differ each time
come() {
	case $2$(($1 % 3)) in
	delay0) load flt_delay ms=3 agent=timer ;;
	delay1) load flt_delay ms=3 agent=workqueue mode=post ;;
	delay2) load flt_delay ms=3 agent=kthread ops=write ;;
	cancelsafe?) load flt_cancelsafe ms=3 ;;
	*) insmod_all "flt_$2" ;;
	esac
}
come_all() {
	local n=$1 f
	shift
	for f in "$@"; do come "$n" "$f" || return; done
}

# go N FILTER: by rmmod, or unloaded by the knob first
go() {
	[ $(($1 % 4)) -lt 2 ] || put 1 "$filters/$2/unload" || return
	rmmod "flt_$2"
}
# The first one goes last in every second round.
go_all() {
	local n=$1 first=$2 f
	shift 2
	[ $((n % 8)) -lt 4 ] || go "$n" "$first" || return
	for f in "$@"; do go "$n" "$f" || return; done
	[ $((n % 8)) -ge 4 ] || go "$n" "$first"
}

detach_and_attach() {
	put 1 "$filters/$1/instances/vol0.$1/detach" && put vol0 "$filters/$1/attach"
}

# A detach returns before the instance's directory goes.
seven() { equal "$(ls $volume/stack | wc -l)" 7; }

one_cycle() {
	local n=$1 i f group
	[ $((n % 2)) = 0 ] && group=$group_0 || group=$group_1
	# shellcheck disable=SC2086 # words
	[ "$n" -lt 2 ] || go_all "$n" $group || return
	# shellcheck disable=SC2086
	come_all "$n" $group || return
	for i in 1 2 3; do
		for f in $group; do detach_and_attach "$f" || return; done
		put "vol0 again 45000.$n$i" $filters/passthrough/attach || return
		put 1 $filters/passthrough/instances/vol0.again/detach || return
	done
	[ "$n" = 0 ] || wait_for 10 seven || return
	mismatches && return 1
	no_violations fltmgr || return
	kill -0 $fio
}

all_cycles() {
	local n=0
	while [ $n -lt "$cycles" ]; do
		one_cycle $n || { echo "in cycle $n"; return 1; }
		n=$((n + 1))
		log "$n cycles, $(writes) writes"
	done
}
before=$(writes)
step "$cycles cycles of insmod, attach, detach, unload, rmmod" INV-21 INV-06 INV-10 -- all_cycles
# shellcheck disable=SC2086
step "all but swapbuffers go" -- go_all 0 $everybody
step "fio wrote meanwhile" -- moved "$before"
step "fio still runs" -- kill -0 $fio
kill -INT $fio
wait $fio
step "fio found no error" INV-01 -- sh -c "! grep -iE 'verify:|error|err= *[1-9]|bad' /run/fio.log"
quiet() { [ "$(cat $volume/entered)" = "$(cat $volume/left)" ]; }
step "what entered has left" INV-01 -- wait_for 20 quiet
log "entered $(cat $volume/entered) left $(cat $volume/left)"
step "some did enter" -- [ "$(cat $volume/entered)" -gt 1000 ]
step "unmounted" -- umount /mnt
step "fsck is content" -- e2fsck -fn /dev/mapper/vol0
step "vol0 goes" -- dmsetup remove vol0
step "swapbuffers goes" -- put 1 $filters/swapbuffers/unload
step "modules unload, with no report in all that time" INV-21 -- unload flt_swapbuffers flt_dm fltmgr
finish
