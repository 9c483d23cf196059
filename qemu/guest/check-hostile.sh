# SPDX-License-Identifier: GPL-2.0-only
# Hostile input: every file that can be written, with whatever does not belong
# there; check-parameters.sh has the parameters of modules. What is written to sysfs, and what must
# come of it, are the INPUT lines of the ABI page: sysfs-kernel-fltmgr here.
#
# After each refusal all of /sys/kernel/fltmgr must be as it was before.
#
# run: -k debug -t 900

# As it is by default: what is written must make a difference.
VERIFIER=0
. /guest/lib.sh

R=/sys/kernel/fltmgr
F=$R/filters/passthrough
S=/sys/kernel/debug/flt_sim
P=/sys/module/fltmgr/parameters
nobody="setpriv --reuid=65534 --regid=65534 --clear-groups"

differs() { refuses same > /dev/null; }

# What strerror() says.
EACCES="Permission denied"
EADDRINUSE="Address already in use"
EEXIST="File exists"
EINVAL="Invalid argument"
ENAMETOOLONG="File name too long"
ENOKEY="Required key not available"
ENXIO="No such device or address"
ERANGE="result out of range"

# One write() of what is in /run/input. dd opens, writes once, and says what it is told.
write_input() { dd if=/run/input of="$1" bs=64k 2>&1; }
write_as_nobody() { $nobody busybox dd if=/run/input of="$1" bs=64k 2>&1; }

# gives ERRNO COMMAND...
gives() {
	local text out
	eval "text=\${$1-}"
	[ -n "$text" ] || { echo "what does $1 look like?"; return 1; }
	if out=$("$2" "$3" 2>&1); then echo "succeeded, expected $1"; return 1; fi
	case $out in
	*"$text"*) ;;
	*) echo "expected $1: $out"; return 1 ;;
	esac
}

refused() { gives "$@" && same; }
accepted() { "$@" && differs; }

# The text of an INPUT line with its {...} filled in, to /run/input.
prepare() {
	local text=$1 pre rest char n
	text=${text//\{volume\}/vol}
	text=${text//\{free\}/free}
	text=${text//\{default\}/passthrough}
	text=${text//\{altitude\}/370030}
	while :; do
		case $text in
		*\{?\**\}*) ;;
		*) break ;;
		esac
		pre=${text%%\{?\**}
		rest=${text#"$pre"\{}
		char=${rest%%\**}
		rest=${rest#?\*}
		n=${rest%%\}*}
		rest=${rest#*\}}
		text=$pre$(printf "%${n}s" "" | tr ' ' "$char")$rest
	done
	# shellcheck disable=SC2059
	printf "$text" > /run/input
}

# Undo what an accepted input did.
attached_again() {
	[ -e $F/instances/vol.passthrough ] || put vol $F/attach
}
undo_attach() {
	local i
	for i in $F/instances/free.*; do put 1 "$i/detach"; done
}
undo_unload() {
	unload flt_passthrough && wait_for 5 refuses test -e $F && world_of_passthrough
}
undo() {
	case $1 in
	*/attach) undo_attach ;;
	*/detach) wait_for 5 refuses test -e "$1"; attached_again ;;
	*/unload) undo_unload ;;
	*) put "$2" "$1" ;;
	esac
	wait_for 5 same
}

# One volume that the filter is on, one that it is not on.
world_of_passthrough() {
	load flt_passthrough && put 1 $F/instances/free.passthrough/detach &&
		wait_for 5 refuses test -e $F/instances/free.passthrough
}

# where WHAT: the file that a What: line stands for, if it is one that can be written
where() {
	case $1 in
	*/'<filter>/instances/<volume>.<instance>/'*) echo "$F/instances/vol.passthrough/${1##*/}" ;;
	*/'<filter>/'*) echo "$F/${1##*/}" ;;
	/sys/module/*) echo "$1" ;;
	esac
}

try() {
	local file=$1 text=$2 result=$3 old name
	name="${file##*/} \"$text\""
	prepare "$text"
	old=$(cat "$file" 2>/dev/null)
	# It is open() that says so, whatever would be written.
	if [ "$file" != "$tried_by_nobody" ]; then
		tried_by_nobody=$file
		step "$name by nobody: EACCES" -- refused EACCES write_as_nobody "$file"
	fi
	if [ "$result" = ok ]; then
		step "$name: ok" -- accepted write_input "$file"
		step "... and undone" -- undo "$file" "$old"
	else
		step "$name: $result" -- refused "$result" write_input "$file"
	fi || remember
}

step "the filter manager" -- insmod_all fltmgr flt_sim
put vol $S/create && put free $S/create || fail "no volumes"
step "the victim" -- world_of_passthrough
remember

file=
tried_by_nobody=
tried=0
while IFS= read -r line; do
	case $line in
	What:*) file=$(where "$(echo "${line#What:}" | tr -d ' \t')") ;;
	*'	INPUT "'*)
		[ -n "$file" ] || fail "inputs of no file: $line"
		rest=${line#*INPUT \"}
		try "$file" "${rest%\" *}" "${rest##*\" }"
		tried=$((tried + 1)) ;;
	esac
done < /guest/sysfs-kernel-fltmgr
step "the page had inputs" -- test $tried -gt 100

# Every file of ours that can be written had some.
find $R -type f -perm -200 | sed 's|.*/||' | sort -u > /run/writable
step "no other file can be written" -- equal "$(tr '\n' ' ' < /run/writable)" "attach detach unload "
step "nobody can write, or read what is root's" UNL-18 -- \
	equal "$(find $R ! -type l \( -perm -002 -o -perm -020 \))" ""
: > /run/input
step "nothing written is nothing done" -- write_input $F/unload
step "... by trigger or attach" -- write_input $F/attach
step "... at all" -- same
refuses_to_read() { refuses cat "$1" && same; }
for f in $F/unload $F/attach $F/instances/vol.passthrough/detach; do
	step "${f##*/} cannot be read" -- refuses_to_read $f
	step "${f##*/} cannot be removed" -- refuses rm -f $f
done
refuses_to_make() { refuses mkdir "$1" && same; }
step "no filter is made by mkdir" -- refuses_to_make $R/filters/x
step "no instance is made by mkdir" -- refuses_to_make $F/instances/x
nobody_reads() { $nobody busybox cat "$1"; }
step "anybody reads a state" -- nobody_reads $F/state
step "not what is outstanding" -- refuses nobody_reads /sys/kernel/debug/fltmgr/outstanding

# The same again, and by two at once.
printf 'free other 1' > /run/input
step "attach once" ATT-03 ATT-15 -- accepted write_input $F/attach
remember
step "attach twice" ATT-05 INS-07 -- refused EEXIST write_input $F/attach
printf 'free another 1.0' > /run/input
step "another at its altitude" ATT-06 ALT-05 ALT-06 INV-20 -- refused EADDRINUSE write_input $F/attach
printf 'free nosuch' > /run/input
step "one that the filter does not define" ATT-07 -- refused ENOKEY write_input $F/attach
printf 'free another 1.x' > /run/input
step "one at no altitude" ATT-07 ALT-01 -- refused EINVAL write_input $F/attach
undo_attach

race() {	# N writers of one input; one must succeed
	local i won=0
	for i in 1 2 3 4 5 6; do
		(write_input "$1" > /dev/null && echo won >> /run/won) &
	done
	wait
	won=$(cat /run/won 2> /dev/null | wc -l)
	rm -f /run/won
	equal "$won" 1
}
printf 'free other 1' > /run/input
step "six attach, one does" INS-07 -- race $F/attach
printf 1 > /run/input
step "six detach, one does" DET-05 TDN-18 -- race $F/instances/free.other/detach
wait_for 5 refuses test -e $F/instances/free.other
step "six unload, one does" UNL-15 -- race $F/unload
step "loaded again" LOD-04 -- undo_unload

# An open file does not keep what it belongs to, nor get at it afterwards.
exec 8> $F/instances/vol.passthrough/detach
step "detach with the file open" -- put 1 $F/instances/vol.passthrough/detach
wait_for 5 refuses test -e $F/instances/vol.passthrough
late() { echo 1 >&8; }
step "... and a write to it later" -- expect_errno ENODEV late
exec 8>&-
attached_again
remember

# Directories: names that meet in VOLUME.INSTANCE.
put vol.a $S/create
wait_for 5 test -e $F/instances/vol.a.passthrough
put 1 $F/instances/vol.a.passthrough/detach
printf 'vol.a b 1' > /run/input
step "a name with a dot in it" -- write_input $F/attach
remember
printf 'vol a.b 1' > /run/input
step "the same directory for another" -- refused EEXIST write_input $F/attach
step "let it go" -- put 1 $F/instances/vol.a.b/detach
step "... and it is free" -- write_input $F/attach
put 1 $F/instances/vol.a.b/detach
put vol.a $S/destroy

unload flt_passthrough
put vol $S/destroy
put free $S/destroy
step "none of that broke a rule" INV-21 -- unload flt_sim fltmgr
finish
