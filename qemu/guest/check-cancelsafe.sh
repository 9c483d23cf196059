# SPDX-License-Identifier: GPL-2.0-only
# Reads that wait in a filter's queue are cancelled: by message, by time-out, by a suspend; the cancelsafe sample.
#
# run: -k stock --disk 64M -t 300
# also: -k debug
. /guest/lib.sh

F=/sys/kernel/fltmgr/filters
C=$F/cancelsafe
P=/sys/module/flt_cancelsafe/parameters
S=/sys/kernel/debug/flt_sim
TABLE="0 65536 flt /dev/vda 0 vol0"

is() { equal "$(cat "$1")" "$2"; }
gone() { [ ! -e "$1" ]; }
there() { [ -e "$1" ]; }
attached() { wait_for 10 there "$C/instances/$1.cancelsafe"; }
counter() { cat $C/$1; }
held() { equal $(($(counter queued) - $(counter passed) - $(counter cancelled))) "$1"; }
read4k() { dd if=/dev/mapper/vol0 of=/dev/null bs=4k count=1 skip="${1:-0}" iflag=direct; }
write4k() { dd if=/dev/zero of=/dev/mapper/vol0 bs=4k count=1 seek="${1:-0}" oflag=direct conv=notrunc; }
message() { dmsetup message vol0 0 "$@"; }
status_is() { equal "$(dmsetup status vol0 | cut -d' ' -f4-)" "vol0 live $1"; }
alive() { kill -0 "$1" 2>/dev/null; }

# readers N: that many reads in the background; each leaves its exit status and what dd said
readers() {
	local i
	rm -f /run/reader.*
	pids=
	for i in $(seq "$1"); do
		(read4k "$i" 2> /run/reader.$i.err; echo $? > /run/reader.$i.rc) & pids="$pids $!"
	done
	wait_for 20 held "$1"
}
# ended OK FAILED: all readers have ended, so many well, so many with EIO
ended() {
	local pid
	for pid in $pids; do wait "$pid"; done
	equal "$(cat /run/reader.*.rc | grep -c '^0$')" "$1" || return
	equal "$(cat /run/reader.*.err | grep -c 'Input/output error')" "$2"
}
# counts QUEUED PASSED CANCELLED, since the filter was loaded
counts() { is $C/queued "$1" && is $C/passed "$2" && is $C/cancelled "$3"; }

step "the manager, the target, the filter" -- insmod_all fltmgr flt_dm
step "which holds reads back" -- load flt_cancelsafe hold=1
step "a volume" -- dmsetup create vol0 --table "$TABLE"
step "the filter is attached" CBQ-16 -- attached vol0

# --- what can be said to the target
for bad in hello "cancel now" timeout "timeout x" "timeout 0x10" "timeout 1x" "timeout 3600001" "timeout 99999999999" "timeout 1 2"; do
	# shellcheck disable=SC2086 # words
	step "'$bad' is not understood" -- expect_errno EINVAL message $bad
done
step "and changes nothing" -- status_is "read 0"
step "the longest time-out" -- message timeout 3600000
step "is shown" -- status_is "read 0 timeout 3600000"
step "no time-out" -- message timeout 0
step "is not" -- status_is "read 0"
step "nothing is there to be cancelled" -- equal "$(message cancel)" 0

# --- by message
step "eight reads wait" CBQ-04 -- readers 8
step "writes do not" -- write4k 100
step "they are cancelled" CBQ-11 -- equal "$(message cancel)" 8
step "and end at once, with EIO" CBQ-11 -- ended 0 8
step "none was passed on" CBQ-10 -- counts 8 0 8
step "four reads wait" -- readers 4
put 3 $C/release
step "three are told to go on" CBQ-09 -- wait_for 10 held 1
step "the other is cancelled" CBQ-10 -- equal "$(message cancel)" 1
step "three have succeeded" -- ended 3 1
step "the counts add up" INV-12 -- counts 12 3 9

# --- by time-out
step "a time-out" -- message timeout 300
step "ends a read by itself" CBQ-11 -- expect_errno EIO read4k
step "which was cancelled" -- counts 13 3 10
put 0 $P/hold; put 20 $P/ms
step "one that does not wait that long is not" -- read4k
step "but passed on" -- counts 14 4 10
put 1 $P/hold
step "the table is replaced" -- sh -c "dmsetup load vol0 --table '$TABLE' && dmsetup suspend vol0 && dmsetup resume vol0"
step "the time-out is the volume's" -- status_is "read 0 timeout 300"
step "and still ends a read" -- expect_errno EIO read4k
message timeout 0
step "without one" -- readers 1
sleep 1
step "a read waits as long as it takes" -- held 1
put all $C/release
step "and succeeds" -- ended 1 0
step "the counts add up" INV-12 -- counts 16 5 11

# --- the instance goes
step "five reads wait" -- readers 5
step "detached with them in the queue" CBQ-13 CBQ-16 -- put 1 $C/instances/vol0.cancelsafe/detach
step "none is lost" CBQ-14 -- ended 5 0
step "all were passed on" -- counts 21 10 11
step "reads are no longer held" -- read4k
step "attached again" -- sh -c "echo vol0 > $C/attach"
attached vol0

# --- suspending
step "three reads wait" -- readers 3
step "a suspend without a flush does not" -- timeout 20 /usr/sbin/dmsetup suspend --noflush --nolockfs vol0
step "they were cancelled" -- ended 0 3
step "resumed" -- dmsetup resume vol0
step "a read waits again" -- readers 1
/usr/sbin/dmsetup suspend --nolockfs vol0 & suspend=$!
sleep 0.5
step "a plain suspend waits for it" -- alive $suspend
step "until it is cancelled" -- equal "$(message cancel)" 1
step "then it is through" -- wait $suspend
step "and the read has failed" -- ended 0 1
dmsetup resume vol0
step "two reads wait" -- readers 2
/usr/sbin/dmsetup suspend --nolockfs vol0 & suspend=$!
sleep 0.5
step "so does the next" -- alive $suspend
step "until there is a time-out" -- message timeout 100
step "then it is through" -- wait $suspend
step "and both have failed" -- ended 0 2
dmsetup resume vol0
message timeout 0
step "the counts add up" INV-12 -- counts 27 10 17

# --- removed by force
sleep 1000 < /dev/mapper/vol0 & opener=$!
step "two reads wait" -- readers 2
timeout 20 /usr/sbin/dmsetup remove --force vol0 > /run/force 2>&1
step "the device is removed by force" -- equal "$(dmsetup table vol0)" "0 65536 error "
step "they have failed" -- ended 0 2
step "the volume is gone" -- gone /sys/kernel/fltmgr/volumes/vol0
kill $opener
step "and the device" -- wait_for 10 dmsetup remove vol0

# --- the module goes
dmsetup create vol0 --table "$TABLE"
attached vol0
step "the time-out went with the volume" -- status_is "read 0"
step "four reads wait" -- readers 4
step "the counts add up" INV-12 -- counts 33 10 19
step "unloaded with them in the queue" CBQ-18 TDN-42 -- unload flt_cancelsafe
step "none is lost" -- ended 4 0
dmsetup remove vol0

# --- a simulated volume says what a filter says
step "the simulated volume" -- insmod_all flt_sim
load flt_cancelsafe hold=1
put vol $S/create
attached vol
(put "read 0 512 wait" $S/vol/submit 2> /run/sim.err) & reader=$!
step "a read waits" -- wait_for 10 held 1
step "'some' is nothing to cancel" -- expect_errno EINVAL put some $S/vol/cancel
step "it is cancelled" -- put all $S/vol/cancel
step "and ends" -- refuses wait $reader
step "as a cancelled one" CBQ-11 -- has /run/sim.err "Operation canceled|canceled"

# --- what it has passed on is in a filter below, and sleeps there
step "a filter below" -- load flt_delay mode=sync hold=1
wait_for 10 there $F/delay/instances/vol.delay
put 1 $F/delay/instances/vol.delay/detach
step "in whose callback operations sleep" -- put "vol low 1000" $F/delay/attach
(put "read 0 512 wait" $S/vol/submit 2> /run/sim.err) & reader=$!
step "a read waits" -- wait_for 10 held 1
put all $C/release
step "and then sleeps below" -- wait_for 10 is $F/delay/held 1
step "which holds up no teardown here" TDN-15 -- \
	timeout 10 sh -c "echo 1 > $C/instances/vol.cancelsafe/detach"
put 1 $F/delay/release
step "the read ends well" -- wait $reader
unload flt_delay
put vol $S/destroy
step "no complaints of the manager" -- refuses said "violation"
step "nothing is left" INV-21 -- rmmod_all
finish
