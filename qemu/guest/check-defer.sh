# SPDX-License-Identifier: GPL-2.0-only
# Work items and deferred completion on real I/O: from hard interrupts, under load, with filters that come and go, and swap.
#
# run: -k stock --disk 64M -m 512 -t 400
. /guest/lib.sh

F=/sys/kernel/fltmgr/filters
T=/sys/module/flt_dm_test/parameters
R=/sys/kernel/debug/fltmgr/outstanding

create() { dmsetup create "$1" --table "$2"; }
is() { equal "$(cat "$1")" "$2"; }
at_least() { [ "$(cat "$1")" -ge "$2" ] || { echo "$(cat "$1"), not $2"; return 1; }; }
there() { [ -e "$1" ]; }
attached() { wait_for 10 there "$F/$2/instances/$1.$2"; }
random_io() {
	fio --name=v --filename=/dev/mapper/null --rw=randwrite --bs=4k --size=2M --direct=1 --ioengine=libaio \
		--iodepth=16 --verify=crc32c --verify_fatal=1 "$@"
}

step "the manager and the target" -- insmod_all fltmgr flt_dm
step "a device that completes in hard interrupts" -- load null_blk nr_devices=1 queue_mode=2 irqmode=2 \
	completion_nsec=100000 memory_backed=1 gb=1
step "a volume" -- create null "0 65536 flt /dev/nullb0 0 null"

# --- completion that sleeps
step "a filter that sleeps in post-operations" -- load flt_dm_test safe=1
attached null dm_test
step "fio verifies what it wrote" DCS-03 DCS-05 -- random_io
step "in a worker" DCS-03 -- at_least $T/posted 500
step "each slept" DCS-05 -- equal "$(cat $T/slept)" "$(cat $T/posted)"
step "none was refused" DCS-03 -- is $T/not_safe 0

# --- with it a filter whose operations wait in deferred items
step "a filter below it that defers post-operations" -- load flt_delay mode=post agent=deferred ms=1 ops=both
attached null delay
step "fio verifies what it wrote" WRK-08 -- random_io
step "all were held back" WRK-08 -- at_least $F/delay/pended 500
(random_io --loops=3 > /run/fio.out 2>&1; echo $? > /run/fio.rc) &
delay_again() { unload flt_delay && load flt_delay mode="$1" agent=deferred ms=1 && attached null delay; }
test_again() { unload flt_dm_test && load flt_dm_test safe=1 && attached null dm_test; }
for mode in pre post pre post; do
	step "the one goes under load, and comes with mode=$mode" WRK-11 INV-04 -- delay_again $mode
	step "the other goes under load, and comes" TDN-20 INV-07 -- test_again
done
wait
step "nothing is lost" INV-01 -- is /run/fio.rc 0
step "nothing is left" WRK-12 -- refuses has $R '^[^#]'
unload flt_delay
dmsetup remove null
rmmod null_blk

# --- what memory waits for
step "a volume to swap to" -- create vol0 "0 131072 flt /dev/vda 0 vol0"
attached vol0 dm_test
step "swap" -- sh -c 'mkswap /dev/mapper/vol0 && swapon /dev/mapper/vol0'
step "operations so far can wait" -- is $T/paging 0
mkdir -p /run/cg /run/shm
mount -t cgroup2 none /run/cg && echo +memory > /run/cg/cgroup.subtree_control && mkdir -p /run/cg/small
mount -t tmpfs none /run/shm
# Not memory.max: with writes that take a moment each, the task would be killed.
echo 4M > /run/cg/small/memory.high
more_than_fits() {
	sh -c 'echo $$ > /run/cg/small/cgroup.procs; dd if=/dev/urandom of=/run/shm/a bs=64k count=160 && sha256sum < /run/shm/a > /run/sum'
}
was=$(cat $T/not_safe)
step "more than fits into memory" -- more_than_fits
step "is swapped out, and marked" WRK-04 -- at_least $T/paging 100
step "and not posted" DCS-04 -- [ "$(cat $T/not_safe)" -ge $((was + 100)) ]
step "what comes back is what was written" -- equal "$(sha256sum < /run/shm/a)" "$(cat /run/sum)"
load flt_delay mode=pre agent=deferred ms=1 ops=write
attached vol0 delay
step "it is not deferred either" WRK-04 WRK-07 -- more_than_fits
step "what comes back is what was written" -- equal "$(sha256sum < /run/shm/a)" "$(cat /run/sum)"
rm /run/shm/a
step "no swap any more" -- swapoff /dev/mapper/vol0
umount /run/shm
rmdir /run/cg/small
umount /run/cg
dmsetup remove vol0
step "no complaints of the manager" -- refuses said "violation"
step "nothing is loaded any more" INV-21 -- rmmod_all
finish
