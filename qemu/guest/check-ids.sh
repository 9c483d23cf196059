# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=busybox
#
# Each operation is seen exactly once at each place: the pre-operation of the
# highest filter, of the lowest, the post-operation of the lowest, of the
# highest, in that order. From the tracepoints, each operation by its id.
#
# run: -k debug --disk 64M -t 240
. /guest/lib.sh

trace=/sys/kernel/tracing

step "modules load" -- insmod_all flt_dm
step "three filters" -- insmod_all flt_passthrough flt_passthrough2 flt_passthrough3
step "vol0" -- dmsetup create vol0 --table "0 $(cat /sys/block/vda/size) flt /dev/vda 0 vol0"
all_attached() { [ "$(ls /sys/kernel/fltmgr/volumes/vol0/stack | wc -l)" = 3 ]; }
step "attached as the volume appeared" VOL-05 ATT-09 -- wait_for 10 all_attached
step "settled" -- sleep 1

echo 16384 > $trace/buffer_size_kb
echo 1 > $trace/events/fltmgr/flt_pre/enable
echo 1 > $trace/events/fltmgr/flt_post/enable
echo > $trace/trace
step "3000 operations, 16 at a time" -- fio --name=x --filename=/dev/mapper/vol0 --rw=randrw --bs=4k --direct=1 \
	--ioengine=libaio --iodepth=16 --size=12m --norandommap --fsync=100
echo 0 > $trace/events/enable

# CPU, time and so on come first; an event's own words are name=value.
awk '/flt_(pre|post):/ {
	for (i = 1; i <= NF; i++) {
		if ($i ~ /^op=/) op = $i
		if ($i ~ /^instance=/) inst = substr($i, 10)
		if ($i ~ /flt_pre:/) kind = ">"
		if ($i ~ /flt_post:/) kind = "<"
	}
	seen[op] = seen[op] kind inst
}
END { for (op in seen) print seen[op] }' $trace/trace | sort | uniq -c > /run/ways
log "$(cat /run/ways)"
lost() { grep -h 'overrun\|dropped' $trace/per_cpu/cpu*/stats | awk '{ n += $NF } END { exit n == 0 }'; }
step "no event was lost" -- refuses lost
step "all operations went the same way" INV-01 INV-02 STK-04 -- equal "$(wc -l < /run/ways)" 1
step "down through three and up through the same" STK-01 STK-02 INV-02 -- awk '{
	exit !match($2, /^>[0-9]+>[0-9]+>[0-9]+<[0-9]+<[0-9]+<[0-9]+$/) }' /run/ways
mirrored() {
	awk '{ n = split($2, a, /[<>]/); exit !(n == 7 && a[2] == a[7] && a[3] == a[6] && a[4] == a[5]) }' /run/ways
}
step "in mirrored order" STK-02 INV-02 -- mirrored
step "at least 3000 of them" -- [ "$(awk '{ print $1 }' /run/ways)" -ge 3000 ]
step "vol0 goes with its filters attached" TDN-43 -- dmsetup remove vol0
step "modules unload" INV-21 -- unload flt_passthrough flt_passthrough2 flt_passthrough3 flt_dm fltmgr
finish
