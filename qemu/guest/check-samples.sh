# SPDX-License-Identifier: GPL-2.0-only
# The simulated volume and the sample filters, as their heads say to run them.
#
# run: -k debug -t 300
# also: -k stock
. /guest/lib.sh

F=/sys/kernel/fltmgr/filters
S=/sys/kernel/debug/flt_sim

is() { equal "$(cat "$1")" "$2"; }
# says TEXT COMMAND...	it fails, with that in what it says
says() {
	local text=$1 out
	shift
	if out=$("$@" 2>&1); then echo "succeeded: $*"; return 1; fi
	echo "$out" | grep -qF "$text" || { echo "$out"; return 1; }
}
submit() { put "$*" $S/vol/submit; }
# op N REGEX	the line of operation N in the status
op() { grep "^op $1 " $S/vol/status | grep -qE "^op $1 $2" || { cat $S/vol/status; return 1; }; }
# instances N: that many in all
instances() { equal "$(find $F/*/instances -mindepth 1 -maxdepth 1 | wc -l)" "$1"; }
volume() { put vol $S/create && wait_for 5 test -d "$F/$1/instances/vol.$1"; }

step "load the simulated volume" -- insmod_all flt_sim

# What a shell may do wrong.
put vol $S/create
step "a name is taken once" -- expect_errno EEXIST put vol $S/create
step "a volume has a name" -- expect_errno EINVAL put "" $S/create
step "... without a blank" -- expect_errno EINVAL put "a b" $S/create
step "... or a slash" -- expect_errno EINVAL put a/b $S/create
step "... that is no directory" -- expect_errno EINVAL put .. $S/create
step "... nor a file of ours" -- expect_errno EEXIST put destroy $S/create
step "... of 255 characters" -- put "$(printf %0255d 0)" $S/create
step "... and not of 256" -- expect_errno ENAMETOOLONG put "$(printf %0256d 0)" $S/create
step "which can be destroyed" -- put "$(printf %0255d 0)" $S/destroy
step "once" -- expect_errno ENOENT put "$(printf %0255d 0)" $S/destroy
for bad in "" "write" "write 0" "write x 1" "write 0 -1" "wrote 0 1" "write 0 1 2" \
	"write 0 1 wait 2" "write 1 18446744073709551615" "write 0 99999999999999999999"; do
	step "'$bad' is no operation" -- expect_errno EINVAL submit "$bad"
done
step "nor is a long line" -- says "rgument list too long" submit "write 0 1$(printf '%128s' '')"
for bad in "" "x" "-1" "all never" "all process x" "all process 5" "all process -4096" \
	"all process 0 0" "1 1 1 1"; do
	step "'$bad' releases nothing" -- expect_errno EINVAL put "$bad" $S/vol/release
done
step "nor does an unknown operation" -- expect_errno ENOENT put 77 $S/vol/release
step "hold is 0 or 1" -- expect_errno EINVAL put 2 $S/vol/hold
step "there are four contexts" -- expect_errno EINVAL put nmi $S/vol/context
step "a volume keeps its module" -- expect_errno EBUSY rmmod flt_sim

# Without filters.
step "an operation" -- submit write 0 4096
step "has ended" -- op 1 "write 0 4096 ended 0 4096 process"
step "hold" -- put 1 $S/vol/hold
submit read 512 1024
submit flush 0 0
step "the device holds it" -- op 2 "read 512 1024 held"
step "release by number, with an error" -- put "2 hardirq -5" $S/vol/release
step "it ends in a hard interrupt" -- wait_for 5 op 2 "read 512 1024 ended -5 0 hardirq"
step "once" -- expect_errno ENOENT put "2" $S/vol/release
step "release what is left" -- put "all softirq" $S/vol/release
step "it ends in a soft interrupt" -- wait_for 5 op 3 "flush 0 0 ended 0 0 softirq"
submit write 0 1 wait & waiter=$!
step "who waits is held" -- wait_for 5 has $S/vol/status "^held 1"
put "all process -5" $S/vol/release
step "and sees how it ended" -- refuses wait $waiter
submit write 0 1
step "destroy fails what is held" -- put vol $S/destroy

# null
step "the null filter" REG-14 REG-24 -- insmod_all flt_null
volume null
submit write 0 4096 wait
step "sees nothing, not even a dispatch" REG-24 -- is /sys/kernel/fltmgr/volumes/vol/entered 0
step "can be detached" TDN-40 -- put 1 $F/null/instances/vol.null/detach
step "and is" -- instances 0
step "can be unloaded" -- unload flt_null

# passthrough, three times
step "three filters on one volume" -- insmod_all flt_passthrough flt_passthrough3 flt_passthrough2
wait_for 5 instances 3
submit write 0 4096 wait
for n in '' 2 3; do
	step "passthrough$n saw it go" STK-01 -- is $F/passthrough$n/pre 1
	step "... and come back" STK-02 -- is $F/passthrough$n/post 1
done
for c in worker softirq hardirq process; do
	put $c $S/vol/context
	step "completion in $c" PST-02 -- submit read 0 512 wait
done
for class in flush discard secure_erase write_zeroes; do
	step "$class passes" -- submit $class 0 4096 wait
done
step "nine operations" INV-01 -- is $F/passthrough/pre 9
step "came back" INV-01 -- is $F/passthrough/post 9
put 1 $S/vol/hold
submit write 0 4096
step "one is below" -- is $F/passthrough2/instances/vol.passthrough2/inflight 1
step "detach the middle one" DRN-01 DRN-09 -- put 1 $F/passthrough2/instances/vol.passthrough2/detach
step "it was drained" DRN-01 -- is $F/passthrough2/drained 1
step "the others were not" DRN-10 -- is $F/passthrough/drained 0
put all $S/vol/release
step "and see the end" DRN-10 -- wait_for 5 is $F/passthrough/post 10
step "which the drained one does not" DRN-09 -- is $F/passthrough2/post 10
step "what links pre and post was right" INV-14 -- is $F/passthrough3/mismatched 0
echo 0 > /sys/module/flt_passthrough/parameters/post
put 0 $S/vol/hold
submit write 0 4096 wait
step "post=0: not wanted" -- is $F/passthrough/not_wanted 1
step "... and not called" INV-01 -- is $F/passthrough/post 10
exec 7< $F/passthrough/pre
step "rmmod with a file of theirs open" UNL-02 -- unload flt_passthrough
step "which is dead then" -- refuses cat <&7
exec 7<&-
step "another name and altitude" -- load flt_passthrough name=other altitude=41000.5
step "are its own" -- is $F/other/instances/vol.other/altitude 41000.5
step "unload all three" -- unload flt_passthrough flt_passthrough2 flt_passthrough3
step "a name that is none" REG-04 -- expect_errno EINVAL load flt_passthrough name=a/b
step "an altitude that is none" REG-04 -- expect_errno EINVAL load flt_passthrough altitude=1e3
step "nobody is on the volume" -- equal "$(ls /sys/kernel/fltmgr/volumes/vol/stack)" ""

# delay: every agent with every mode
D=$F/delay
held() { is $D/held "$1"; }
for mode in pre post sync; do
	for agent in timer workqueue kthread deferred; do
		load flt_delay mode=$mode agent=$agent hold=1
		step "delay in $mode by $agent: attached" -- wait_for 5 test -d $D/instances/vol.delay
		submit write 0 4096 wait & waiter=$!
		step "... holds" PND-01 -- wait_for 5 held 1
		step "... which the manager sees" -- is $D/instances/vol.delay/inflight 1
		put 1 $D/release
		step "... until told" PND-06 PND-20 -- wait $waiter
		step "... all of it" -- wait_for 5 is $D/released 1
		submit write 0 1 wait & w1=$!
		submit read 0 2 wait & w2=$!
		step "... two" -- wait_for 5 held 2
		step "... and lets go when it is detached" TDN-30 TDN-33 -- \
			put 1 $D/instances/vol.delay/detach
		step "... the first" -- wait $w1
		step "... the second" -- wait $w2
		step "... none left" TDN-20 -- held 0
		unload flt_delay
	done
done
load flt_delay agent=deferred hold=1
wait_for 5 instances 1
submit write 0 1 wait & waiter=$!
step "the manager says whose routine has it" WRK-02 WRK-08 -- \
	wait_for 5 has /sys/kernel/debug/fltmgr/outstanding "in deferred routine.*delay_deferred"
step "rmmod waits for it" WRK-11 UNL-05 -- unload flt_delay
step "it has ended" TDN-20 -- wait $waiter
step "for a while" -- load flt_delay ms=20 agent=timer answer=pass ops=write
wait_for 5 instances 1
for i in 1 2 3 4 5 6 7 8; do submit write $i 1; done
step "only what it was told to hold" -- submit read 0 1 wait
step "all come back by themselves" -- wait_for 10 is $D/released 8
step "eight were held" -- is $D/pended 8
unload flt_delay
load flt_delay agent=timer answer=fail ms=1
wait_for 5 instances 1
step "it ends them itself, from the timer" PND-05 PND-08 -- expect_errno EIO submit write 0 1 wait
unload flt_delay
load flt_delay agent=kthread hold=1
wait_for 5 instances 1
put 1 $S/vol/hold
submit write 0 1
submit write 0 2
wait_for 5 held 2
put 1 $D/release
step "held, and then below" -- wait_for 5 has $S/vol/status "^held 1"
step "unload drains one and completes one" TDN-41 -- put 1 $D/unload
step "the filter is gone" -- wait_for 5 test ! -d $D
step "both are at the device" -- has $S/vol/status "^held 2"
put all $S/vol/release
step "and end" -- wait_for 5 has $S/vol/status "^inflight 0"
put 0 $S/vol/hold
step "its module was left" -- unload flt_delay
load flt_delay refuse=1 hold=1
wait_for 5 instances 1
step "refuse to detach" TDN-03 INV-10 -- expect_errno EBUSY put 1 $D/instances/vol.delay/detach
step "refuse to unload" UNL-04 INV-10 -- expect_errno EBUSY put 1 $D/unload
submit write 0 1 & waiter=$!
step "it works all the same" INV-10 -- wait_for 5 held 1
step "only numbers release" -- expect_errno EINVAL put some $D/release
step "rmmod cannot be refused" UNL-05 -- unload flt_delay
step "what it held has ended" -- wait $waiter
for bad in ops=none mode=maybe agent=me answer=42; do
	step "there is no $bad" -- expect_errno EINVAL load flt_delay $bad
done
load flt_delay hold=1
wait_for 5 instances 1
submit write 0 1 wait & waiter=$!
wait_for 5 held 1
step "a volume that goes" TDN-43 -- put vol $S/destroy
step "takes what was held along" -- refuses wait $waiter
step "no complaints of the manager" -- refuses said "violation"
step "nothing is left" INV-21 -- rmmod_all
finish
