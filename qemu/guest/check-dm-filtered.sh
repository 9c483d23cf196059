# SPDX-License-Identifier: GPL-2.0-only
# The device-mapper target flt under filters: what they see, hold back and fail, and what becomes of dm meanwhile.
#
# run: -k debug --disk 64M --disk 64M -m 768 -t 600
# also: -k stock
VIOLATIONS=1	# a change without the mark
. /guest/lib.sh

V=/sys/kernel/fltmgr/volumes
F=/sys/kernel/fltmgr/filters
T=/sys/module/flt_dm_test/parameters
D=/sys/module/flt_delay/parameters

create() { dmsetup create "$1" --table "$2"; }
counter() { cat "$F/$1/$2"; }
is() { equal "$(cat "$1")" "$2"; }
at_least() { [ "$(cat "$1")" -ge "$2" ] || { echo "$(cat "$1"), not $2"; return 1; }; }
gone() { [ ! -e "$1" ]; }
there() { [ -e "$1" ]; }
attached() { wait_for 10 there "$F/$2/instances/$1.$2"; }
# The last fields of the status: what is filtered, how many writes were refused.
status_is() { equal "$(dmsetup status "$1" | cut -d' ' -f6-)" "$2"; }
refused() { dmsetup status "$1" | cut -d' ' -f7; }
read4k() { dd if="/dev/mapper/$1" of=/dev/null bs=4k count=1 skip="${2:-0}" iflag=direct; }
write4k() { dd if=/dev/urandom of="/dev/mapper/$1" bs=4k count=1 seek="${2:-0}" oflag=direct conv=notrunc; }
# In the background: /usr/sbin/dmsetup, since dmsetup is a function, and would be a shell.
alive() { kill -0 "$1" 2>/dev/null; }
verify() {
	fio --name=v --filename=/mnt/v --size=6M --bsrange=4k-64k --verify=crc32c --verify_fatal=1 "$@"
}
# The passthrough filter is done with all that it has begun, and lost none.
balanced() {
	[ "$(counter passthrough pre)" = $(($(counter passthrough post) + $(counter passthrough not_wanted))) ] &&
		equal "$(counter passthrough mismatched)" 0
}

step "the manager and the target" -- insmod_all fltmgr flt_dm
step "a volume" -- create vol0 "0 65536 flt /dev/vda 0 vol0"
step "without filters" -- status_is vol0 "- 0"

# --- every operation is seen
step "a filter that wants everything" -- load flt_passthrough
step "is attached" VOL-01 -- attached vol0 passthrough
step "and the volume is filtered" -- status_is vol0 "read,write,flush,discard,secure_erase,write_zeroes 0"
step "a file system" -- mkfs.ext4 -q /dev/mapper/vol0
step "mounted" -- mount -t ext4 /dev/mapper/vol0 /mnt
step "fio verifies direct writes" -- verify --rw=randwrite --direct=1 --ioengine=libaio --iodepth=8
step "fio verifies buffered writes" -- verify --rw=randwrite --direct=0 --fsync=16
step "they were seen" -- at_least $F/passthrough/pre 200

# --- tables are replaced, filters come and go, under I/O
inode=$(stat -c %i $F/passthrough/instances/vol0.passthrough)
(verify --rw=randrw --direct=1 --ioengine=libaio --iodepth=8 --loops=4 > /run/fio.out 2>&1; echo $? > /run/fio.rc) &
reloads() {
	for i in 1 2 3 4; do
		dmsetup load vol0 --table "0 65536 flt /dev/vda 0 vol0" || return
		dmsetup suspend vol0 && dmsetup resume vol0 || return
	done
}
step "the table is replaced under I/O" -- reloads
step "the instance is the same" -- equal "$(stat -c %i $F/passthrough/instances/vol0.passthrough)" "$inode"
comes_and_goes() { unload flt_passthrough && load flt_passthrough && attached vol0 passthrough; }
for i in 1 2 3; do step "the filter goes under I/O, and comes" TDN-42 -- comes_and_goes; done
wait
step "nothing is lost" -- is /run/fio.rc 0
step "unmounted" -- umount /mnt
step "the file system is sound" -- fsck.ext4 -fn /dev/mapper/vol0
step "each pre-operation had its post-operation" STK-02 -- wait_for 5 balanced
step "removed with an instance attached" TDN-43 -- dmsetup remove vol0
step "which is gone" -- gone $F/passthrough/instances/vol0.passthrough
step "as the volume" -- gone $V/vol0

# --- where the device completes in soft and hard interrupts, and all classes
step "a device that completes in hard interrupts" -- load null_blk nr_devices=1 queue_mode=2 irqmode=2 \
	completion_nsec=100000 memory_backed=1 discard=1 gb=1
step "a volume" -- create null "0 65536 flt /dev/nullb0 0 null"
attached null passthrough
before=$(counter passthrough pre)
step "reads and writes" -- fio --name=n --filename=/dev/mapper/null --rw=randrw --bs=4k --size=2M --direct=1 \
	--ioengine=libaio --iodepth=16 --verify=crc32c
step "discards" -- blkdiscard -l 1M /dev/mapper/null
step "zeroes" -- blkdiscard -z -l 1M /dev/mapper/null
step "were seen" -- [ "$(counter passthrough pre)" -gt $((before + 500)) ]
step "each had its post-operation" -- wait_for 5 balanced
dmsetup remove null; rmmod null_blk

# --- operations below while the instance goes
step "a slow device" -- create slow "0 65536 delay /dev/vda 0 1500"
step "a volume on it" -- create vol0 "0 65536 flt /dev/mapper/slow 0 vol0"
attached vol0 passthrough
drained=$(counter passthrough drained)
write4k vol0 & writer=$!
sleep 0.5
step "detached while a write is below" TDN-33 -- put 1 $F/passthrough/instances/vol0.passthrough/detach
step "its post-operation was drained" -- equal "$(counter passthrough drained)" $((drained + 1))
step "and the write succeeds" -- wait $writer
dmsetup remove vol0; dmsetup remove slow
unload flt_passthrough

step "a device that takes three seconds and completes in hard interrupts" -- load null_blk nr_devices=1 \
	queue_mode=2 irqmode=2 completion_nsec=3000000000 gb=1
step "a filter whose drained post-operations wait" -- load flt_dm_test hold_drained=1
step "a volume" -- create null "0 65536 flt /dev/nullb0 0 null"
attached null dm_test
I=$F/dm_test/instances/null.dm_test
read4k null 7 & reader=$!
step "a read is below" -- wait_for 2 is $I/inflight 1
put 1 $I/detach & detach=$!
step "and is drained" -- wait_for 2 is $T/draining 1
step "which the device does not know" DRN-09 TDN-33 -- wait $reader
step "the post-operation is still being called" DRN-11 -- is $T/draining 1
step "and holds the detach" TDN-20 -- is $I/state draining
listed() { grep -E "$1" /sys/kernel/debug/fltmgr/outstanding; }
step "which are named" FKD-05 TDN-21 -- wait_for 20 listed '"in drained post-operation" .*flt_dm_test'
put 0 $T/hold_drained
step "until it returns" -- wait $detach
step "the volume lost nothing" -- equal "$(cat $V/null/entered)" "$(cat $V/null/left)"
dmsetup remove null; unload flt_dm_test null_blk

# --- sent elsewhere
step "a filter that moves operations" -- load flt_dm_test
step "a volume" -- create vol0 "0 65536 flt /dev/vda 0 vol0"
attached vol0 dm_test
step "a block" -- write4k vol0 9
block() { dd if="$1" bs=4k skip="$2" count=1 iflag=direct 2>/dev/null | md5sum; }
put 4096 $T/shift
step "is found elsewhere" MOD-01 MOD-02 -- equal "$(block /dev/mapper/vol0 8)" "$(block /dev/vda 9)"
step "and written elsewhere" MOD-02 -- write4k vol0 19
put 1 $T/unmarked
step "namely there" MOD-02 -- equal "$(block /dev/mapper/vol0 20)" "$(block /dev/vda 20)"
put 0 $T/unmarked
step "there, too" MOD-02 -- equal "$(block /dev/mapper/vol0 19)" "$(block /dev/vda 20)"
put 33554432 $T/shift
step "behind the end there is nothing" -- expect_errno EIO read4k vol0 0
step "which is said" -- said "sends an operation to byte 33554432, not on the target"
put -8192 $T/shift
step "nor before the beginning" -- expect_errno EIO read4k vol0 1
put 100 $T/shift
step "nor between blocks" -- expect_errno EIO read4k vol0 1
put 0 $T/shift
step "all is as before" -- equal "$(block /dev/mapper/vol0 20)" "$(block /dev/vda 20)"
step "each operation has left" -- equal "$(cat $V/vol0/entered)" "$(cat $V/vol0/left)"
dmsetup remove vol0; unload flt_dm_test

# --- what a status becomes
step "a filter that fails reads" -- load flt_dm_test fail=read
step "a volume" -- create vol0 "0 65536 flt /dev/vda 0 vol0"
attached vol0 dm_test
# gives STATUS ERRNO
gives() { put "$1" $T/status && expect_errno "$2" read4k vol0; }
# Text of errno that the library has and lib.sh has not.
says() { put "$1" $T/status && ! read4k vol0 > /run/dd.out 2>&1 && has /run/dd.out "$2"; }
# dd tries again without O_DIRECT when it is told EINVAL.
by_fio() {
	put "$1" $T/status && expect_errno "$2" fio --name=r --filename=/dev/mapper/vol0 --rw=read --bs=4k --size=4k --direct=1
}
statuses() {
	step "EIO $1" -- gives -5 EIO
	step "EOPNOTSUPP $1" -- gives -95 EOPNOTSUPP
	step "ETIMEDOUT $1" -- gives -110 ETIMEDOUT
	step "ENOSPC $1" -- gives -28 ENOSPC
	step "ENOLINK $1" -- says -67 "Link has been severed"
	step "EREMOTEIO $1" -- gives -121 EREMOTEIO
	step "EBADE $1" -- says -52 "Invalid exchange"
	step "ENODATA $1" -- gives -61 ENODATA
	step "EILSEQ $1" -- says -84 "Invalid or incomplete multibyte|Illegal byte sequence"
	step "ENOMEM $1" -- gives -12 ENOMEM
	step "ENODEV $1" -- says -19 "No such device"
	step "ETIME $1" -- says -62 "Timer expired"
	step "EINVAL $1" -- by_fio -22 EINVAL
	step "EACCES is EIO $1" -- gives -13 EIO
	step "ESHUTDOWN is EIO $1" -- gives -108 EIO
	step "ECANCELED is EIO $1" -- gives -125 EIO
	step "EAGAIN is not tried again $1" -- gives -11 EIO
	step "EBUSY neither $1" -- gives -16 EIO
	step "EREMCHG neither $1" -- gives -78 EIO
	step "a warning is an error $1" -- gives -75 EIO
}
statuses "from a pre-operation"
before=$(cat $T/seen)
gives -11 EIO; gives -78 EIO
step "each was seen once" -- is $T/seen $((before + 2))
put 1 $T/post
statuses "from a post-operation"
put 258 $T/status
step "a success of another kind is a success" -- read4k vol0
put 0 $T/post
step "and also if the device was never asked" -- read4k vol0
put -5 $T/status
step "a partial failure of a large read is one" -- expect_errno EIO dd if=/dev/mapper/vol0 of=/dev/null bs=1M count=1
put none $T/fail
step "reads succeed again" -- read4k vol0

# --- a flush that fails
sync_device() { dd if=/dev/zero of=/dev/mapper/vol0 bs=4k count=1 seek=4096 conv=fsync,notrunc; }
put flush $T/fail
step "a failed flush is told to who asked for it" -- expect_errno EIO sync_device
step "without data, no write is to fail for it" -- status_is vol0 "read,write,flush,discard,write_zeroes 0"
step "and none does" -- write4k vol0 4096
put none $T/fail
step "a file system with a journal" -- mkfs.ext4 -q /dev/mapper/vol0
step "mounted" -- mount -t ext4 -o errors=continue /dev/mapper/vol0 /mnt
echo old > /mnt/file; sync
step "its commits are no worker's" -- at_least $T/seen 1
workers=$(cat $T/workers); unknown=$(cat $T/unknown)
echo new > /mnt/other
step "a commit, in good order" -- sync /mnt/other
step "its record is replayed by a worker" -- at_least $T/workers $((workers + 1))
step "which asks for nobody in particular" -- at_least $T/unknown $((unknown + 1))
mark
put flush $T/fail
echo newer > /mnt/file
step "a pre-flush that fails fails the commit" -- refuses sync /mnt/file
step "the journal knows" -- wait_for 10 said "Aborting journal|aborted journal|Detected aborted"
step "a write was refused" -- [ "$(refused vol0)" -ge 1 ]
put none $T/fail
was=$(refused vol0)
umount /mnt
step "other writes are not" -- write4k vol0 8000
step "nor flushes" -- dd if=/dev/zero of=/dev/mapper/vol0 bs=4k count=1 seek=8001 conv=fsync,notrunc
step "only those of the journal failed" -- equal "$(refused vol0)" "$was"
step "the file system can be recovered" -- sh -c 'fsck.ext4 -fy /dev/mapper/vol0; [ $? -le 1 ]'
step "mounted again" -- mount -t ext4 /dev/mapper/vol0 /mnt
step "with what was committed" -- equal "$(cat /mnt/other)" new
echo newest > /mnt/file
step "and commits succeed" -- sync /mnt/file
umount /mnt
dmsetup remove vol0

# In a table of several targets only the first knows whose flush it is.
step "a table whose second target is a volume" -- create two "0 32768 linear /dev/vda 0
32768 32768 flt /dev/vda 32768 vol0"
attached vol0 dm_test
put flush $T/fail
mark
step "a flush fails" -- expect_errno EIO dd if=/dev/zero of=/dev/mapper/two bs=4k count=1 conv=fsync,notrunc
step "and it is said that nobody knows whose" -- said "nobody knows whose: failing all writes"
put none $T/fail
step "so writes fail" -- expect_errno EIO write4k two 5000
step "reads do not" -- read4k two 5000
step "suspending changes nothing" -- sh -c 'dmsetup suspend two && dmsetup resume two'
step "writes fail" -- expect_errno EIO write4k two 5000
step "loading the table again does" -- sh -c 'dmsetup table two | dmsetup load two && dmsetup resume two'
step "writes succeed" -- write4k two 5000
step "the first target's flush is known" -- dmsetup remove two
create two "0 32768 flt /dev/vda 0 vol0
32768 32768 linear /dev/vda 32768"
attached vol0 dm_test
put flush $T/fail
expect_errno EIO dd if=/dev/zero of=/dev/mapper/two bs=4k count=1 conv=fsync,notrunc
put none $T/fail
step "so writes succeed" -- write4k two 0
dmsetup remove two
unload flt_dm_test

# --- held back
step "a filter that holds writes back" -- load flt_delay ops=write mode=pre answer=callback hold=1
step "a volume" -- create vol0 "0 65536 flt /dev/vda 0 vol0"
attached vol0 delay
write4k vol0 & writer=$!
step "a write is pended" -- wait_for 10 is $F/delay/held 1
step "reads pass" -- read4k vol0
/usr/sbin/dmsetup suspend --nolockfs vol0 & suspend=$!
sleep 1
step "a suspend waits for it" -- alive $suspend
kill $suspend
step "and can be interrupted" -- wait_for 10 refuses alive $suspend
step "then all goes on" -- read4k vol0
/usr/sbin/dmsetup suspend --nolockfs vol0 & suspend=$!
sleep 0.5
put all $F/delay/release
step "or waits until it is released" -- wait $suspend
step "and the write succeeds" -- wait $writer
dmsetup resume vol0

dmsetup load vol0 --table "0 65536 flt /dev/vda 0 vol0"
write4k vol0 & writer=$!
wait_for 10 is $F/delay/held 1
/usr/sbin/dmsetup resume --nolockfs vol0 & resume=$!
sleep 0.5
step "so does replacing the table" -- alive $resume
put all $F/delay/release
step "which succeeds then" -- wait $resume
wait $writer

sleep 1000 < /dev/mapper/vol0 & opener=$!
write4k vol0 & writer=$!
wait_for 10 is $F/delay/held 1
/usr/sbin/dmsetup remove --force vol0 > /run/force 2>&1 & force=$!
sleep 0.5
step "so does removing by force" -- alive $force
step "until the filter goes" TDN-42 -- unload flt_delay
step "then the write succeeds" -- wait $writer
wait $force
step "the table is replaced" -- equal "$(dmsetup table vol0)" "0 65536 error "
step "and the volume is gone" -- gone $V/vol0
kill $opener
step "removed" -- wait_for 10 dmsetup remove vol0

# --- pre-operations that wait in their thread; what comes from a worker
step "a filter whose writes wait in their thread" -- load flt_delay ops=write mode=sync hold=1
step "a volume" -- create vol0 "0 65536 flt /dev/vda 0 vol0"
attached vol0 delay
dmsetup suspend vol0
writers=
for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16; do
	dd if=/dev/zero of=/dev/mapper/vol0 bs=4k count=1 seek=$i oflag=direct conv=notrunc & writers="$writers $!"
done
dd if=/dev/mapper/vol0 of=/dev/null bs=4k count=1 iflag=direct & reader=$!
blocked() { equal "$(cat $(printf '/proc/%s/status ' $writers $reader) | grep -c '^State:.D')" "$1"; }
step "sixteen writes and a read are put off by a suspend" -- wait_for 20 blocked 17
step "resumed" -- dmsetup resume vol0
step "kdmflush is not held up: all are on their way" -- wait_for 20 is $F/delay/held 16
step "and the read is through" -- wait $reader
/usr/sbin/dmsetup suspend --nolockfs vol0 & suspend=$!
sleep 0.5
kill $suspend
step "a suspend can be interrupted all the same" -- wait_for 10 refuses alive $suspend
put all $F/delay/release
wait_all() { for pid in "$@"; do wait "$pid" || return; done; }
step "all writes succeed" -- wait_all $writers
write4k vol0 & writer=$!
step "one that waits in map() itself" -- wait_for 10 is $F/delay/held 1
/usr/sbin/dmsetup suspend --nolockfs vol0 & suspend=$!
sleep 0.5
put all $F/delay/release
step "only delays the suspend" -- wait $suspend
wait $writer
dmsetup resume vol0
put 0 $D/hold; put 5 $D/ms
step "volumes above each other" -- create high "0 65000 flt /dev/mapper/vol0 8 high"
attached high delay
step "a file system" -- mkfs.ext4 -q /dev/mapper/high
step "mounted" -- mount -t ext4 /dev/mapper/high /mnt
step "fio verifies what waits twice" -- verify --rw=randwrite --size=1M --direct=1 --ioengine=libaio --iodepth=4
step "and what is written by workers" -- verify --rw=randwrite --size=1M --direct=0 --end_fsync=1
umount /mnt
step "the file system is sound" -- fsck.ext4 -fn /dev/mapper/high
dmsetup remove high; dmsetup remove vol0
unload flt_delay

# --- swap through filters
step "filters for swap" -- load flt_passthrough
for m in flt_null flt_passthrough2 flt_passthrough3; do step "$m, too" -- load $m; done
step "one that waits with every write" -- load flt_delay ops=write mode=pre answer=callback agent=workqueue ms=1
create swap "0 131072 flt /dev/vdb 0 swap"
for f in null passthrough passthrough2 passthrough3 delay; do attached swap $f; done
mkswap /dev/mapper/swap > /dev/null
step "is swapped to" -- swapon /dev/mapper/swap
mkdir -p /run/cg /run/shm && mount -t cgroup2 cg /run/cg && echo +memory > /run/cg/cgroup.subtree_control
mkdir /run/cg/small && mount -t tmpfs -o size=40m shm /run/shm
# Not memory.max: writes that take a moment each would have the task killed.
echo 10M > /run/cg/small/memory.high
head -c 16777216 /dev/urandom > /tmp/copy
fill() { sh -c 'echo $$ > /run/cg/small/cgroup.procs; cat /tmp/copy > /run/shm/x'; }
step "more memory than there is" -- fill
step "was seen on its way" -- at_least $F/passthrough/pre 100
step "and waited for" -- at_least $F/delay/released 100
step "comes back" -- equal "$(md5sum < /run/shm/x)" "$(md5sum < /tmp/copy)"
rm -f /run/shm/x /tmp/copy
step "no more swap" -- swapoff /dev/mapper/swap
umount /run/shm; rmdir /run/cg/small; umount /run/cg
dmsetup remove swap

step "no volume is left" -- equal "$(ls $V)" ""
step "everything goes" INV-21 -- rmmod_all
finish
