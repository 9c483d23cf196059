# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=busybox
#
# A power failure at any flush: ext4 on flt on dm-log-writes, filters coming and
# going, and the log replayed barrier by barrier; each time the journal must
# recover and fsck be content. What a filter delays must not pass a flush.
#
# run: -k stock --disk 32M --disk 256M -m 1024 -t 600
. /guest/lib.sh

filters=/sys/kernel/fltmgr/filters
sectors=$(cat /sys/block/vda/size)

step "modules load" -- insmod_all flt_dm
step "dm-log-writes" -- modprobe dm-log-writes
step "a logged disk" -- dmsetup create logged --table "0 $sectors log-writes /dev/vda /dev/vdb"
step "vol0 on it" -- dmsetup create vol0 --table "0 $sectors flt /dev/mapper/logged 0 vol0"
step "passthrough" -- insmod_all flt_passthrough
step "delay: each write is late by 2 ms" -- load flt_delay ms=2 ops=write
step "ext4" -- mkfs.ext4 -q -E lazy_itable_init=0,lazy_journal_init=0 /dev/mapper/vol0
mkdir -p /mnt
step "the log is marked" -- dmsetup message logged 0 mark mkfs
step "mounted" -- mount -t ext4 /dev/mapper/vol0 /mnt

work() {
	local n=0
	while [ $n -lt 8 ]; do
		mkdir /mnt/d$n && dd if=/dev/urandom of=/mnt/d$n/f bs=4k count=20 conv=fsync 2> /dev/null || return
		[ $((n % 3)) = 0 ] && { rm -rf /mnt/d$((n - 1)) || return; }
		n=$((n + 1))
	done
}
churn() {
	local n=0
	while [ $n -lt 4 ]; do
		put 1 $filters/delay/instances/vol0.delay/detach && put vol0 $filters/delay/attach || return
		put 1 $filters/passthrough/instances/vol0.passthrough/detach && put vol0 $filters/passthrough/attach || return
		n=$((n + 1))
	done
}
work &
worker=$!
step "filters go and come while files are written" -- churn
step "all are written" -- wait $worker
step "unmounted" -- umount /mnt
step "vol0 goes" -- dmsetup remove vol0
step "the log is closed" -- dmsetup remove logged

# In a file, of which each barrier's check has a copy of its own.
truncate -s $((sectors * 512)) /run/image
barriers=0
recovers() {
	cp /run/image /run/copy || return
	e2fsck -fy /run/copy > /run/fsck.log 2>&1
	# 1: the journal was replayed, as it should be
	[ $? -le 1 ] && e2fsck -fn /run/copy >> /run/fsck.log 2>&1 && return
	cat /run/fsck.log
	return 1
}
replay() {
	local marked=0 said
	while :; do
		said=$(replay-log /dev/vdb /run/image /run/state) || return
		case $said in *"mark mkfs"*) marked=1 ;; esac
		case $said in *end*) break ;; esac
		[ $marked = 1 ] || continue
		barriers=$((barriers + 1))
		recovers || { echo "at $said"; return 1; }
	done
	log "$barriers barriers"
}
step "the file system recovers at each barrier" DRN-09 INV-01 -- replay
step "there were barriers enough to mean something" -- [ $barriers -ge 8 ]
step "and the end of the log is what is on the disk" -- sh -c "cmp /run/image /dev/vda"
step "modules unload" INV-21 -- unload flt_delay flt_passthrough flt_dm fltmgr
finish
