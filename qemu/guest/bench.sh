# SPDX-License-Identifier: GPL-2.0-only
# What filters cost, in guest instructions; bench/run makes a table of it.
#
# run: -k stock --icount --no-leak-scan -t 600
. /guest/lib.sh

F=/sys/kernel/fltmgr/filters/passthrough
READS=10000

# What the boot left to be done is done by then.
sleep 2

# In the kernel, without a block layer.
step "dispatch, and notifier chains" -- insmod_all flt_bench
while read -r name tenths; do
	bench "$name ${tenths%?}.${tenths#"${tenths%?}"}"
done < /sys/module/flt_bench/parameters/results
step "its module goes" -- wait_for 5 unload flt_bench

# fio_reads DEVICE: the mean instructions of one pread() of 4 KiB
fio_reads() {
	fio --name=reads --filename="$1" --ioengine=psync --rw=randread --bs=4k --direct=1 \
		--number_ios=$READS --norandommap --randrepeat=1 --thread --clocksource=clock_gettime \
		--output-format=json --output=/tmp/out || return
	sed -n '/"lat_ns"/,/}/s/.*"mean" : \([0-9]*\.[0-9]\).*/\1/p' /tmp/out | head -n 1
}
# reads NAME DEVICE: the least mean of several, as the housekeeping of the kernel is in some of them
reads() {
	local n least= mean
	for n in 1 2 3 4 5; do
		mean=$(fio_reads "$2") || return
		least=$(printf '%s\n' $least "$mean" | sort -n | head -n 1)
	done
	[ -n "$least" ] && bench "read.$1 $least"
}
attach() { put "vol extra$1 $((360000 + $1))" $F/attach; }
instances() { equal "$(ls /sys/kernel/fltmgr/volumes/vol/stack | wc -l)" "$1"; }

step "a device that does nothing" -- load null_blk nr_devices=1 queue_mode=2 irqmode=0 gb=1 submit_queues=1
sectors=$(blockdev --getsz /dev/nullb0)
step "what the first run loads" -- reads warm /dev/nullb0 > /dev/null
step "bare" -- reads null /dev/nullb0
# The clock that fio reads is the counter of instructions.
step "by the right clock" -- equal "$(cat /sys/devices/system/clocksource/clocksource0/current_clocksource)" tsc
step "dm-linear" -- dmsetup create one --table "0 $sectors linear /dev/nullb0 0"
step "one layer" -- reads linear /dev/mapper/one
step "another" -- dmsetup create two --table "0 $sectors linear /dev/mapper/one 0"
step "two layers" -- reads linear2 /dev/mapper/two
dmsetup remove two
dmsetup remove one
step "flt" -- insmod_all flt_dm
step "a volume" -- dmsetup create vol --table "0 $sectors flt /dev/nullb0 0 vol"
step "no filter" -- reads flt.0 /dev/mapper/vol
step "passthrough" -- insmod_all flt_passthrough
step "is attached" -- wait_for 5 instances 1
step "one filter" -- reads flt.1 /dev/mapper/vol
for i in 1 2 3 4 5 6 7; do step "attach" -- attach $i; done
step "eight" -- instances 8
step "eight filters" -- reads flt.8 /dev/mapper/vol
unload flt_passthrough
dmsetup remove vol
step "nothing is left" -- rmmod_all
finish
