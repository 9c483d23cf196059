# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=busybox
#
# How deep the stack gets: ext4 on flt with eight filters on flt with two more,
# on dm-linear, under KASAN. The kernel says so when a task ends that has used
# more than any before it.
#
# run: -k debug --disk 64M -m 1024 -t 300
. /guest/lib.sh

filters=/sys/kernel/fltmgr/filters
sectors=$(cat /sys/block/vda/size)

step "modules load" -- insmod_all flt_dm
step "dm-linear" -- dmsetup create linear --table "0 $sectors linear /dev/vda 0"
step "lower volume" -- dmsetup create low --table "0 $sectors flt /dev/mapper/linear 0 low"
step "upper volume on it" -- dmsetup create top --table "0 $sectors flt /dev/mapper/low 0 top"
step "a filter" -- insmod_all flt_passthrough
attach8() {
	local n=2
	put "low second 1000" $filters/passthrough/attach || return
	while [ $n -le 8 ]; do
		put "top i$n $n" $filters/passthrough/attach || return
		n=$((n + 1))
	done
}
step "eight instances above, two below" -- attach8
step "they are there" -- equal "$(ls /sys/kernel/fltmgr/volumes/top/stack | wc -l) $(ls /sys/kernel/fltmgr/volumes/low/stack | wc -l)" "8 2"
step "ext4" -- mkfs.ext4 -q /dev/mapper/top
mkdir -p /mnt
step "mounted" -- mount /dev/mapper/top /mnt
step "fio: direct, buffered and with fsync" -- fio --directory=/mnt --size=2m --bs=4k --verify=crc32c \
	--name=direct --rw=randrw --direct=1 --ioengine=libaio --iodepth=8 \
	--name=buffered --rw=randrw --ioengine=psync --fsync=8
step "files are made and removed" -- sh -c 'for i in 1 2 3 4 5 6 7 8; do mkdir /mnt/$i && cp /init /mnt/$i/f; done; sync; rm -rf /mnt/[1-8]'
step "unmounted" -- umount /mnt
least=$(dmesg | sed -n 's/.*used greatest stack depth: \([0-9]*\) bytes left.*/\1/p' | sort -n | head -n 1)
log "at least $least bytes of stack were left"
step "a quarter of a stack at least was never used" -- [ "${least:-0}" -ge 4096 ]
step "nothing was lost" INV-01 -- equal "$(cat $filters/passthrough/pre)" "$(cat $filters/passthrough/post)"
step "fsck is content" -- e2fsck -fn /dev/mapper/top
step "all goes" -- sh -c "dmsetup remove top && dmsetup remove low && dmsetup remove linear"
step "modules unload" INV-21 -- unload flt_passthrough flt_dm fltmgr
finish
