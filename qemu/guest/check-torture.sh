# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=busybox
#
# A short torture, without the verifier and with it. SEED=n has that one again.
#
# run: -k stock -c 2 --disk 64M -m 768 -t 400 --hung 300
# env: SEED
. /guest/lib.sh
. /guest/torture.sh

for word in "$@"; do case $word in SEED=*) seed=${word#*=} ;; esac; done
seed=${seed:-$((0x$(head -c 2 /dev/urandom | od -An -tx1 | tr -d ' ') * 2))}
torture 8
seed=$((seed + 1))
torture 8
finish
