# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=busybox
#
# A short torture, and that it finds out what it is there for.
#
# run: -k stock -c 2 --disk 64M -m 768 -t 300 --hung 120
# env: SEED
. /guest/lib.sh
. /guest/torture.sh

for word in "$@"; do case $word in SEED=*) seed=${word#*=} ;; esac; done
seed=${seed:-$((0x$(head -c 2 /dev/urandom | od -An -tx1 | tr -d ' ')))}
torture 6
seed=$((seed + 1))
torture 6
finish
