# SPDX-License-Identifier: GPL-2.0-only
# What filters cost, in guest instructions; bench/run makes a table of it.
#
# With arguments, only that: peers dispatch teardown unload stall
#
# run: -k stock --icount --no-leak-scan -m 768 -t 1800
. /guest/lib.sh

F=/sys/kernel/fltmgr/filters/passthrough
READS=3000

# measure WHAT [PREFIX]: what the bench module says
measure() {
	mark
	dmesg -n 1			# each detach is said, and nobody is to wait for a console
	step "$1${2:+, verified}" -- modprobe flt_bench "what=$1"
	dmesg -n 7
	since_mark | grep -v detached
	while read -r name tenths; do
		bench "${2-}$name ${tenths%?}.${tenths#"${tenths%?}"}"
	done < /sys/module/flt_bench/parameters/results
	step "its module goes" -- wait_for 5 unload flt_bench
}

# reads NAME DEVICE: the mean instructions of one pread() of 4 KiB; of several such means, one after the other, the
# least, as the housekeeping of the kernel is in some of them
reads() {
	local least
	fio --filename="$2" --ioengine=psync --rw=randread --bs=4k --direct=1 --number_ios=$READS --norandommap \
		--randrepeat=1 --thread --clocksource=clock_gettime --output-format=json --output=/tmp/out --stonewall \
		--name=a --name=b --name=c --name=d --name=e || return
	# (Those of writes are 0.)
	least=$(sed -n '/"lat_ns"/,/}/s/.*"mean" : \([1-9][0-9]*\.[0-9]\).*/\1/p' /tmp/out | sort -n)
	equal "$(echo "$least" | wc -l)" 5 || return
	bench "read.$1 $(echo "$least" | head -n 1)"
}

# layers FROM TO: that many dm-linear, each on the one before
layers() {
	local n below
	for n in $(seq "$1" "$2"); do
		below=/dev/mapper/layer$((n - 1))
		[ "$n" != 1 ] || below=/dev/nullb0
		dmsetup create "layer$n" --table "0 $sectors linear $below 0" || return
	done
}

# filters N: have that many attached
filters() {
	local n
	n=$(ls /sys/kernel/fltmgr/volumes/vol/stack | wc -l)
	while [ "$n" -lt "$1" ]; do
		put "vol extra$n $((360000 + n))" $F/attach || return
		n=$((n + 1))
	done
	equal "$(ls /sys/kernel/fltmgr/volumes/vol/stack | wc -l)" "$1"
}

# reads_filtered [PREFIX]
reads_filtered() {
	local n
	step "flt${1:+, verified}" -- insmod_all flt_dm
	step "a volume" -- dmsetup create vol --table "0 $sectors flt /dev/nullb0 0 vol"
	step "no filter" -- reads "${1-}flt.0" /dev/mapper/vol
	step "passthrough" -- insmod_all flt_passthrough
	step "is attached" -- wait_for 5 filters 1
	for n in 1 2 4 8; do
		step "$n attached" -- filters $n
		step "reads past $n" -- reads "${1-}flt.$n" /dev/mapper/vol
	done
	unload flt_passthrough
	dmsetup remove vol
}

# What the boot left to be done is done by then.
sleep 2

# In the kernel, without a block layer.
for what in ${*:-peers dispatch teardown unload stall}; do measure $what; done
if [ $# -gt 0 ]; then
	step "nothing is left" -- rmmod_all
	finish
fi

step "a device that does nothing" -- load null_blk nr_devices=1 queue_mode=2 irqmode=0 gb=1 submit_queues=1
sectors=$(blockdev --getsz /dev/nullb0)
# It waits minutes for random numbers, of which there are none in this machine; idle, that takes no time.
step "what the first run loads" -- reads warm /dev/nullb0 > /dev/null
step "bare" -- reads null /dev/nullb0
# The clock that fio reads is the counter of instructions.
step "by the right clock" -- equal "$(cat /sys/devices/system/clocksource/clocksource0/current_clocksource)" tsc
top=0
for n in 1 2 4 8; do
	step "$n dm-linear" -- layers $((top + 1)) $n
	top=$n
	step "$n layers" -- reads linear.$n /dev/mapper/layer$n
done
for n in 8 7 6 5 4 3 2 1; do dmsetup remove layer$n; done
reads_filtered

step "nothing is left" -- rmmod_all
VERIFIER=1
echo "options fltmgr verifier=1" > /etc/modprobe.d/fltmgr.conf
measure dispatch verified.
reads_filtered verified.
step "nothing is left" -- rmmod_all
finish
