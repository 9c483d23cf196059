# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=busybox
#
# Torture for MINUTES (2), in rounds of a minute or two, from SEED on; then one whose
# module makes mistakes, which the model has to notice.
#
# run: -k stock -c 2 --disk 64M -m 768 -t 1200 --hung 300 --append log_buf_len=16M
# also: -k debug -m 1024
# also: -k kcsan -m 1024
# also: -k stock -c 4 --thread multi
# also: -k debug -c 2 --thread multi -m 1024
# env: MINUTES SEED
. /guest/lib.sh
. /guest/torture.sh

minutes=2
for word in "$@"; do
	case $word in
	MINUTES=*) minutes=${word#*=} ;;
	SEED=*) seed=${word#*=} ;;
	esac
done
seed=${seed:-$((0x$(head -c 3 /dev/urandom | od -An -tx1 | tr -d ' ')))}
end=$(($(cut -d. -f1 /proc/uptime) + minutes * 60))
while left=$((end - $(cut -d. -f1 /proc/uptime))); [ $left -gt 5 ]; do
	[ $left -le 90 ] || left=60
	torture $left
	grep -q '^STEP not ok' /run/steps && break
	seed=$((seed + 1))
done
faulty
finish
