# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=busybox
#
# Drivers that are loaded, and a device that is bound, while memory is short: each
# allocation next to their code, or wdm's, fails once. A probe that has come so far
# gives all back, stage by stage.
#
# run: -k debug --device edu -t 400
VERIFIER=0	# which has its own allocations, and does without
. /guest/lib.sh
every=
. /guest/failnth.sh

simulated=/sys/bus/platform/drivers/simdev
driver=/sys/bus/pci/drivers/edu

step "allocations can fail" -- prepare
put 1 /sys/kernel/rcu_expedited	# each load and unload waits for readers
near 6
insmod_all wdm flt_sim
step "simdev is loaded" RLS-04 -- each simdev 10 "" insmod /modules/simdev.ko issuers=0
load simdev issuers=0
put simdev $simulated/unbind
step "its device is bound" RLS-04 -- \
	each "simdev bind" 5 "[ ! -e $simulated/simdev ] || echo simdev > $simulated/unbind" sh -c "echo simdev > $simulated/bind"
insmod_all edu
address=$(basename "$(dirname "$(dirname "$(readlink -f /sys/class/misc/edu0)")")")
put "$address" $driver/unbind
# Without memory for a claim the PCI core says that somebody else has it.
cat > /run/bind << END
echo $address > $driver/bind && exit
dmesg | tail -n 2 | grep -q "edu $address: BAR 0: can't reserve" && echo "Cannot allocate memory"
exit 1
END
step "edu is bound" RLS-04 RLS-84 -- \
	each "edu bind" 8 "[ ! -e $driver/$address ] || echo $address > $driver/unbind" sh /run/bind
step "no claim is left" RLS-59 -- lacks /proc/iomem edu
step "bound, with memory" -- put "$address" $driver/bind
factorial() { echo "$1" >&3 && read -r answer <&3 && equal "$answer" "$2"; }
exec 3<> /dev/edu0
step "it works" -- factorial 10 3628800
exec 3>&-
step "nothing is left" -- rmmod_all
finish
