# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=busybox
#
# A filter that changes data on its way, in buffers of its own: a file system
# over it, what the disk has, and what becomes of buffers when it is detached.
#
# run: -k debug --disk 64M --disk 64M -m 768 -t 600
# also: -k stock
. /guest/lib.sh

F=/sys/kernel/fltmgr/filters
S=$F/swapbuffers
create() { dmsetup create "$1" --table "$2"; }
there() { [ -e "$1" ]; }
gone() { [ ! -e "$1" ]; }
attached() { wait_for 10 there "$F/$2/instances/$1.$2"; }
verify() {
	fio --name=v --filename=/mnt/v --size=6M --bsrange=4k-64k --verify=crc32c --verify_fatal=1 "$@"
}
# What a device has at a block of 4 KiB, as it is and with each byte combined with 0x5a.
block() { dd if="$1" bs=4k skip="$2" count=1 iflag=direct 2>/dev/null; }
plain() { block "$1" "$2" | od -An -v -tu1 | awk '{ for (i = 1; i <= NF; i++) print $i }' | md5sum; }
combined() {
	block "$1" "$2" | od -An -v -tu1 | awk '
	function both(a, b,   r, p) { r = 0; for (p = 1; a || b; p *= 2) {
		if (a % 2 != b % 2) r += p; a = int(a / 2); b = int(b / 2) } return r }
	{ for (i = 1; i <= NF; i++) print both($i, 90) }' | md5sum
}

step "the manager and the target" -- insmod_all fltmgr flt_dm
step "a volume that was there before" -- create old "0 65536 flt /dev/vdb 0 old"
step "a filter that swaps buffers" -- load flt_swapbuffers
step "does not attach to it" -- gone $S/instances/old.swapbuffers
step "not even when asked" ATT-08 -- expect_errno ECONNREFUSED put old $S/attach
dmsetup remove old
step "a new volume" -- create vol0 "0 65536 flt /dev/vda 0 vol0"
step "is attached to" -- attached vol0 swapbuffers
step "it refuses to be detached" DET-03 -- expect_errno EBUSY put 1 $S/instances/vol0.swapbuffers/detach
step "and to be unloaded" UNL-04 -- expect_errno EBUSY put 1 $S/unload
step "and by rmmod" REG-11 -- expect_errno EBUSY rmmod flt_swapbuffers

step "a file system" -- mkfs.ext4 -q /dev/mapper/vol0
step "mounted" -- mount -t ext4 /dev/mapper/vol0 /mnt
step "fio verifies direct I/O" MOD-07 -- verify --rw=randwrite --direct=1 --ioengine=libaio --iodepth=16
step "and buffered" MOD-07 -- verify --rw=randwrite --direct=0 --fsync=16
step "and read while written" MOD-08 -- verify --rw=randrw --direct=1 --ioengine=libaio --iodepth=16
step "unmounted" -- umount /mnt
step "the file system is sound" -- fsck.ext4 -fn /dev/mapper/vol0
step "the disk has none" -- refuses fsck.ext4 -fn /dev/vda
step "large requests" -- dd if=/dev/zero of=/dev/mapper/vol0 bs=4M count=4 seek=2 oflag=direct

step "a block" -- dd if=/dev/urandom of=/dev/mapper/vol0 bs=4k count=1 seek=77 oflag=direct conv=notrunc
step "is something else on the disk" MOD-02 -- refuses equal "$(plain /dev/mapper/vol0 77)" "$(plain /dev/vda 77)"
step "namely that" MOD-02 -- equal "$(plain /dev/mapper/vol0 77)" "$(combined /dev/vda 77)"
step "zeroes" -- blkdiscard -z -o 4194304 -l 1048576 /dev/mapper/vol0
step "read as zeroes" -- sh -c 'dd if=/dev/mapper/vol0 bs=1M skip=4 count=1 2>/dev/null | cmp -n 1048576 - /dev/zero'
step "removed" -- dmsetup remove vol0

# --- above and below others
step "a filter above and one below" -- insmod_all flt_passthrough
create vol0 "0 65536 flt /dev/vda 0 vol0"
step "attached" -- attached vol0 passthrough
step "and the one that swaps" -- attached vol0 swapbuffers
put "vol0 low 45000" $F/passthrough/attach
step "a file system" -- mkfs.ext4 -q /dev/mapper/vol0
step "mounted" -- mount -t ext4 /dev/mapper/vol0 /mnt
(verify --rw=randrw --direct=1 --ioengine=libaio --iodepth=16 --loops=4 > /run/fio.out 2>&1; echo $? > /run/fio.rc) &
come_and_go() {
	for i in 1 2 3 4 5; do
		put 1 $F/passthrough/instances/vol0.low/detach || return
		put "vol0 low 45000" $F/passthrough/attach || return
		put 1 $F/passthrough/instances/vol0.passthrough/detach || return
		put vol0 $F/passthrough/attach || return
	done
}
step "those come and go under I/O" DRN-10 -- come_and_go
wait
step "nothing is lost" -- equal "$(cat /run/fio.rc)" 0
step "unmounted" -- umount /mnt
step "the file system is sound" -- fsck.ext4 -fn /dev/mapper/vol0
step "and saw the same before and after" INV-14 -- equal "$(cat $F/passthrough/mismatched)" 0
dmsetup remove vol0
step "the others go" -- unload flt_passthrough

# --- a buffer that is below cannot be drained
step "a slow device" -- create slow "0 65536 delay /dev/vda 0 0 /dev/vda 0 2000"
step "a volume on it" -- create vol0 "0 65536 flt /dev/mapper/slow 0 vol0"
attached vol0 swapbuffers
I=$S/instances/vol0.swapbuffers
put 1 /sys/module/flt_swapbuffers/parameters/detach
dd if=/dev/urandom of=/dev/mapper/vol0 bs=4k count=1 seek=99 oflag=direct conv=notrunc 2>/dev/null & writer=$!
is() { equal "$(cat "$1")" "$2"; }
step "a write is below" -- wait_for 5 is $I/inflight 1
put 1 $I/detach & detach=$!
step "its buffer holds the detach" DRN-12 TDN-20 -- wait_for 5 is $I/state draining
alive() { kill -0 "$1" 2>/dev/null; }
step "as long as the device has it" DRN-12 -- alive $detach
step "then the write ends" -- wait $writer
step "and the detach" -- wait $detach
dmsetup remove vol0; dmsetup remove slow

# --- memory is short, and written through it
step "a device for swap" -- create swap "0 131072 flt /dev/vdb 0 swap"
attached swap swapbuffers
mkswap /dev/mapper/swap > /dev/null
step "is swapped to" -- swapon /dev/mapper/swap
mkdir -p /run/cg /run/shm && mount -t cgroup2 cg /run/cg && echo +memory > /run/cg/cgroup.subtree_control
mkdir /run/cg/small && mount -t tmpfs -o size=40m shm /run/shm
echo 10M > /run/cg/small/memory.high
head -c 16777216 /dev/urandom > /tmp/copy
fill() { sh -c 'echo $$ > /run/cg/small/cgroup.procs; cat /tmp/copy > /run/shm/x'; }
writes=$(cat $S/writes)
step "more memory than there is" -- fill
step "goes through it" -- [ "$(cat $S/writes)" -gt "$writes" ]
step "and comes back" -- equal "$(md5sum < /run/shm/x)" "$(md5sum < /tmp/copy)"
rm -f /run/shm/x /tmp/copy
step "no more swap" -- swapoff /dev/mapper/swap
umount /run/shm; rmdir /run/cg/small; umount /run/cg
dmsetup remove swap

step "without a volume it can be unloaded" UNL-04 -- put 1 $S/unload
step "and everything goes" INV-21 -- rmmod_all
finish
