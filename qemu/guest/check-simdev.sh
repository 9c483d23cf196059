# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=busybox
#
# The simulated device: operations complete in every context, with latency, errors and
# an interrupt storm; it comes and goes under filters; and its unload routine leaves out
# each of its steps, and tries each too early: wdm says what, which stage, and who had
# acquired it, refuses, and nothing comes of it.
#
# With tsc=reliable the kernel stays with the clock that is read in a moment: where another
# one is slow to emulate, the storm is all that there is.
#
# run: -k stock --append tsc=reliable -t 400
# also: -k debug -t 900
#
# Argument: CYCLES of each kind; by default 20, under KASAN 4 and with a tenth of the
# storm: there an interrupt takes as long as there is between two
WDM_VIOLATIONS=any	# reports are counted here
. /guest/lib.sh

case $(uname -r) in
*-debug) cycles=${1:-4} storm=2000 ;;
*) cycles=${1:-20} storm=20000 ;;
esac
parameters=/sys/module/simdev/parameters
driver=/sys/bus/platform/drivers/simdev
filters=/sys/kernel/fltmgr/filters
counting=simdev

reports() { sed -n '1s/^# violations //p' /sys/kernel/debug/wdm/violations; }
more() { [ "$(total "$1")" -gt "$2" ]; }
# Of a device that is gone: nothing was lost, nothing happened twice.
balanced() {
	total none
	echo "$last" | tr ' ' '\n' | awk -F= '{ t[$1] = $2 }
		END { exit t["issued"] != t["ended"] || t["dpcs_queued"] != t["dpcs_run"] || t["wrong"] ||
			t["works_queued"] != t["works_run"] + t["works_refused"] }' || { echo "$last"; return 1; }
}
# A work item that is queued keeps the module, as it should: ask for a moment in which none is.
remove() {
	local n=0
	until /usr/sbin/rmmod simdev 2> /run/rmmod.err; do
		n=$((n + 1))
		[ $n -lt 1000 ] || { cat /run/rmmod.err; return 1; }
		retries=$((retries + 1))
	done
}
retries=0
all_cycles() {
	local n=0
	while [ $n -lt "$cycles" ]; do
		"$1" $n || { echo "in cycle $n"; return 1; }
		n=$((n + 1))
	done
}

put 1 /sys/kernel/rcu_expedited	# each load and unload waits for readers
# --- every context
step "the device loads, and issues to itself" -- insmod_all simdev
for context in hardirq dpc thread work; do
	step "some complete in $context" RLS-20 RLS-36 -- wait_for 20 more $context 20
done
step "filters that hold operations back, and that let them be cancelled" -- load flt_delay ms=1 agent=timer
step "and count them" -- insmod_all flt_passthrough flt_cancelsafe
filtered() { [ -e $filters/$1/instances/simdev.$1 ]; }
for f in delay passthrough cancelsafe; do step "$f is attached" -- wait_for 10 filtered $f; done
more_pended() { [ "$(cat $filters/delay/pended)" -gt 20 ]; }
step "operations go through all of them" -- wait_for 20 more_pended
for context in hardirq dpc thread work; do
	n=$(total $context)
	step "their post-operations run in $context" -- wait_for 20 more $context $((n + 20))
done

# --- parameters
n=$(total failed)
put 100 $parameters/error_permille
step "one of ten fails" -- wait_for 20 more failed $((n + 20))
step "and its issuer knows" -- wait_for 10 sh -c "[ \"\$(tr ' ' '\n' < $parameters/totals | sed -n s/^ended_badly=//p)\" -ge 20 ]"
put 0 $parameters/error_permille
put $storm $parameters/hz
n=$(total interrupts)
step "an interrupt storm" -- wait_for 20 more interrupts $((n + storm))
n=$(total ended)
step "in which operations still end" -- wait_for 20 more ended $((n + 100))
put 1000 $parameters/hz
put 300000 $parameters/latency_us
timed() {
	local n a b
	n=$(total ended)
	a=$(cut -d. -f1 /proc/uptime)
	wait_for 30 more ended $((n + 32)) || return
	b=$(cut -d. -f1 /proc/uptime)
	# 8 at a time
	[ $((b - a)) -ge 1 ]
}
step "operations that take their time" -- timed
put 0 $parameters/latency_us
step "no such step" -- expect_errno EINVAL put nonsense $parameters/skip
step "none that can be too early" -- expect_errno EINVAL put entries $parameters/early

# --- under filters, in a storm, again and again
put $storm $parameters/hz
put 20000 $parameters/latency_us
unbind_cycle() {
	local n
	n=$(total ended)
	wait_for 10 more ended "$n" || return
	put simdev $driver/unbind || return
	balanced || return
	put simdev $driver/bind
}
step "$cycles times unbound and bound in a storm under filters" RLS-04 RLS-05 RLS-37 -- all_cycles unbind_cycle
log "$(cat $parameters/totals)"
step "some had operations at the device" RLS-13 -- [ "$(total gone_busy)" -ge 1 ]
rmmod_cycle() {
	# Every other time a filter goes first.
	case $(($1 % 4)) in
	1) rmmod flt_delay || return ;;
	3) load flt_delay ms=1 agent=timer || return ;;
	esac
	wait_for 10 more ended 10 || return
	dmesg -c > /dev/null	# to be short
	remove || return
	balanced || return
	load simdev hz=$storm latency_us=20000 issuers=$(($1 % 3 + 1))
}
step "$cycles times unloaded and loaded, likewise" RLS-02 RLS-13 RLS-46 -- all_cycles rmmod_cycle
step "wdm has nothing to say of all that" RLS-91 INV-21 -- equal "$(reports)" 0
step "unloaded" -- remove
log "in use $retries times, by a work item that was queued"
step "what was queued has run" RLS-37 -- balanced

# --- each step left out, or too early
# all_said: what wdm has reported since the log was cleared: it has room for a few unloads, and, other than debugfs,
# the names of a module that has gone
all_said() { dmesg | sed -n 's/^\[[^]]*\] wdm: //p'; }
# says RULE REGEX ROUTINE: of what, of which stage; acquired by that routine, if it shows, and by simdev. One that ends
# in the call that enters it in the ledger has no frame any more.
says() {
	all_said > /run/said
	awk -v head="^violation $1: driver simdev: $2" -v routine="^ *($3|simdev_[a-z_]*)[+]" '
		/^violation / { mine = $0 ~ head; acquired = routines = 0; next }
		/^  cause, acquired by pid [0-9]+, [0-9]+ ms before:/ { acquired = 1; next }
		!mine || !acquired { next }
		$0 ~ routine { routines = 1 }
		/\[simdev\]/ && routines { found = 1 }
		END { exit !found }' /run/said || { cat /run/said; return 1; }
}
count() { all_said | grep -cE -- "^violation .*$1"; }
skips() {
	dmesg -c > /dev/null
	was=$(reports)
	load simdev "$@" && wait_for 10 more interrupts 3 && wait_for 10 more issued "$issued" && remove
}
# skipped STEP [RULE "what" ROUTINE ...]: of what, of which stage, acquired by whom; what that kept from going is
# refused, too, so "left by the unload" may be said of more
skipped() {
	local name=$1
	shift
	step "unloaded without step $name" RLS-06 -- skips "skip=$name" "$with"
	while [ $# -gt 0 ]; do
		step "... reported: $1 $2" VER-21 RLS-06 -- says "$1" "$2" "$3"
		shift 3
	done
	step "... what was queued has run all the same" RLS-91 -- balanced
	step "... nothing is left in the ledger" RLS-91 -- lacks /sys/kernel/debug/wdm/ledger '^simdev '
}
# For as long as that somebody is inside.
with=latency_us=3000000
issued=7
skipped entries V-RLS-13 "interrupt 'simdev' of stage 1, device simdev, is released while somebody is inside" io_connect_interrupt
with=issuers=0
issued=-1
left="device simdev, is left by the unload"
skipped off V-RLS-5 "interrupt 'simdev' of stage 1, device simdev, .*source" io_connect_interrupt
skipped interrupt \
	V-RLS-13 "timer '-' of stage 2, .* before interrupt 'simdev' of stage 1, which io_connect_interrupt" ke_initialize_timer_ex \
	V-RLS-5 "interrupt 'simdev' of stage 1, $left" io_connect_interrupt
skipped timer \
	V-RLS-13 "DPC '-' of stage 2, .*timer '-' of stage 2, which .* acquired, needs it" ke_initialize_dpc \
	V-RLS-1 "timer '-' of stage 2, $left" ke_initialize_timer_ex
skipped dpcs \
	V-RLS-13 "common buffer 'simdev' of stage 3, .* before DPC '-' of stage 2, which .* acquired" wdm_allocate_common_buffer \
	V-RLS-2 "DPC '-' of stage 2, $left" ke_initialize_dpc
skipped threads \
	RLS-34 "event '-' of stage 2, device simdev, .*wait" ke_initialize_event \
	V-RLS-4 "thread 'simdev_worker' of stage 2, $left" ps_create_system_thread
skipped work V-RLS-3 "work item '-' of stage 2, $left" io_allocate_work_item
skipped event RLS-34 "event '-' of stage 2, $left" ke_initialize_event
skipped buffer \
	V-RLS-8 "DMA adapter 'simdev' of stage 4, .*common buffer 'simdev' of stage 3, which wdm_allocate_common_buffer.* needs it" io_get_dma_adapter \
	V-RLS-8 "common buffer 'simdev' of stage 3, $left" wdm_allocate_common_buffer
skipped adapter \
	V-RLS-13 "device 'simdev' of stage 7, .*DMA adapter 'simdev' of stage 4, which io_get_dma_adapter" io_create_device \
	V-RLS-8 "DMA adapter 'simdev' of stage 4, $left" io_get_dma_adapter
skipped device RLS-81 "device 'simdev' of stage 7, $left" io_create_device

# too_early STEP N RULE "what" ROUTINE: so many reports, all of the first try
too_early() {
	step "unloaded with step $1 too early" RLS-06 RLS-92 -- skips "early=$1" issuers=0
	step "... reported: $3 $4" VER-21 RLS-92 -- says "$3" "$4" "$5"
	step "... that is all, and in its place it was done" RLS-06 -- equal "$(count .) $(reports)" "$2 $((was + $2))"
	step "... nothing was left" RLS-91 -- equal "$(count 'left by')" 0
}
too_early interrupt 1 V-RLS-5 "interrupt 'simdev' of stage 1, device simdev, .*source" io_connect_interrupt
too_early timer 1 V-RLS-13 "timer '-' of stage 2, .* before interrupt 'simdev' of stage 1, which io_connect_interrupt" ke_initialize_timer_ex
too_early dpcs 2 V-RLS-13 "DPC '-' of stage 2, .*interrupt 'simdev' of stage 1, which io_connect_interrupt.* needs it" ke_initialize_dpc
too_early event 1 V-RLS-13 "event '-' of stage 2, .* before interrupt 'simdev' of stage 1" ke_initialize_event
too_early buffer 1 V-RLS-13 "common buffer 'simdev' of stage 3, .*interrupt 'simdev' of stage 1, .* needs it" wdm_allocate_common_buffer
too_early adapter 1 V-RLS-8 "DMA adapter 'simdev' of stage 4, .*common buffer 'simdev' of stage 3, .* needs it" io_get_dma_adapter
too_early device 1 V-RLS-13 "device 'simdev' of stage 7, .* needs it" io_create_device

# --- and rightly, after all that
was=$(reports)
step "loaded" -- load simdev
step "it works" -- wait_for 20 more ended 100
step "unloaded" -- remove
step "nothing to say" INV-21 -- equal "$(reports)" "$was"
step "what was queued has run" RLS-37 -- balanced
step "modules unload" -- rmmod_all
finish
