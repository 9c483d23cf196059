# SPDX-License-Identifier: GPL-2.0-only
# The device-mapper target flt without filters: it is dm-linear, and it is a volume as long as a table names it.
#
# run: -k debug --disk 64M --disk 64M -m 768 -t 600
# also: -k stock
. /guest/lib.sh

V=/sys/kernel/fltmgr/volumes
LONG=$(head -c 255 /dev/zero | tr '\0' n)

create() { dmsetup create "$1" --table "$2"; }
# refused ERRNO TABLE: no device, no reference of the module is left
refused() {
	expect_errno "$1" dmsetup create bad --table "$2" || return
	refuses dmsetup info bad && equal "$(cat /sys/module/flt_dm/refcnt)" "${refs:-0}"
}
sum() { dd if="$1" bs=64k iflag=direct skip="${2:-0}" count="${3:-100000}" 2>/dev/null | md5sum; }
same() { equal "$(sum "$1")" "$(sum "$2")"; }
dev() { basename "$(readlink -f "/dev/mapper/$1")"; }
# Without udev the nodes in /dev/mapper are no links.
number() { dmsetup info -c --noheadings -o blkdevname "$1"; }
gone() { [ ! -e "$1" ]; }
there() { [ -e "$1" ]; }
status_is() { equal "$(dmsetup status "$1" | cut -d' ' -f4-)" "$2"; }

step "the manager" -- load fltmgr
step "the target is loaded by its name" -- create vol0 "0 32768 flt /dev/vda 2048 vol0"
step "its module" -- loaded flt_dm
step "a volume is there" VOL-01 -- there $V/vol0
step "its status" -- status_is vol0 "vol0 live - 0"
step "the module is in use" -- expect_errno EBUSY /usr/sbin/rmmod flt_dm
refs=$(cat /sys/module/flt_dm/refcnt)

# --- what is refused
step "too few arguments" -- refused EINVAL "0 1024 flt /dev/vda 0"
step "too many arguments" -- refused EINVAL "0 1024 flt /dev/vda 0 bad more"
step "an offset that is no number" -- refused EINVAL "0 1024 flt /dev/vda 0x10 bad"
step "a negative offset" -- refused EINVAL "0 1024 flt /dev/vda -1 bad"
step "an offset behind the end" -- refused EINVAL "0 1024 flt /dev/vda 131072 bad"
step "a length behind the end" -- refused EINVAL "0 131072 flt /dev/vda 8 bad"
step "no such device file" -- refused ENOENT "0 1024 flt /dev/none 0 bad"
step "no such device number" -- refused ENXIO "0 1024 flt 250:250 0 bad"
step "a name with a slash" -- refused EINVAL "0 1024 flt /dev/vda 0 a/b"
step "the name ." -- refused EINVAL "0 1024 flt /dev/vda 0 ."
step "the name .." -- refused EINVAL "0 1024 flt /dev/vda 0 .."
step "a name of 256 bytes" -- refused EINVAL "0 1024 flt /dev/vda 0 ${LONG}n"
step "a name with a control character" -- refused EINVAL "0 1024 flt /dev/vda 0 a$(printf '\001')b"
step "a name with a space" -- refused EINVAL '0 1024 flt /dev/vda 0 a\ b'
step "a name with a backslash" -- refused EINVAL '0 1024 flt /dev/vda 0 a\b'
step "a name that is not ASCII" -- refused EINVAL "0 1024 flt /dev/vda 0 $(printf 'v\303\251')"
step "a name in use in another device" -- refused EEXIST "0 1024 flt /dev/vdb 0 vol0"
step "a name twice in one table" -- refused EEXIST "0 1024 flt /dev/vdb 0 bad
1024 1024 flt /dev/vdb 1024 bad"
step "a device in use by somebody else" -- mkfs.ext4 -q /dev/vdb
mount -t ext4 /dev/vdb /mnt
step "says so" -- refused EBUSY "0 1024 flt /dev/vdb 0 bad"
umount /mnt
step "messages" -- expect_errno EINVAL dmsetup message vol0 0 hello
step "volumes are none the more" -- equal "$(ls $V)" vol0

# --- a volume of another kind has the name
if load flt_sim 2>/dev/null; then
	echo other > /sys/kernel/debug/flt_sim/create
	step "a name that a simulated volume has" VOL-02 -- refused EEXIST "0 1024 flt /dev/vdb 0 other"
	step "which stays" -- there $V/other
	echo other > /sys/kernel/debug/flt_sim/destroy
	unload flt_sim
fi

# --- names
step "a name of 255 bytes" -- create long "0 1024 flt /dev/vdb 0 $LONG"
step "is a volume" -- there "$V/$LONG"
dmsetup remove long
step "a name of odd characters" -- create odd '0 1024 flt /dev/vdb 0 a"b;=,%s'
step "is a volume as written" -- there $V/'a"b;=,%s'
table=$(dmsetup table odd)
step "is shown as written" -- equal "$(echo "$table" | cut -d' ' -f6)" 'a"b;=,%s'
dmsetup remove odd
step "and its table can be loaded as shown" -- create odd "$table"
step "and is the same" -- equal "$(dmsetup table odd)" "$table"
dmsetup remove odd
if mount -t securityfs sec /sys/kernel/security 2>/dev/null && [ -w /sys/kernel/security/ima/policy ]; then
	echo "measure func=CRITICAL_DATA label=device-mapper" > /sys/kernel/security/ima/policy
	create odd '0 1024 flt /dev/vdb 8 a,b=c'
	measured() { grep dm_table_load /sys/kernel/security/ima/ascii_runtime_measurements | tail -1 |
		awk '{ print $NF }' | sed 's/../\\x&/g' | xargs -0 printf; }
	measured > /run/measured
	step "its table is measured" -- has /run/measured \
		'target_name=flt,target_version=1\.0\.0,device_name=[0-9]+:16,start=8,volume=a\\,b\\=c;'
	dmsetup remove odd
fi

# --- it is linear
step "a linear beside it" -- create lin "0 32768 linear /dev/vda 2048"
dd if=/dev/urandom of=/dev/mapper/lin bs=64k count=256 oflag=direct 2>/dev/null
step "reads the same" -- same /dev/mapper/vol0 /dev/mapper/lin
dd if=/dev/urandom of=/dev/mapper/vol0 bs=64k count=256 oflag=direct 2>/dev/null
step "writes the same" -- same /dev/mapper/vol0 /dev/mapper/lin
step "buffered, too" -- dd if=/dev/urandom of=/dev/mapper/vol0 bs=4k count=1024 seek=100 conv=fsync
step "the same" -- same /dev/mapper/vol0 /dev/mapper/lin
limits() { (cd "/sys/block/$(number "$1")/queue" && grep -sr . . | grep -v '^./io_poll' | sort); }
step "queue limits as linear" -- equal "$(limits vol0)" "$(limits lin)"
step "no DAX" -- equal "$(cat "/sys/block/$(number vol0)/queue/dax")" 0
step "the length is right" -- equal "$(blockdev --getsz /dev/mapper/vol0)" 32768
dmsetup remove lin

# --- a file system
step "a file system" -- mkfs.ext4 -q /dev/mapper/vol0
step "is mounted" -- mount -t ext4 /dev/mapper/vol0 /mnt
verify() {
	fio --name=v --filename=/mnt/v --size=6M --bsrange=4k-64k --verify=crc32c --verify_fatal=1 "$@"
}
step "fio verifies direct writes" -- verify --rw=randwrite --direct=1 --ioengine=libaio --iodepth=8
step "fio verifies buffered writes" -- verify --rw=randwrite --direct=0 --fsync=16
step "suspend waits for nothing" -- dmsetup suspend vol0
step "and resume" -- dmsetup resume vol0

# --- tables replaced under I/O
inode=$(stat -c %i $V/vol0)
(verify --rw=randrw --direct=1 --ioengine=libaio --iodepth=8 --loops=3 > /run/fio.out 2>&1; echo $? > /run/fio.rc) &
reloads() {
	for i in 1 2 3 4 5 6; do
		dmsetup load vol0 --table "0 32768 flt /dev/vda 2048 vol0" || return
		dmsetup suspend vol0 && dmsetup resume vol0 || return
	done
}
step "its table is replaced under I/O" -- reloads
wait
step "nothing is lost" -- equal "$(cat /run/fio.rc)" 0
step "the volume is the same" -- equal "$(stat -c %i $V/vol0)" "$inode"
step "unmounted" -- umount /mnt
step "the file system is sound" -- fsck.ext4 -fn /dev/mapper/vol0

# --- tables that never become live
step "a table is loaded" -- dmsetup load vol0 --table "0 32768 flt /dev/vda 2048 ghost"
step "its volume is not there yet" -- gone $V/ghost
step "its status" -- equal "$(dmsetup status --inactive vol0 | cut -d' ' -f4-)" "ghost new - 0"
step "but its name is taken" -- expect_errno EEXIST create other "0 1024 flt /dev/vdb 0 ghost"
step "it is cleared" -- dmsetup clear vol0
step "and the name is free" -- create other "0 1024 flt /dev/vdb 0 ghost"
step "for another" -- there $V/ghost
dmsetup remove other
step "a loaded table with another name" -- dmsetup load vol0 --table "0 32768 flt /dev/vda 2048 ghost"
step "becomes live" -- dmsetup resume vol0
step "the new volume is there" -- there $V/ghost
step "the old one is not" -- gone $V/vol0
step "a table of another type" -- dmsetup load vol0 --table "0 32768 linear /dev/vda 2048"
step "becomes live" -- dmsetup resume vol0
step "and the volume goes" -- gone $V/ghost
step "removed" -- dmsetup remove vol0
step "nothing is left" -- equal "$(ls $V)" ""
step "nobody uses the module" -- equal "$(cat /sys/module/flt_dm/refcnt)" 0

# --- several targets
many="0 16384 flt /dev/vda 0 a
16384 8192 linear /dev/vda 20480
24576 16384 flt /dev/vdb 8192 b
40960 8192 flt /dev/vdb 40960 c"
step "several targets in a table" -- create many "$many"
step "are as many volumes" -- equal "$(ls $V | tr '\n' ' ')" "a b c "
dd if=/dev/urandom of=/run/data bs=64k count=384 2>/dev/null
step "written over all" -- dd if=/run/data of=/dev/mapper/many bs=128k oflag=direct
step "read back" -- equal "$(sum /dev/mapper/many)" "$(md5sum < /run/data)"
step "the third is where it belongs" -- equal "$(sum /dev/vdb 64 128)" \
	"$(dd if=/run/data bs=64k skip=192 count=128 2>/dev/null | md5sum)"
step "flushed" -- dd if=/run/data of=/dev/mapper/many bs=60k count=10 seek=130 conv=fsync
step "its table round-trips" -- sh -c 'dmsetup table many > /run/t && dmsetup load many < /run/t &&
	dmsetup resume many && dmsetup table many | cmp - /run/t'
step "removed" -- dmsetup remove many

# --- stacked
step "below" -- create low "0 65536 flt /dev/vda 0 low"
step "above" -- create high "0 65000 flt /dev/mapper/low 8 high"
step "above that" -- create top "0 64000 flt /dev/mapper/high 8 top"
step "a file system on top" -- mkfs.ext4 -q /dev/mapper/top
step "mounted" -- mount -t ext4 /dev/mapper/top /mnt
step "fio verifies" -- verify --rw=randwrite --direct=1 --ioengine=libaio --iodepth=8
step "the lower cannot be removed" -- expect_errno EBUSY dmsetup remove low
umount /mnt
step "the file system is sound" -- fsck.ext4 -fn /dev/mapper/top
dmsetup remove top; dmsetup remove high

# --- removal
step "somebody has it open" -- sh -c 'sleep 1000 < /dev/mapper/low & echo $! > /run/pid'
step "removal is refused" -- expect_errno EBUSY dmsetup remove low
step "the volume is as before" -- status_is low "low live - 0"
step "removal is put off" -- dmsetup remove --deferred low
step "the volume is still there" -- there $V/low
kill "$(cat /run/pid)"
step "and goes with the last user" -- wait_for 10 gone $V/low
step "as the device does" -- wait_for 10 refuses dmsetup info low

step "again" -- create low "0 65536 flt /dev/vda 0 low"
step "somebody has it open" -- sh -c 'sleep 1000 < /dev/mapper/low & echo $! > /run/pid'
step "removal by force" -- refuses dmsetup remove --force low
step "replaces the table" -- equal "$(dmsetup table low)" "0 65536 error "
step "and dismounts the volume" -- gone $V/low
step "reads fail" -- expect_errno EIO dd if=/dev/mapper/low of=/dev/null bs=4k count=1 iflag=direct
step "the module is free though the device is open" -- equal "$(cat /sys/module/flt_dm/refcnt)" 0
kill "$(cat /run/pid)"
step "it goes" -- wait_for 10 dmsetup remove low

# --- swap
step "a device for swap" -- create swap "0 131072 flt /dev/vdb 0 swap"
mkswap /dev/mapper/swap > /dev/null
step "is swapped to" -- swapon /dev/mapper/swap
mkdir -p /run/cg && mount -t cgroup2 cg /run/cg && echo +memory > /run/cg/cgroup.subtree_control && mkdir /run/cg/small
mkdir -p /run/shm && mount -t tmpfs -o size=40m shm /run/shm
if [ -e /run/cg/small/memory.max ]; then
	echo 12M > /run/cg/small/memory.max
	head -c 25165824 /run/data > /tmp/copy
	fill() { sh -c 'echo $$ > /run/cg/small/cgroup.procs; cat /tmp/copy > /run/shm/x'; }
	step "more memory than there is" -- fill
	step "is in the swap" -- sh -c '[ $(awk "/mapper.swap|dm-/ { print \$4 }" /proc/swaps) -gt 4096 ]'
	step "and comes back" -- equal "$(md5sum < /run/shm/x)" "$(md5sum < /tmp/copy)"
	rm -f /run/shm/x /tmp/copy
fi
step "no more swap" -- swapoff /dev/mapper/swap
dmsetup remove swap
umount /run/shm; rmdir /run/cg/small; umount /run/cg

# --- discard and friends, on a device that has them
step "a device that can discard" -- load null_blk nr_devices=1 memory_backed=1 discard=1 gb=1 bs=512
on_null() { create "$1" "0 32768 $1 /dev/nullb0 2048$2"; }
step "flt on it" -- on_null flt " n"
step "linear on it" -- on_null linear ""
step "the same limits" -- equal "$(limits flt)" "$(limits linear)"
dd if=/run/data of=/dev/mapper/flt bs=64k count=256 oflag=direct 2>/dev/null
zero() { dd if=/dev/mapper/flt bs=64k skip=16 count=16 2>/dev/null | cmp -n 1048576 - /dev/zero; }
step "discard" -- blkdiscard -o 1048576 -l 1048576 /dev/mapper/flt
step "zeroes what it says" -- zero
step "and nothing else" -- equal "$(sum /dev/mapper/flt 0 16)" \
	"$(dd if=/run/data bs=64k count=16 2>/dev/null | md5sum)"
dd if=/run/data of=/dev/mapper/flt bs=64k count=256 oflag=direct 2>/dev/null
step "write zeroes" -- blkdiscard -z -o 1048576 -l 1048576 /dev/mapper/flt
step "writes them" -- zero
step "the same is below" -- same /dev/mapper/flt /dev/mapper/linear
step "secure erase, which it has not" -- expect_errno EOPNOTSUPP blkdiscard -s /dev/mapper/flt
dmsetup remove flt; dmsetup remove linear; rmmod null_blk

# --- what it does not offer and the device below does
step "a device that polls" -- load null_blk nr_devices=1 queue_mode=2 poll_queues=1 submit_queues=2 gb=1
polls() { equal "$(cat "/sys/block/$1/queue/io_poll")" "$2"; }
step "really" -- polls nullb0 1
on_null flt " n"; on_null linear ""
step "linear polls" -- polls "$(number linear)" 1
step "flt does not" -- polls "$(number flt)" 0
step "linear above flt does not" -- create above "0 1024 linear /dev/mapper/flt 0"
step "poll" -- polls "$(number above)" 0
dmsetup remove above
nowait() {
	fio --name=n --filename="/dev/mapper/$1" --rw=randread --bs=4k --size=64k --direct=1 --ioengine=pvsync2 --nowait=1
}
step "linear takes NOWAIT" -- nowait linear
step "flt does not" -- expect_errno EOPNOTSUPP nowait flt
hipri() {
	fio --name=n --filename="/dev/mapper/$1" --rw=randread --bs=4k --size=64k --direct=1 --ioengine=io_uring --hipri=1
}
step "polled reads through linear" -- hipri linear
step "are refused by flt" -- refuses hipri flt
dmsetup remove flt; dmsetup remove linear; rmmod null_blk

if load null_blk nr_devices=1 zoned=1 zone_size=4 gb=1 2>/dev/null && [ -e /sys/block/nullb0/queue/zoned ] &&
   [ "$(cat /sys/block/nullb0/queue/zoned)" = host-managed ]; then
	refs=0
	step "a device with zones" -- refused EINVAL "0 32768 flt /dev/nullb0 0 bad"
fi
loaded null_blk && rmmod null_blk

# A profile of integrity metadata; some kernels have no such devices to offer.
profile() { cat "/sys/block/$1/integrity/format" 2>/dev/null || echo none; }
if load sd_mod 2>/dev/null && load scsi_debug dif=1 dix=1 dev_size_mb=16 delay=0 2>/dev/null; then
	step "a disk with integrity metadata" -- wait_for 20 there /dev/sda
	create linear "0 16384 linear /dev/sda 0"; create flt "0 16384 flt /dev/sda 0 n"
	step "really" -- has /sys/block/sda/integrity/format T10
	step "linear passes it on" -- equal "$(profile "$(number linear)")" "$(profile sda)"
	step "flt does not" -- equal "$(profile "$(number flt)")" none
	dmsetup remove flt; dmsetup remove linear
	step "the disk goes" -- wait_for 10 rmmod scsi_debug
fi

# Reads the state of a loop device by an ioctl, whatever the device is.
step "a loop device" -- sh -c 'load() { modprobe loop; }; load; truncate -s 8M /run/img && losetup /dev/loop0 /run/img'
step "linear and flt on it" -- create linear "0 16384 linear /dev/loop0 0"
create flt "0 16384 flt /dev/loop0 0 n"
step "linear passes ioctls on" -- busybox losetup /dev/mapper/linear
step "flt does not" -- refuses busybox losetup /dev/mapper/flt
dmsetup remove flt; dmsetup remove linear
losetup -d /dev/loop0; rmmod loop

# --- the end
step "no volume is left" -- equal "$(ls $V)" ""
step "the target goes" -- rmmod flt_dm
step "and is not known" -- refuses sh -c 'dmsetup targets | grep -q ^flt'
step "and the manager" INV-21 -- unload fltmgr
finish
