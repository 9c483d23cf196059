# SPDX-License-Identifier: GPL-2.0-only
# The guest itself: what other scripts take for granted.
#
# run: -k stock --disk 64M --disk 32M -t 120
. /guest/lib.sh

step "two processors" -- equal "$(nproc)" 2
step "the first disk has its size" -- equal "$(cat /sys/block/vda/size)" 131072
step "the second disk has its size" -- equal "$(cat /sys/block/vdb/size)" 65536
step "device-mapper" -- load dm-mod
step "a mapped device" -- dmsetup create lin --table "0 65536 linear /dev/vdb 0"
step "a file system on it" -- mkfs.ext4 -q /dev/mapper/lin
step "that can be mounted" -- mount -t ext4 /dev/mapper/lin /mnt
step "and written" -- dd if=/dev/urandom of=/mnt/x bs=64k count=16 oflag=direct
step "and unmounted" -- umount /mnt
step "a busy table cannot be removed twice" -- dmsetup remove lin
step "what is not there says so" -- expect_errno ENXIO dmsetup remove lin
step "wait_for waits" -- wait_for 5 true
# The log is full of short lines; long ones come, and it has fewer than before.
yes "<7>filler" | dd of=/dev/kmsg bs=10 count=6000 iflag=fullblock 2> /dev/null
mark
step "nothing is said" -- refuses said .
echo "<7>something new" > /dev/kmsg
long=$(printf '%800s' '' | tr ' ' x)
for n in $(seq 130); do echo "<7>$n $long" > /dev/kmsg; done
step "what is said when the log is full is found" -- said "something new"
step "... and nothing older" -- refuses said filler
finish
