# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=busybox
#
# The driver of QEMU's edu device: what it does, and that it is unbound and unloaded
# at any moment, with an interrupt, DMA, a work item and its timer in flight, and a
# file open. All counts add up at the end, and nothing is reported.
#
# run: -k stock --device edu --device edu -t 400
# also: -k debug -m 400 -t 900
#
# Argument: CYCLES of each kind; by default 20, under KASAN 4
. /guest/lib.sh

case $(uname -r) in
*-debug) cycles=${1:-4} ;;
*) cycles=${1:-20} ;;
esac
driver=/sys/bus/pci/drivers/edu
parameters=/sys/module/edu/parameters
counting=edu

same() { equal "$(total "$1")" "$(total "$2")"; }
bound() { [ -c /dev/edu0 ] && [ -c /dev/edu1 ]; }
factorial() { echo "$1" >&3 && read -r answer <&3 && equal "$answer" "$2"; }

put 1 /sys/kernel/rcu_expedited	# each load and unload waits for readers
step "the driver loads, and finds two devices" -- insmod_all edu
step "which appear" -- wait_for 10 bound
exec 3<> /dev/edu0

# --- what it does
step "10!" RLS-20 -- factorial 10 3628800
step "12!" -- factorial 12 479001600
step "what does not fit is what is left of it" -- factorial 13 1932053504
step "0!" -- factorial 0 1
step "no number" -- expect_errno EINVAL put ten /dev/edu0
step "one that takes too long" -- expect_errno ERANGE put 100000001 /dev/edu0
step "nothing was asked" -- expect_errno ENODATA dd if=/dev/edu0 bs=16 count=1
dd if=/dev/urandom of=/run/ram.in bs=4095 count=1 2> /dev/null
step "4095 bytes by DMA" RLS-57 -- dd if=/run/ram.in of=/dev/edu0_ram bs=4095
step "and back" RLS-57 -- dd if=/dev/edu0_ram of=/run/ram.out bs=8192
step "are the same" -- cmp /run/ram.in /run/ram.out
step "of one device, not of the other" -- refuses cmp /run/ram.in /dev/edu1_ram
step "some in the middle" -- sh -c 'echo middle | dd of=/dev/edu0_ram bs=1 seek=1000 conv=fsync'
step "are there" -- sh -c 'dd if=/dev/edu0_ram bs=1 skip=1000 count=6 | grep -q middle'
step "what does not fit" -- expect_errno ENOSPC sh -c 'echo x | dd of=/dev/edu0_ram bs=1 seek=4095'
is_raised() { [ "$(total raised)" = 1 ] && [ "$(total interrupts)" -gt "$(total factorials_done)" ]; }
put raise /dev/edu0
step "an interrupt that was asked for" RLS-21 -- wait_for 5 is_raised
step "interrupts are message signalled" -- grep -q 'MSI.*edu' /proc/interrupts
step "none was lost" -- equal "$(total recovered)" 0
step "none computed wrong" -- equal "$(total wrong)" 0

# --- unbound with a file open
address=$(basename "$(dirname "$(dirname "$(readlink -f /sys/class/misc/edu0)")")")
echo 100000000 >&3
(read -r answer <&3; echo $? > /run/read.rc) 2> /run/read.err &
reader=$!
step "unbound while it computes, and somebody waits for that" RLS-04 RLS-24 -- put "$address" $driver/unbind
wait $reader
step "the wait ended" RLS-13 -- equal "$(cat /run/read.rc)" 1
step "the file says ENODEV" RLS-04 -- expect_errno ENODEV sh -c 'echo 3 >&3'
step "nobody opens it" RLS-10 -- refuses [ -e /dev/edu0 ]
step "rmmod says EBUSY: the file is open" RLS-02 -- expect_errno EBUSY /usr/sbin/rmmod edu
step "bound again" -- put "$address" $driver/bind
step "the file of then still says ENODEV" RLS-04 -- expect_errno ENODEV sh -c 'echo 3 >&3'
exec 3<> /dev/edu0
step "another does not" -- factorial 5 120
exec 3>&-
# Whoever handles page faults takes as long as he likes; the driver does not wait for that.
held() { heldpage "$1" "/dev/edu0$2" "echo $address > $driver/unbind" > /run/held 2>&1 || { cat /run/held; return 1; }; }
if [ -e /proc/sys/vm/unprivileged_userfaultfd ]; then
	step "unbound while a write of DMA waits for its memory" RLS-13 -- held write _ram
	step "which is told then" RLS-04 -- has /run/held "^the write: No such device"
	put "$address" $driver/bind
	step "while a read of DMA does" RLS-13 -- held read _ram
	put "$address" $driver/bind
fi
# Unplugged: by the PCI core, which finds the device again.
pci=/sys/bus/pci/devices/$address
exec 3<> /dev/edu0
echo 100000000 >&3
step "unplugged while it computes" RLS-84 -- put 1 "$pci/remove"
step "the file says ENODEV" RLS-04 -- expect_errno ENODEV sh -c 'echo 3 >&3'
exec 3>&-
step "plugged in" -- put 1 /sys/bus/pci/rescan
step "it is bound" -- wait_for 10 bound

# --- again and again; each time something else is in flight
flight() {
	case $(($1 % 4)) in
	0) echo 20000000 >&3 && cat /run/ram.in > /dev/edu0_ram ;;
	1) echo raise >&3 && echo 7 >&3 ;;
	2) cat /run/ram.in > /dev/edu0_ram && echo raise >&3 ;;
	3) echo 5 >&3 && read -r answer <&3 && cat /run/ram.in > /dev/edu1_ram ;;
	esac
}
unbind_cycle() {
	exec 3<> /dev/edu0
	flight "$1" || return
	(head -c 4096 /dev/edu0_ram || echo 30 >&3) > /dev/null 2>&1 &
	put "$address" $driver/unbind || return
	wait $!
	exec 3>&-
	put "$address" $driver/bind
}
rmmod_cycle() {
	exec 3<> /dev/edu0
	flight "$1" || return
	exec 3>&-
	dmesg -c > /dev/null	# to be short
	# A work item that is queued keeps the module, as it should.
	/usr/sbin/rmmod edu 2> /dev/null || wait_for 10 /usr/sbin/rmmod edu || return
	balanced || return
	gone_dma=$((gone_dma + $(echo "$last" | sed 's/.* gone_dma=\([0-9]*\) .*/\1/')))
	load edu msi=$(($1 % 2)) work_ms=$(($1 % 3))
}
# Nothing was lost: what was queued has run, and none has run that was not.
balanced() {
	total none
	echo "$last" | tr ' ' '\n' | awk -F= '{ t[$1] = $2 }
		END { exit t["dpcs_queued"] != t["dpcs_run"] || t["recovered"] || t["wrong"] ||
			t["works_queued"] != t["works_run"] + t["works_refused"] }' || { echo "$last"; return 1; }
}
all_cycles() {
	local n=0
	while [ $n -lt "$cycles" ]; do
		"$1" $n || { echo "in cycle $n"; return 1; }
		n=$((n + 1))
	done
}
gone_dma=0
put 2 $parameters/work_ms
step "$cycles times unbound and bound, with all in flight, and an open under way" RLS-04 RLS-05 RLS-11 RLS-24 -- all_cycles unbind_cycle
put 0 $parameters/work_ms
log "$(cat $parameters/totals)"
step "files were open each time" RLS-04 -- [ "$(total gone_open)" -ge "$cycles" ]
step "DMA was in flight" RLS-57 -- [ "$(total gone_dma)" -ge $((cycles / 2)) ]
step "computations were" -- [ "$(total gone_factorial)" -ge $((cycles / 6)) ]
step "work items were" RLS-38 -- [ "$(total gone_work)" -ge $((cycles / 20)) ]
step "$cycles times unloaded and loaded, likewise" RLS-02 RLS-84 RLS-25 -- all_cycles rmmod_cycle
log "$(cat $parameters/totals); DMA in flight at $gone_dma unloads"
step "DMA was in flight" RLS-57 -- [ "$gone_dma" -ge $((cycles / 2)) ]

# --- its line instead of messages
step "unloaded" -- wait_for 10 /usr/sbin/rmmod edu
step "loaded with msi=0" -- load edu msi=0
exec 3<> /dev/edu0
step "11!, with the line's interrupt" RLS-21 -- factorial 11 39916800
step "it is a line's" -- grep -q 'IO-APIC.*edu' /proc/interrupts
exec 3>&-
step "no complaints of wdm" RLS-91 -- has /sys/kernel/debug/wdm/violations '^# violations 0$'
step "unloaded" -- wait_for 10 /usr/sbin/rmmod edu
step "what was queued has run" RLS-37 -- balanced
step "no claim is left" RLS-59 -- lacks /proc/iomem edu
step "modules unload" -- rmmod_all
finish
