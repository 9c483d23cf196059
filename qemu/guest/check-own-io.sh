# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=busybox
#
# I/O of a filter's own on dm volumes: who sees it, what the disk has, and what a
# suspended device does with it.
#
# run: -k stock --disk 64M -m 768 -t 300
# also: -k debug
. /guest/lib.sh

F=/sys/kernel/fltmgr/filters
T=/sys/module/flt_dm_test/parameters
P=$F/passthrough
create() { dmsetup create "$1" --table "$2"; }
there() { [ -e "$1" ]; }
attached() { wait_for 10 there "$F/$2/instances/$1.$2"; }
own() { put "$1" $T/own; }
is() { equal "$(cat "$1")" "$2"; }
block() { dd if="$1" bs=4k skip="$2" count=1 iflag=direct 2>/dev/null | od -An -v -tx1 | grep -vc '^\( 5a\)\{16\}$'; }
alive() { kill -0 "$1" 2>/dev/null; }
suspended() { dmsetup info "$1" | grep -q SUSPENDED; }

step "the manager and the target" -- insmod_all fltmgr flt_dm
step "a filter below" -- load flt_passthrough
step "a filter with I/O of its own" -- load flt_dm_test
step "a volume" -- create vol0 "0 65536 flt /dev/vda 0 vol0"
attached vol0 dm_test && attached vol0 passthrough
seen=$(cat $T/seen)
below=$(cat $P/pre)

step "it writes a block" FIO-11 -- own "write 40960"
step "which the disk has" FIO-01 -- equal "$(block /dev/vda 10)" 0
step "but not elsewhere" FIO-01 -- refuses equal "$(block /dev/vda 11)" 0
step "it has not seen that itself" FIO-01 INV-15 -- equal "$(cat $T/seen)" "$seen"
step "but the filter below has" FIO-01 -- equal "$(cat $P/pre)" $((below + 1))
step "it reads it" FIO-11 -- own "read 40960"
step "and finds it" FIO-11 -- is $T/own 0
step "it reads another" -- own "read 0"
step "and finds something else" -- is $T/own 4096
step "behind the end there is nothing" FIO-11 -- expect_errno EINVAL own "read 33554432"
step "nor between blocks" FIO-11 -- expect_errno EINVAL own "read 100"

# --- reads that go down twice
dd if=/dev/urandom of=/run/random bs=64k count=16 2> /dev/null
step "random data on the volume" -- dd if=/run/random of=/dev/mapper/vol0 bs=64k oflag=direct
put 1 $T/reissue
below=$(cat $P/pre)
step "read with every read sent twice" FIO-20 -- dd if=/dev/mapper/vol0 of=/run/again bs=64k count=16 iflag=direct
put 0 $T/reissue
step "each came back well" FIO-20 -- is $T/reissued 16
step "with the right data" FIO-20 -- cmp /run/random /run/again
step "and the filter below has seen it twice" FIO-20 FIO-21 -- equal "$(cat $P/pre)" $((below + 32))

# --- a device that is not to be written
ro() { dmsetup create ro --readonly --table "0 65536 flt /dev/vda 0 ro"; }
step "removed" -- dmsetup remove vol0
step "a volume for reading" -- ro
attached ro dm_test
step "is read" FIO-11 -- own "read 40960"
step "and is not written" FIO-11 -- expect_errno EACCES own "write 0"
step "indeed" -- refuses equal "$(block /dev/vda 0)" 0
step "removed" -- dmsetup remove ro
step "the volume again" -- create vol0 "0 65536 flt /dev/vda 0 vol0"
attached vol0 dm_test && attached vol0 passthrough

# --- a suspended device
step "suspended" -- dmsetup suspend vol0
own "write 81920" & writer=$!
initiated() { is $F/dm_test/instances/vol0.dm_test/inflight 1; }
step "it begins a write" -- wait_for 5 initiated
step "that waits" FIO-22 -- alive $writer
step "the disk has not got it" -- refuses equal "$(block /dev/vda 20)" 0
step "a table that puts it elsewhere" -- dmsetup load vol0 --table "0 32768 flt /dev/vda 32768 vol0"
step "resumed" -- dmsetup resume vol0
step "the write ends" FIO-11 -- wait $writer
step "there" FIO-01 -- equal "$(block /dev/vda $((20 + 4096)))" 0
step "and not here" FIO-01 -- refuses equal "$(block /dev/vda 20)" 0

step "suspended for good" -- dmsetup suspend vol0
own "read 81920" > /run/own.out 2>&1 & reader=$!
step "it begins a read" -- wait_for 5 initiated
step "removed" TDN-20 FIO-22 -- dmsetup remove vol0
gone_wrong() { ! wait $reader; }
step "the read has failed" FIO-22 -- gone_wrong
step "as dm's own do" -- has /run/own.out "Input/output error|I/O error"

# --- at the device
step "a slow device" -- create slow "0 65536 delay /dev/vda 0 2000"
step "a volume on it" -- create vol0 "0 65536 flt /dev/mapper/slow 0 vol0"
attached vol0 dm_test
own "write 122880" & writer=$!
step "it begins a write" -- wait_for 5 initiated
step "suspending waits until the device has done it" FIO-22 -- dmsetup suspend vol0
step "then it is suspended" -- suspended vol0
step "and the disk has it" FIO-22 -- equal "$(block /dev/vda 30)" 0
step "which is told" -- wait $writer
step "resumed" -- dmsetup resume vol0
own "read 122880" & reader=$!
step "it begins a read" -- wait_for 5 initiated
step "unloading waits for it" TDN-23 FIO-22 -- put 1 $F/dm_test/unload
step "and it has not failed" -- wait $reader
step "the volume goes" -- dmsetup remove vol0
dmsetup remove slow
step "and everything goes" INV-21 -- rmmod_all
finish
