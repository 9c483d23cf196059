# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=busybox
#
# For guest scripts:	. /guest/lib.sh
#
# A script has failed until it called `finish` with no failed step behind it.
# Rule ids of the specification go with the step that proves them; they are
# collected by scripts/spec-coverage.

: > /run/steps
step_out=/run/step.out

# busybox's shell prefers its own applets to any PATH: name the full tools that we brought. (`timeout 5 rmmod x`
# still gets the applet, whose words for "in use" are EAGAIN's: there say /usr/sbin/rmmod.)
for tool in /usr/sbin/*; do
	case ${tool##*/} in
	*[!a-z0-9]*) ;;
	*) eval "${tool##*/}() { $tool \"\$@\"; }" ;;
	esac
done

# Are filters verified? In tests they are, unless a script has set VERIFIER before it reads this.
case ${0##*/} in
check-* | stress-*) VERIFIER=${VERIFIER-1} ;;
esac
mkdir -p /etc/modprobe.d
[ -z "${VERIFIER-}" ] || printf 'options %s verifier=%s\n' fltmgr "$VERIFIER" wdm "$VERIFIER" > /etc/modprobe.d/fltmgr.conf

log() { echo "$*"; }

# What happened goes to the log and, unforgeably, to the runner.
report() {
	echo "$1" >> /run/steps
	echo "$1" > /dev/ttyS1
	echo "<5>guest: $1" > /dev/kmsg
}

# bench "text": a result that qemu/run prints
bench() { report "BENCH $*"; }

# step "text" [ID ...] -- command...	one line, and the command's output if it failed
step() {
	local text=$1 ids=
	shift
	while [ $# -gt 0 ] && [ "$1" != -- ]; do
		ids="$ids${ids:+ }$1"
		shift
	done
	shift
	if "$@" > $step_out 2>&1; then
		report "STEP ok - $text${ids:+ [$ids]}"
		return 0
	fi
	report "STEP not ok - $text${ids:+ [$ids]}"
	log "  failed: $*"
	sed 's/^/  | /' $step_out
	return 1
}

# fail "why": the script ends here
fail() {
	report "STEP not ok - $*"
	exit 1
}

# finish: the last line of every script
finish() {
	local bad
	loaded fltmgr && step "no rule was broken" INV-21 -- no_violations fltmgr
	loaded wdm && step "no driver broke a rule" INV-21 -- no_violations wdm
	bad=$(grep -c '^STEP not ok' /run/steps)
	log "$(grep -c '^STEP ok' /run/steps) steps ok, $bad not ok"
	[ "$bad" = 0 ] || exit 1
	echo ok > /run/verdict
	exit 0
}

# panics command...	the last thing a script does: the kernel is to panic of it, as its --expect-splat says
panics() {
	report "STEP ok - comes to what is to panic"
	echo panics > /dev/ttyS1
	"$@"
	sleep 5
	fail "no panic"
}

errno_text() {
	case $1 in
	EPERM) echo "Operation not permitted" ;;
	ENOENT) echo "No such file or directory" ;;
	EINTR) echo "Interrupted system call" ;;
	EIO) echo "Input/output error" ;;
	ENXIO) echo "No such device or address" ;;
	EAGAIN) echo "Resource temporarily unavailable" ;;
	ENOMEM) echo "(Cannot|Can't|Out of) (allocate )?memory" ;;
	EACCES) echo "Permission denied" ;;
	EBUSY) echo "Device or resource busy|is in use" ;;
	EEXIST) echo "File exists" ;;
	ENODEV) echo "No such device$|No such device[^ ]| No such device " ;;
	EINVAL) echo "Invalid (argument|parameters)" ;;
	ENOSPC) echo "No space left on device" ;;
	EROFS) echo "Read-only file system" ;;
	ERANGE) echo "result out of range|result not representable" ;;
	EDEADLK) echo "Resource deadlock avoided" ;;
	ENAMETOOLONG) echo "File name too long" ;;
	ENOSYS) echo "Function not implemented" ;;
	ENODATA) echo "No data available" ;;
	EOVERFLOW) echo "Value too large" ;;
	EOPNOTSUPP) echo "(Operation )?[Nn]ot supported" ;;
	ETIMEDOUT) echo "(Connection|Operation) timed out" ;;
	ESHUTDOWN) echo "Cannot send after (transport endpoint|socket) shutdown" ;;
	ECONNREFUSED) echo "Connection refused" ;;
	ECANCELED) echo "Operation canceled" ;;
	EREMOTEIO) echo "Remote I/O error" ;;
	*) echo "errno_text: unknown $1" >&2; return 1 ;;
	esac
}

# expect_errno ENAME command...	the command must fail and say that errno's text
expect_errno() {
	local name=$1 text out
	text=$(errno_text "$name") || return 1
	shift
	if out=$("$@" 2>&1); then
		echo "$out"
		echo "succeeded, expected $name: $*"
		return 1
	fi
	echo "$out" | grep -qE "$text" && return 0
	echo "$out"
	echo "expected $name ($text): $*"
	return 1
}

# refuses command...	the command must fail, no matter how
refuses() { ! "$@"; }

# put VALUE FILE: one write; its errno shows
put() { echo "$1" > "$2"; }

# has FILE REGEX, lacks FILE REGEX
has() { grep -qE -- "$2" "$1" || { cat "$1"; return 1; }; }
lacks() { ! grep -E -- "$2" "$1"; }

# equal A B
equal() { [ "$1" = "$2" ] || { echo "'$1' is not '$2'"; return 1; }; }

# wait_for SECONDS command...	until it succeeds
wait_for() {
	local end
	end=$(($(cut -d. -f1 /proc/uptime) + $1))
	shift
	until "$@" > /dev/null 2>&1; do
		[ "$(cut -d. -f1 /proc/uptime)" -lt $end ] || { "$@"; return; }
		sleep 0.1
	done
}

# mark: from here on `said` looks; said REGEX: the kernel has said that
# (A line in the log, not a number of one: the oldest lines go when the log is full.)
mark() {
	mark=$((${mark:-0} + 1))
	echo "<6>guest: mark $mark." > /dev/kmsg
}
since_mark() {
	dmesg | awk -v mark="guest: mark ${mark:-0}." 'index($0, mark) { n = 0 } { line[n++] = $0 }
		END { for (i = 0; i < n; i++) print line[i] }' | grep -v 'guest: '
}
said() { since_mark | grep -qE -- "$1"; }

loaded() { grep -q "^$1 " /proc/modules; }

# Those of ours that are loaded. (A process for each there could be would take seconds.)
ours_loaded() { cut -d' ' -f1 /proc/modules | grep -xFf /guest/modules; }

# no_violations fltmgr|wdm: as far as that knows, which goes when this was asked, nobody has broken a rule; or, in a
# script in which somebody does so on purpose, so many times as VIOLATIONS (WDM_VIOLATIONS) says, or "any". INV-21
no_violations() {
	local want=${VIOLATIONS:-0}
	[ "$1" != wdm ] || want=${WDM_VIOLATIONS:-0}
	loaded "$1" && [ "$want" != any ] || return 0
	[ -z "${VERIFIER-}" ] || equal "$(cat "/sys/module/$1/parameters/verifier")" "$VERIFIER" || return
	has "/sys/kernel/debug/$1/violations" "^# violations $want\$"
}

# total NAME: one of the totals of the driver $counting, that is there or the last that was; all are in $last
total() {
	if [ -e "/sys/module/$counting/parameters/totals" ]; then
		last=$(cat "/sys/module/$counting/parameters/totals")
	else
		last=$(dmesg | grep "$counting: unloaded: " | tail -n 1)
	fi
	echo "$last" | tr ' ' '\n' | sed -n "s/^$1=//p"
}

# remember; ...; same: is everything as it was? Names, and what is in the files that can be read.
# (There are hundreds of comparisons: a process more in each is a minute more.)
world() {
	find /sys/kernel/fltmgr
	grep -r "" /sys/kernel/fltmgr /sys/module/fltmgr/parameters 2> /dev/null
}
remember() { world > /run/before; }
same() { world > /run/after; cmp -s /run/before /run/after || diff /run/before /run/after; }

# load MODULE [PARAM=VALUE ...]	one of ours (insmod) or of the kernel's (modprobe)
load() {
	local m=$1
	shift
	case $m in
	fltmgr | wdm) [ -z "${VERIFIER-}" ] || set -- "verifier=$VERIFIER" "$@" ;;
	esac
	if [ -e "/modules/$m.ko" ]; then
		insmod "/modules/$m.ko" "$@"
	else
		modprobe "$m" "$@"
	fi
}

# unload MODULE...	with fltmgr or wdm goes its count of violations
unload() {
	local m
	for m in "$@"; do
		case $m in
		fltmgr | wdm) no_violations "$m" || return ;;
		esac
		rmmod "$m" || return
	done
}

# insmod_all [MODULE ...]: ours, with what they need first; without arguments all but tests
insmod_all() {
	local m
	[ $# -gt 0 ] || set -- $(grep -vE '_test$|_kunit$|^qemu_selftest$|^flt_torture' /guest/modules)
	for m in "$@"; do modprobe "$m" || return; done
}

# rmmod_all: ours, users before what they use
rmmod_all() {
	local m again=1
	while [ $again = 1 ]; do
		again=0
		for m in $(ours_loaded); do
			case $m$(cat /sys/module/$m/refcnt) in
			fltmgr0 | wdm0) no_violations "$m" || return ;;
			esac
			rmmod "$m" 2>/run/rmmod.err && again=1
		done
	done
	ours_loaded || return 0
	cat /run/rmmod.err
	return 1
}
