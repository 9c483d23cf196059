# SPDX-License-Identifier: GPL-2.0-only
# What wdm's pool costs, in guest instructions, beside kmalloc() and kfree().
#
# run: -k stock --icount --no-leak-scan -m 768 -t 900
. /guest/lib.sh

# What the boot left to be done is done by then.
sleep 2
step "measured" -- modprobe wdm_bench
while read -r name tenths; do
	bench "$name ${tenths%?}.${tenths#"${tenths%?}"}"
done < /sys/module/wdm_bench/parameters/results
step "its module goes" -- wait_for 5 unload wdm_bench
step "nothing is left" -- rmmod_all
finish
