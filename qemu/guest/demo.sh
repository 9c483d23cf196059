# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=busybox
#
# The demonstration (make demo): filters on a file system that is in use.
#
# run: -k stock --disk 128M -m 1024 --device edu -t 300
VIOLATIONS=1	# of rogue, which does so on purpose
. /guest/lib.sh

fltmgr=/sys/kernel/fltmgr
filters=$fltmgr/filters
trace=/sys/kernel/tracing

tell() { echo "<5>guest: $*" > /dev/kmsg; }
show() { while IFS= read -r line; do tell "    $line"; done; }
chapter() { tell ""; tell "== $*"; }
count() { cat "$filters/$1/$2"; }

# Operations that the block layer itself has counted: bios of a bio-based
# device; for the disk, requests and what was merged into them.
bios_of() { awk '{ print $1 + $2 + $5 + $6 + $12 + $13 + $16 }' "/sys/block/$1/stat"; }

chapter "A disk, a volume on it, a file system on that"
step "the filter manager and its device-mapper target load" -- insmod_all flt_dm
sectors=$(cat /sys/block/vda/size)
step "device-mapper makes vol0 on /dev/vda" -- dmsetup create vol0 --table "0 $sectors flt /dev/vda 0 vol0"
dm=dm-$(dmsetup info -c --noheadings -o minor vol0)
step "ext4 on vol0" -- mkfs.ext4 -q /dev/mapper/vol0
mkdir -p /mnt
step "mounted" -- mount /dev/mapper/vol0 /mnt
step "fltmc knows the volume" FMC-01 FMC-04 -- sh -c "fltmc volumes | grep -q vol0"

chapter "A load that checks what it reads: fio, crc32c, 32 direct reads at a time, and writes beside them"
checked="--verify=crc32c --verify_fatal=1 --bs=4k --time_based=1 --group_reporting=1"
step "a file of blocks with checksums" -- fio --name=read --filename=/mnt/read --size=16m --rw=write --bs=4k \
	--verify=crc32c --do_verify=0 --end_fsync=1
fio --name=read --filename=/mnt/read --size=16m --rw=randread --direct=1 --ioengine=libaio --iodepth=32 \
	--runtime=30 $checked \
	--name=write --filename=/mnt/write --size=4m --rw=randwrite --rate_iops=50 --fsync=32 --verify_backlog=32 \
	--runtime=30 $checked > /run/fio.log 2>&1 &
fio=$!
reads() { awk '{ print $1 }' "/sys/block/$dm/stat"; }
more() { [ "$(reads)" -gt "$1" ]; }
step "fio reads and writes through vol0" -- wait_for 60 more $(($(reads) + 200))

chapter "Filters are attached while it runs"
step "passthrough, at its own altitude 370030" ATT-02 STA-01 -- insmod_all flt_passthrough
step "a second one above it, at 389999.5" ATT-03 ALT-02 -- fltmc attach passthrough vol0 -i upper -a 389999.5
step "delay, which holds reads back until it is told" -- load flt_delay hold=1 ops=read
fltmc instances | show

chapter "32 reads are held"
held32() { [ "$(count delay held)" = 32 ]; }
step "delay has 32 reads of fio's" PND-01 -- wait_for 60 held32
tell "    who has them (/sys/kernel/debug/fltmgr/outstanding, 3 of $(grep -c 'delay delay' /sys/kernel/debug/fltmgr/outstanding)):"
grep 'delay delay' /sys/kernel/debug/fltmgr/outstanding | head -n 3 | show

chapter "A filter that refuses is not detached"
echo 1 > /sys/module/flt_delay/parameters/refuse
step "detach says EBUSY" TDN-03 DET-03 -- expect_errno EBUSY put 1 $filters/delay/instances/vol0.delay/detach
step "and nothing has changed: active, 32 held" INV-10 -- sh -c \
	"[ \"\$(cat $filters/delay/instances/vol0.delay/state) \$(cat $filters/delay/held)\" = 'active 32' ]"
echo 0 > /sys/module/flt_delay/parameters/refuse

chapter "Detached through sysfs, with 32 operations held"
echo 1 > $trace/events/fltmgr/flt_teardown/enable
echo 1 > $trace/events/fltmgr/flt_drain/enable
entered=$(cat $fltmgr/volumes/vol0/entered)
step "the write to detach returns when teardown_complete has" TDN-20 TDN-40 -- put 1 $filters/delay/instances/vol0.delay/detach
echo 0 > $trace/events/enable
step "nothing is held" TDN-30 -- equal "$(count delay held)" 0
tell "    the teardown, from the tracepoints:"
awk '/flt_teardown:/ { t = $4; sub(":", "", t); if (!t0) t0 = t; for (i = 1; i <= NF; i++) if ($i ~ /^state=/) s = $i;
		if (drains) printf "%d post-operations drained\n", drains; drains = 0;
		printf "+%.6f s %s\n", t - t0, s }
	/flt_drain:/ { drains++ }' $trace/trace | show
step "its states came in order" TDN-17 -- sh -c "grep -o 'state=[a-z]*' $trace/trace | head -n 4 | tr '\n' ' ' |
	grep -q 'state=going state=started state=draining state=completed'"
step "fio reads on" -- wait_for 60 more $(($(reads) + 200))

chapter "Detached with post-operations owed: each is drained once"
# Filters above the device owe one for all that is at the disk; ask for a moment
# with many by detaching the upper instance again and again.
drains() {
	local n=0
	while [ "$(count passthrough drained)" = 0 ] && [ $n -lt 1000 ]; do
		put 1 $filters/passthrough/instances/vol0.upper/detach || return
		fltmc attach passthrough vol0 -i upper -a 389999.5 || return
		n=$((n + 1))
	done
	[ "$(count passthrough drained)" -gt 0 ]
}
step "drained post-operations were seen" DRN-01 DRN-09 -- drains

chapter "rmmod under load is the mandatory unload"
step "delay goes" UNL-02 TDN-42 -- rmmod flt_delay
before_pre=$(count passthrough pre)
step "fio still goes through passthrough" -- sh -c "sleep 1; [ \$(cat $filters/passthrough/pre) -gt $before_pre ]"

chapter "No operation was lost"
wait $fio
rc=$?
grep -E 'read:|write:|err=' /run/fio.log | show
step "fio has found every checksum right" -- equal $rc 0
sync
quiet() { [ "$(cat $fltmgr/volumes/vol0/entered)" = "$(cat $fltmgr/volumes/vol0/left)" ]; }
step "all operations that entered have left" -- wait_for 20 quiet
tell "    volume: entered $(cat $fltmgr/volumes/vol0/entered), left $(cat $fltmgr/volumes/vol0/left)"
tell "    passthrough: pre $(count passthrough pre) = post $(count passthrough post) (drained $(count passthrough drained)) + not wanted $(count passthrough not_wanted)"
step "pre = post + not wanted, both instances together" INV-01 -- equal "$(count passthrough pre)" \
	"$(($(count passthrough post) + $(count passthrough not_wanted)))"

chapter "... and the block layer's own counts say the same"
step "only one instance is left" -- put 1 $filters/passthrough/instances/vol0.upper/detach
umount /mnt
counts() { echo "$(count passthrough pre) $(bios_of "$dm") $(bios_of vda)"; }
a=$(counts)
fio --name=count --filename=/dev/mapper/vol0 --readonly --rw=randread --bs=4k --direct=1 --size=16m > /run/fio2.log 2>&1
b=$(counts)
delta() { echo "$b" | awk -v a="$a" -v n="$1" '{ split(a, x, " "); print $n - x[n] }'; }
tell "    of 4096 reads: passthrough saw $(delta 1), $dm counts $(delta 2), vda counts $(delta 3)"
step "passthrough and $dm agree" -- equal "$(delta 1)" "$(delta 2)"
step "$dm and the disk agree" -- equal "$(delta 2)" "$(delta 3)"

chapter "A filter that breaks a rule: rogue pends a read, and never completes it"
rogue=$filters/rogue
step "the verifier looks at rogue, and at nobody else" VRF-01 -- put rogue /sys/module/fltmgr/parameters/verifier
echo 1000 > /sys/module/fltmgr/parameters/verifier_grace_ms
step "rogue attaches" -- load flt_rogue mode=pend-never
has_rogue() { [ -e $rogue/instances/vol0.rogue ]; }
wait_for 10 has_rogue
dd if=/dev/mapper/vol0 of=/dev/null bs=4k count=1 iflag=direct 2> /dev/null &
reader=$!
has_read() { [ "$(cat $rogue/instances/vol0.rogue/pended)" = 1 ]; }
step "and has a read of dd's" -- wait_for 10 has_read
/usr/sbin/rmmod flt_rogue &
rmmod=$!
reported() { grep -q '^violation TDN-30: filter rogue' /sys/kernel/debug/fltmgr/violations; }
step "rmmod waits for it, as it must; a second later that is reported" TDN-21 TDN-30 -- wait_for 20 reported
tell "    the report (/sys/kernel/debug/fltmgr/violations, but for most of the stacks):"
sed 1,2d /sys/kernel/debug/fltmgr/violations | awk '!/^    / { n = 0 } n++ < 5 { print }' | fold -s -w 90 | show
step "rmmod still waits" TDN-21 -- kill -0 $rmmod
step "a file of rogue's own makes it complete the read" -- put 1 $rogue/release
step "dd has read" INV-01 -- wait $reader
step "and rmmod has ended" TDN-21 -- wait $rmmod

chapter "A driver goes with everything in flight: QEMU's edu device"
pci=/sys/bus/pci/drivers/edu
step "the driver loads" -- insmod_all edu
has_edu() { [ -c /dev/edu0 ]; }
wait_for 10 has_edu
exec 3<> /dev/edu0
ask() { echo "$1" >&3 && read -r answer <&3 && equal "$answer" "$2"; }
step "12!, computed by the device, told by an interrupt, a DPC and a work item" RLS-20 -- ask 12 479001600
head -c 4095 /dev/urandom > /run/ram
step "4095 bytes go to the device by DMA" RLS-57 -- sh -c 'cat /run/ram > /dev/edu0_ram'
step "and come back the same" RLS-57 -- sh -c 'cat /dev/edu0_ram | cmp - /run/ram'
edu_total() { tr ' ' '\n' < /sys/module/edu/parameters/totals | sed -n "s/^$1=//p"; }
address=$(basename "$(dirname "$(dirname "$(readlink -f /sys/class/misc/edu0)")")")
echo "module wdm +p" > /sys/kernel/debug/dynamic_debug/control 2> /dev/null
echo 100 > /sys/module/edu/parameters/work_ms
echo 100000000 >&3
cat /run/ram > /dev/edu0_ram
(dd bs=16 count=1 <&3; echo $? > /run/read.rc) 2> /run/read.err &
reader=$!
tell "    it computes 100000000!, somebody waits for that, DMA is on its way; now it is unbound"
step "unbound" RLS-04 RLS-24 -- put "$address" $pci/unbind
tell "    the stages:$(dmesg | sed -n 's/.*wdm: driver edu: device edu0: stage / /p' | tr -d '\n')"
wait $reader
tell "    who waited: $(sed -n 's/.*: //p' /run/read.err)"
step "who waited was told" RLS-13 -- equal "$(cat /run/read.rc)" 1
step "a computation and DMA were in flight, and a file was open" RLS-57 -- \
	equal "$(edu_total gone_factorial) $(edu_total gone_dma) $(edu_total gone_open)" "1 1 1"
step "the file says ENODEV" RLS-04 -- expect_errno ENODEV sh -c 'echo 1 >&3'
step "each DPC and each work item that was queued has run" RLS-37 -- \
	equal "$(edu_total dpcs_run) $(edu_total works_run)" \
	"$(edu_total dpcs_queued) $(($(edu_total works_queued) - $(edu_total works_refused)))"
step "rmmod says EBUSY, as the file is open" RLS-02 -- expect_errno EBUSY /usr/sbin/rmmod edu
exec 3>&-
step "it is closed, and the modules go" RLS-84 -- rmmod edu wdm

chapter "Dismount"
step "rmmod of a filter while it is attached" UNL-12 -- rmmod flt_passthrough
step "vol0 goes" VOL-01 TDN-43 -- dmsetup remove vol0
step "fsck finds nothing on the bare disk" -- e2fsck -fn /dev/vda
step "the modules unload" -- unload flt_dm fltmgr
finish
