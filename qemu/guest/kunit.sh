# SPDX-License-Identifier: GPL-2.0-only
# KUnit: loads kunit.ko, our modules, and each suite one after the other.
# The suites' KTAP, between the markers, is the runner's to judge (--kunit).
#
#	qemu/run kunit [-g 'suite.case*'] [fltmgr_teardown_test ...]
#
# run: -k debug -t 900 --kunit
. /guest/lib.sh

filter=
if [ "$1" = -g ]; then
	filter=filter_glob=$2
	shift 2
fi
# The suites' filters break rules on purpose, and count what is said of it.
VIOLATIONS=any
WDM_VIOLATIONS=any
load kunit $filter || fail "no kunit module"
# Of ours a suite gets what it needs and no sample filter: they attach to the suites'
# volumes. After so many of them, what they need goes, as it can if nothing holds it, and
# comes anew: not after each, which takes longer than most suites.
most=6
users=
there=
renew() {
	rmmod_all || fail "our modules do not unload after$users"
	users=
	there=$1
	[ -z "$there" ] || insmod_all "$there" || fail "our modules do not load"
}
for suite in ${*:-$(cat /guest/suites)}; do
	case $suite in
	wdm_*) needs=wdm ;;
	*) needs=flt_sim ;;
	esac
	[ "$there" = $needs ] && [ "$(echo $users | wc -w)" -lt $most ] || renew $needs
	users="$users $suite"
	report "KUNIT-BEGIN $suite"
	load "$suite" || report "STEP not ok - $suite does not load"
	report "KUNIT-END $suite"
	unload "$suite" || report "STEP not ok - $suite does not unload"
done
renew ""
unload kunit || fail "kunit is still in use"
finish
