# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=busybox
#
# For scripts in which each allocation of a command fails once. See check-failnth.sh
# for what counts; with $every set, each allocation however deep.

D=/sys/kernel/debug
symbols=/run/symbols
totals=/run/totals
# Where a failure is no business of ours. Near the allocation: the leak checker's own
# memory, which it can do without. Else: what leaks a name itself when it fails.
[ -n "$every" ] && spared=sysfs_slab_add || spared=__alloc_object

# Modules are loaded above the kernel's own code.
prepare() {
	local dir n start= end=
	grep -i ' t ' /proc/kallsyms | grep -v '\[' | sort > $symbols
	# Without a leak checker there is nothing to spare it.
	n=$(grep -n " $spared\$" $symbols | cut -d: -f1)
	if [ -n "$n" ]; then
		start=$(sed -n "${n}s/ .*//p" $symbols)
		end=$(sed -n "$((n + 1))s/ .*//p" $symbols)
	fi
	for dir in $D/failslab $D/fail_page_alloc; do
		put N $dir/ignore-gfp-wait &&
			put 0 $dir/verbose &&
			put 32 $dir/stacktrace-depth &&
			put "0x${start:-0}" $dir/reject-start &&
			put "0x${end:-0}" $dir/reject-end &&
			put 0xffffffffa0000000 $dir/require-start &&
			put 0xffffffffff000000 $dir/require-end || return
	done
	put 0 $D/fail_page_alloc/min-order
	put N $D/fail_page_alloc/ignore-gfp-highmem
}

# depth N: a module must be among the N functions that lead to the allocation, of which
# three or four are always the allocator's
depth() {
	put "$1" $D/failslab/stacktrace-depth && put "$1" $D/fail_page_alloc/stacktrace-depth
}
# near N: likewise, but not if each allocation is to fail however deep
near() { [ -n "$every" ] || depth "$1"; }

# each NAME LEAST UNDO COMMAND...	as many allocations it has at least
each() {
	local name=$1 least=$2 total
	shift 2
	failnth "$@" > /run/failnth 2>&1 || { cat /run/failnth; return 1; }
	total=$(sed -n 's/^\([0-9]*\) allocations: .*/\1/p' /run/failnth)
	bench "fail-nth: $name: $(cat /run/failnth)"
	echo "$total $name" >> $totals
	[ "$total" -ge "$least" ]
}
