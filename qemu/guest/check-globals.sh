# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=busybox
#
# What a filter has besides its instances: the sample filter globals, which is told of
# processes, threads and images while these come and go in a storm; whose routines are
# removed and set meanwhile; and which forgets to give back one thing after the other:
# wdm's verifier names it, and who has acquired it.
#
#	check-globals.sh [TIMES]	how often all routines are removed and set
#					(100; 10 under KASAN)
#
# run: -k debug -t 900
# also: -k stock
WDM_VIOLATIONS=any	# reports are counted here
. /guest/lib.sh

case $(uname -r) in *-debug) TIMES=${1:-10} ;; *) TIMES=${1:-100} ;; esac
G=/sys/kernel/fltmgr/filters/globals
D=/sys/kernel/debug/wdm
S=/sys/kernel/debug/flt_sim

# Looking makes no process: what is looked at are numbers of processes.
is() { read -r v < "$1" && [ "$v" = "$2" ]; }
value() { read -r v < "$1" && echo "$v"; }
# settles FILE VALUE: what has happened is told soon after
settles() {
	local n=0
	until is "$1" "$2"; do
		n=$((n + 1))
		[ $n -lt 200000 ] || { echo "$1 is $v, not $2"; return 1; }
	done
}
# ends_like FILE SUFFIX
ends_like() {
	local n=0
	while read -r v < "$1"; do
		case $v in *$2) return 0 ;; esac
		n=$((n + 1))
		[ $n -lt 200000 ] || { echo "$1 is $v, not *$2"; return 1; }
	done
}
reports() { sed -n '1s/^# violations //p' $D/violations; }
last() { awk -v RS= 'END { print }' $D/violations; }
read_it() { put "read 0 4096 wait" $S/vol/submit; }

step "the manager, wdm, and a volume" -- insmod_all fltmgr wdm flt_sim
put vol $S/create
step "globals" -- load flt_globals

# --- what it has
wait_for 10 [ -e $G/instances/vol.globals ]
is_told() { has $D/notify "^globals - $1 $2 [0-9]+ [0-9]+ 0 globals_on_$1"; }
step "a resource is in the ledger" GLB-10 -- has $D/ledger "^globals - 3 live [0-9]+ [0-9]+ 'resource' '-' globals_acquire \[flt_globals\]"
step "and in the list of resources" GLB-13 -- has $D/resources "^globals - [^ ]+ 0 0 0 0 -\$"
step "pool is counted by its tag" GLB-22 -- has $D/pool "^Glob Paged +1 +0 +1 "
step "reads are seen" GLB-34 -- read_it
step "of which one entry was enough" GLB-34 -- has $D/lookaside "^globals - 'GlRd' Nonp 16 16 1 0 [1-9][0-9]* [0-9]+\$"
step "processes are told of" GLB-41 GLB-50 -- is_told process passive
step "threads" GLB-40 GLB-50 -- is_told thread passive
step "images" GLB-42 GLB-50 -- is_told image passive

# --- the storm: insmod's end was told, of which the beginning was not
step "what was made before, and ended, is insmod" GLB-54 -- settles $G/wrong 2
step "nobody else is on the books" GLB-41 -- settles $G/alive 0
storm_is_told() {
	local made ended threads
	read -r made < $G/processes_made; read -r ended < $G/processes_ended; read -r threads < $G/threads_made
	/usr/bin/storm 100 6 > /run/storm || return
	settles $G/processes_made $((made + 101)) && settles $G/processes_ended $((ended + 101)) &&
		settles $G/alive 0 && settles $G/wrong 2 || return
	# Each has seven; one that executes a program ends and is made once more under its process's id.
	settles $G/threads_made $((threads + 1 + 700 + 20))
}
step "100 processes, 700 threads, 40 programs: each made once and ended once" GLB-52 GLB-55 GLB-56 -- storm_is_told
log "$(sed -n 2p $D/notify)"

# --- images
shared=
has $D/notify '^# shared_objects 0 ' > /dev/null && shared=1
storm_is_seen() { /usr/bin/storm 0 1 > /dev/null && ends_like $G/last_image "$1"; }
if [ $shared ]; then
	step "a program's library is told of, last" GLB-57 GLB-58 -- storm_is_seen /libc.so.6
else
	log "no kprobe: shared objects are not told of"
fi
module_is_told() {
	local was; read -r was < $G/modules
	load flt_null && is $G/modules $((was + 1)) && unload flt_null
}
step "a module is told of, before its init" GLB-59 -- module_is_told

# --- without a kprobe
step "no routine is set" GLB-61 -- put 0 $G/told
step "as debugfs says" GLB-61 -- lacks $D/notify '^globals '
step "a kprobe is forbidden" GLB-64 -- put 0 /sys/module/wdm/parameters/image_kprobe
step "routines are set all the same" GLB-64 -- put 1 $G/told
step "debugfs says what is missing" GLB-64 -- has $D/notify '^# shared_objects -1 '
step "a program is told of" GLB-57 -- storm_is_seen /usr/bin/storm
put 1 /sys/module/wdm/parameters/image_kprobe

# --- removed and set, while they are called
remove_and_set() {
	local n=0 rc=0
	(while [ ! -e /run/calm ]; do /usr/bin/storm 20 6 || exit 1; done) > /run/storm 2>&1 & storm=$!
	while [ $n -lt "$TIMES" ]; do
		put 0 $G/told && put 1 $G/told || { rc=1; break; }
		n=$((n + 1))
	done
	: > /run/calm
	wait $storm || rc=1
	rm /run/calm
	return $rc
}
step "$TIMES times, in a storm" GLB-40 GLB-61 GLB-62 -- remove_and_set
step "no rule was broken" INV-21 -- equal "$(reports)" 0
step "the optional unload gives all back" GLB-01 -- put 1 $G/unload
step "the ledger has nothing of it" GLB-01 GLB-03 -- lacks $D/ledger '^globals '
step "and no rule was broken" GLB-01 INV-21 -- equal "$(reports)" 0
step "rmmod" -- unload flt_globals

# --- rmmod in the storm; and with routines that are called directly
come_and_go() {
	local n=0 rc=0
	(while [ ! -e /run/calm ]; do /usr/bin/storm 20 6 || exit 1; done) > /run/storm 2>&1 & storm=$!
	while [ $n -lt $((TIMES / 10)) ]; do
		load flt_globals direct=$((n & 1)) && unload flt_globals || { rc=1; break; }
		n=$((n + 1))
	done
	: > /run/calm
	wait $storm || rc=1
	rm /run/calm
	return $rc
}
step "insmod and rmmod, in a storm" GLB-43 GLB-60 -- come_and_go
step "no rule was broken by that" INV-21 -- equal "$(reports)" 0
step "called directly" -- load flt_globals direct=1
step "says debugfs" GLB-51 -- is_told thread direct
step "insmod's end again" GLB-54 -- settles $G/wrong 2
step "the storm, directly" GLB-51 GLB-55 GLB-56 -- storm_is_told
step "rmmod" -- unload flt_globals

# --- a veto: decided before anything has gone
step "globals that refuses" -- load flt_globals refuse=1
step "refuses the optional unload" GLB-01 GLB-02 -- expect_errno EBUSY put 1 $G/unload
wait_for 10 [ -e $G/instances/vol.globals ]
step "and has all that it had" GLB-03 -- read_it
step "read and counted" GLB-03 -- settles $G/reads 1
step "with its routines" GLB-03 -- is_told process passive
step "it cannot refuse rmmod" GLB-02 -- unload flt_globals
step "no rule was broken by a veto" INV-21 -- equal "$(reports)" 0

# --- what is forgotten
# names RULE WHAT: one report, of that, by owner, with the stack that acquired it
names() {
	equal "$(reports)" $((was + 1)) && last > /run/report || return
	has /run/report "^violation $1: driver globals: $2 of stage [23], device -, is left by the unload" &&
		has /run/report "^  effect, pid [0-9]+ \(" &&
		has /run/report "^  cause, acquired by pid [0-9]+, [0-9]+ ms before:" &&
		said "wdm: +globals_acquire[^ ]* \[flt_globals\]"	# the file has no names once the module has gone
}
# All that has happened has been told; and nothing happens, as long as no program is run.
quiet() {
	local driver device type context queued rest waiting=1
	until [ -z "$waiting" ]; do
		waiting=
		while read -r driver device type context queued rest; do
			[ "$driver" != globals ] || [ "$queued" = 0 ] || waiting=1
		done < $D/notify
	done
}
# One that is forgotten is called until the verifier takes it back, and uses what has gone.
forgets() {
	was=$(reports)
	mark
	load flt_globals forget="$1" && read_it && quiet && put 1 $G/unload && unload flt_globals || return
	names "$2" "$3" && lacks $D/ledger '^globals '
}
step "a forgotten resource is named" GLB-12 VER-22 -- forgets resource V-GLB-1 "resource '-'"
step "forgotten pool" GLB-20 VER-22 -- forgets pool V-GLB-6 "pool block 'Glob'"
step "a forgotten lookaside list" GLB-30 VER-22 -- forgets lookaside V-GLB-6 "lookaside list '-'"
step "a forgotten process routine" GLB-43 VER-22 -- forgets process V-GLB-7 "notify routine 'process'"
step "a forgotten thread routine" GLB-43 VER-22 -- forgets thread V-GLB-7 "notify routine 'thread'"
step "a forgotten image routine" GLB-43 VER-22 -- forgets image V-GLB-7 "notify routine 'image'"
step "nobody calls it any more" GLB-60 -- /usr/bin/storm 5 2
was=$(reports)
step "nothing is forgotten" GLB-43 INV-21 -- load flt_globals forget=
step "rmmod" -- unload flt_globals
step "and nothing is said" INV-21 -- equal "$(reports)" "$was"

# --- given back before the filter is unregistered, with a read on its way
given_back_early() {
	was=$(reports)
	load flt_globals early=1 && put 1 $S/vol/hold && put "read 0 4096" $S/vol/submit || return
	wait_for 10 has $D/lookaside "^globals - 'GlRd' Nonp 16 16 0 1 " || return
	unload flt_globals && put 0 $S/vol/hold && put all $S/vol/release || return
	# Refused, as an entry is out; and so it is left.
	equal "$(reports)" $((was + 2)) && has $D/violations "^violation V-GLB-6: driver globals: lookaside list '-' of stage 3, device -, is released, but pool block 'GlRd' of stage 3"
}
step "a list is given back while an operation has an entry: named" GLB-03 -- given_back_early
put vol $S/destroy
step "all goes" -- rmmod_all
finish
