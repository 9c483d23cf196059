# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=busybox
#
# Filters come and go in every way there is, on a file system under a load that
# verifies what it reads.
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

one_cycle() {
	local n=$1 i
	insmod_all flt_passthrough && load flt_passthrough3 || return
	# delay pends for 3 ms; its agent and its place differ each time
	case $((n % 3)) in
	0) load flt_delay ms=3 agent=timer ;;
	1) load flt_delay ms=3 agent=workqueue mode=post ;;
	2) load flt_delay ms=3 agent=kthread ops=write ;;
	esac || return
	for i in 1 2 3; do
		put 1 $filters/delay/instances/vol0.delay/detach || return
		put vol0 $filters/delay/attach || return
		put 1 $filters/passthrough/instances/vol0.passthrough/detach || return
		put "vol0 again 45000.$n$i" $filters/passthrough/attach || return
		put 1 $filters/passthrough/instances/vol0.again/detach || return
		put vol0 $filters/passthrough/attach || return
	done
	mismatches && return 1
	kill -0 $fio || return
	case $((n % 2)) in
	0) rmmod flt_delay && rmmod flt_passthrough && rmmod flt_passthrough3 ;;
	1) rmmod flt_passthrough3 && put 1 $filters/delay/unload && rmmod flt_passthrough && rmmod flt_delay ;;
	esac
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
step "vol0 goes" -- dmsetup remove vol0
step "fsck is content" -- e2fsck -fn /dev/vda
step "modules unload" -- unload flt_dm fltmgr
finish
