# SPDX-License-Identifier: GPL-2.0-only
# fltmc: what it says, what it does, and its exit statuses.
#
# run: -k debug --disk 64M -t 200
VERIFIER=	# switched by fltmc
. /guest/lib.sh

F=/sys/kernel/fltmgr/filters
S=/sys/kernel/debug/flt_sim

# gives STATUS COMMAND...	it exits so, and says something on standard error if not 0
gives() {
	local want=$1 got
	shift
	"$@" > /run/fltmc.out 2> /run/fltmc.err < /dev/null
	got=$?
	cat /run/fltmc.out /run/fltmc.err
	[ $got = "$want" ] || { echo "status $got"; return 1; }
	[ $got = 0 ] || [ -s /run/fltmc.err ]
}
# says STATUS TEXT COMMAND...	... and says that
says() {
	local want=$1 text=$2
	shift 2
	gives "$want" "$@" && grep -qF -- "$text" /run/fltmc.out /run/fltmc.err
}
has_columns() { fltmc filters | head -n 1 | grep -qE "^Filter Name +Num Instances +Altitude +Frame"; }
column() { fltmc "$@" | awk -v n="$column" 'NR > 2 { printf "%s ", $n }'; }

# For a manager with a verifier; of the filters null, which is not verified, and passthrough there are instances.
verify_steps() {
	local p=/sys/module/fltmgr/parameters/verifier
	step "null is not verified" VRF-01 -- equal "$(cat $F/null/verified)" 0
	step "the verifier is for new filters" VRF-01 -- says 0 "from now on" fltmc verify on null
	step "it says which is not new" VRF-01 -- says 0 "not verified until they are loaded anew: null" fltmc verify on null
	step "which the manager knows" VRF-01 -- equal "$(cat $p)" null
	step "null is still not verified" VRF-01 -- equal "$(cat $F/null/verified)" 0
	step "null goes" -- unload flt_null
	step "it comes again" -- load flt_null
	step "verified" VRF-01 -- equal "$(cat $F/null/verified)" 1
	step "another is not" VRF-01 -- equal "$(cat $F/passthrough/verified)" 0
	step "not any longer" VRF-01 -- says 0 "verified until they are unregistered: null" fltmc verify off
	step "which the manager knows" VRF-01 -- equal "$(cat $p)" 0
	step "all" VRF-01 -- gives 0 fltmc verify on
	step "which the manager knows" VRF-01 -- equal "$(cat $p)" 1
	fltmc verify off
	step "nothing is reported of correct filters" INV-21 -- says 0 "# violations 0" fltmc verify report
	step "nor as JSON" INV-21 -- equal "$(fltmc --json verify report)" '{"violations": 0, "reports": []}'
	step "only root may" -- says 1 "only root" unpriv fltmc verify on
}

step "there is a fltmc" -- test -x "$(command -v fltmc)"
for verb in filters instances volumes "attach a b" "detach a b" "unload a" outstanding "verify on" \
	"verify report"; do
	step "$verb: the manager is not loaded" -- says 3 "modprobe fltmgr" fltmc $verb
done
step "help needs none" FMC-01 -- says 0 "fltmc attach FILTER" fltmc help
for bad in "" "frobnicate" "filters x" "attach" "attach a" "attach a b c" "detach a" "unload" \
	"unload a b" "load" "load a/b" "load -- -r" "-x" "filters -f a" "volumes -v a" \
	"attach a b --json" "detach a b -i c" "help me" "instances -f" "outstanding x" "filters -w" \
	"outstanding -f" "outstanding -i a" "verify" "verify on -f a"; do
	step "'$bad' is wrong usage" -- says 2 "usage: fltmc" fltmc $bad
done

step "load by a filter's name" -- gives 0 fltmc load null
step "which brings the manager" -- loaded fltmgr
step "twice" -- says 1 "loaded already" fltmc load flt_null
step "with parameters" -- gives 0 fltmc load passthrough altitude=370030.5
step "with wrong ones" -- gives 1 fltmc load delay ops=none
step "a module that is not there" -- gives 1 fltmc load nonsense
step "delay" -- gives 0 fltmc load delay hold=1
step "flt_sim" -- load flt_sim

column=1
step "filters, highest first" ENM-07 ENM-09 FMC-07 -- equal "$(column filters)" "null passthrough delay "
step "with their columns" FMC-02 STK-05 -- has_columns
step "no volumes" -- equal "$(column volumes)" ""
step "an empty array" -- equal "$(fltmc --json volumes)" "[]"
put vol.1 $S/create
wait_for 5 test -d $F/delay/instances/vol.1.delay
step "a volume" ENM-11 FMC-04 -- equal "$(column volumes)" "vol.1 "
column=2
step "of its kind" ENM-11 -- equal "$(column volumes)" "sim "
column=4
step "instances" ENM-10 -- equal "$(column instances)" "null passthrough delay "
step "instances of one" ENM-03 -- says 0 "370030.5" fltmc instances -f PassThrough
step "not of both" -- gives 2 fltmc instances -f null -v vol.1
step "nor of none" ENM-08 -- says 1 "no filter 'nobody'" fltmc instances -f nobody
step "nor on none" ENM-08 -- says 1 "no volume '../filters'" fltmc instances -v ../filters

step "attach at an altitude" ATT-03 -- gives 0 fltmc attach passthrough vol.1 -i second -a 00370030.51
step "and again elsewhere" ALT-02 -- gives 0 fltmc attach passthrough vol.1 -a 9999999999999999999999
column=3
step "which is the highest" ALT-02 ALT-03 -- equal "$(column instances -v vol.1)" \
	"passthrough9999999999999999999999 null second passthrough delay "
step "the name is taken" ATT-05 -- says 1 "of that name" fltmc attach null vol.1
step "the altitude is taken" ATT-06 ALT-05 -- \
	says 1 "altitude is taken" fltmc attach null vol.1 -i n2 -a 370030.510
step "no such volume" -- says 1 "no such volume" fltmc attach null vol.2
step "no such definition" ATT-07 -- says 1 "-a ALTITUDE" fltmc attach null vol.1 -i other
step "no such altitude" ATT-07 ALT-01 -- says 1 "not an altitude" fltmc attach null vol.1 -i n2 -a 1e3
step "no such filter" -- says 1 "no filter" fltmc attach nobody vol.1
step "not outstanding of both" -- gives 2 fltmc outstanding -f null -v vol.1
step "nor verified" -- gives 2 fltmc verify none
step "no name is '-'" -- gives 2 fltmc attach null vol.1 -i -
step "no name has a blank" -- gives 2 fltmc attach null vol.1 -i "a b" -a 5

put "write 0 4096" $S/vol.1/submit
step "JSON" -- says 0 '"filter": "delay", "volume": "vol.1", "altitude": "328000", "name": "delay", "frame": 0, "pended": 1, "inflight": 1, "state": "active"' \
	fltmc --json instances

# --- what a teardown waits for
row='"volume": "vol.1", "filter": "delay", "instance": "delay", "operation": "WRITE", "id": "[0-9a-f]+", "age_ms": [0-9]+, "pid": [0-9]+, "how": "pended by pre-operation", "callback": "delay_pre \[flt_delay\]"'
outstanding() { fltmc --json outstanding "$@" | grep -E "$row"; }
empty() { equal "$(fltmc --json outstanding "$@")" "[]"; }
# of the filter delay; whether it was begun by PID
columns() { fltmc outstanding -f delay | awk 'NR > 2 { print $1, $2, $3, $5 == '"$1"', $6, $7, $8, $9, $10 }'; }
oldest() { fltmc outstanding | awk 'NR > 2 { print $5 }' | sort -c -n -r; }
step "what is outstanding" FMC-01 FKD-05 -- outstanding
step "of a filter" FKD-05 -- outstanding -f Delay
step "of none other" FKD-05 -- empty -f null
step "on a volume" FKD-05 -- outstanding -v vol.1
step "of no filter" -- says 1 "no filter 'nobody'" fltmc outstanding -f nobody
step "on no volume" -- says 1 "no volume 'vol'" fltmc outstanding -v vol
(put "write 4096 4096" $S/vol.1/submit) & writer=$!
wait $writer
was="vol.1 delay WRITE"
step "who began which" FKD-05 -- equal "$(columns $writer)" "$was 0 pended by pre-operation delay_pre [flt_delay]
$was 1 pended by pre-operation delay_pre [flt_delay]"
step "the oldest first" FKD-05 -- oldest
step "anybody may not look there" -- says 1 "only root" setpriv --reuid=65534 --regid=65534 --clear-groups fltmc outstanding
umount /sys/kernel/debug
step "debugfs is not mounted" -- says 3 "mount -t debugfs" fltmc outstanding
mount -t debugfs debugfs /sys/kernel/debug
step "now it is" FKD-05 -- outstanding
put "all" $F/delay/release
step "all was given back" FKD-05 -- wait_for 5 empty

step "detach the highest without a name" DET-01 -- gives 0 fltmc detach passthrough vol.1
step "which it was" DET-01 -- equal "$(column instances -v vol.1)" "null second passthrough delay "
step "detach by name" DET-01 -- gives 0 fltmc detach passthrough vol.1 passthrough
step "not twice" DET-02 -- says 1 "no such instance" fltmc detach passthrough vol.1 passthrough
step "not from elsewhere" DET-02 -- says 1 "no such instance" fltmc detach passthrough vol.2
echo 1 > /sys/module/flt_delay/parameters/refuse
step "what refuses" TDN-03 -- says 1 "the filter refuses" fltmc detach delay vol.1
step "... and refuses" UNL-04 -- says 1 "the filter refuses" fltmc unload delay
echo 0 > /sys/module/flt_delay/parameters/refuse

unpriv() { setpriv --reuid=65534 --regid=65534 --clear-groups "$@"; }
step "anybody may look" -- says 0 "passthrough" unpriv fltmc filters
step "only root may attach" -- says 1 "only root" unpriv fltmc attach null vol.1 -i x -a 5
step "only root may detach" -- says 1 "only root" unpriv fltmc detach null vol.1
step "only root may unload" UNL-18 -- says 1 "only root" unpriv fltmc unload null
verify_steps
step "root may" UNL-01 -- gives 0 fltmc unload null
step "once" UNL-13 -- says 1 "no filter" fltmc unload null
step "a full disk is noticed" -- says 1 "standard output" sh -c 'fltmc filters > /dev/full'
put vol.1 $S/destroy

# --- while a teardown hangs: the device below has stopped, and has a buffer of the filter's
step "the others go" -- unload flt_delay flt_passthrough
step "others are verified" VRF-01 -- gives 0 fltmc verify on null
step "a filter that cannot be drained" -- gives 0 fltmc load swapbuffers detach=1
step "the target" -- load flt_dm
step "a device" -- dmsetup create low --table "0 65536 linear /dev/vda 0"
step "a volume on it" -- dmsetup create top --table "0 65536 flt /dev/mapper/low 0 top"
I=$F/swapbuffers/instances/top.swapbuffers
wait_for 5 test -d $I
step "contexts of who is not verified are not listed" VRF-05 VRF-10 -- \
	equal "$(grep -v '^#' /sys/kernel/debug/fltmgr/contexts)" ""
step "the device stops" -- dmsetup suspend low
dd if=/dev/zero of=/dev/mapper/top bs=4k count=1 oflag=direct 2> /dev/null & writer=$!
wait_for 5 has $I/inflight '^1$'
fltmc outstanding -w -v top > /run/watch & watch=$!
fltmc detach swapbuffers top & detach=$!
step "a detach hangs" -- wait_for 5 has $I/state draining
rounds() { [ "$(grep -c '^Filter' /run/watch)" -ge "$1" ]; }
seen=$(grep -c '^Filter' /run/watch)
step "it is said what for" FMC-01 FKD-05 TDN-21 -- says 0 "below, post-operation owed" fltmc outstanding -f swapbuffers
step "again and again" FKD-05 TDN-21 -- wait_for 10 rounds $((seen + 3))
step "the device goes on" -- dmsetup resume low
step "the write ends" -- wait $writer
step "and the detach" -- wait $detach
nothing() { tail -n 1 /run/watch | grep -q -- '^---'; }
step "nothing is waited for" FKD-05 -- wait_for 10 nothing
kill $watch
step "it was told each second" FKD-05 -- has /run/watch "^swapbuffers .*WRITE .* $writer "
step "the volume goes" -- dmsetup remove top
dmsetup remove low
step "the filter is unloaded" UNL-01 -- gives 0 fltmc unload swapbuffers
step "nothing is left" INV-21 -- rmmod_all
finish
