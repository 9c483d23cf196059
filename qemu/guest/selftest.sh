# SPDX-License-Identifier: GPL-2.0-only
# One deliberate fault; qemu/selftest knows which verdict each must get.
. /guest/lib.sh

case $1 in
silent) exit 0 ;;
fail) step "a step that fails" -- false; finish ;;
poweroff) poweroff -f; sleep 60 ;;
leftover) load qemu_selftest; finish ;;
pin)
	step "a pinned module" -- load qemu_selftest mode=pin
	step "cannot go" -- expect_errno EBUSY rmmod qemu_selftest
	finish ;;
panics) panics load qemu_selftest mode=panic ;;
*)
	step "does its worst" -- load qemu_selftest mode="$1"
	step "and goes" -- unload qemu_selftest
	finish ;;
esac
