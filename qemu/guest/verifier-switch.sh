# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=busybox
#
# The rest of check-verifier: how it is switched, and what follows a report.

# --- what is written to the parameters
long=$(printf '%256s' '' | tr ' ' x)
put 1 $M/verifier
for bad in "" "," "a," "a/b" "." "$long"; do
	step "verifier: '${bad%"$long"}' is nothing" VRF-01 -- expect_errno EINVAL put "$bad" $M/verifier
	step "... and changes nothing" VRF-01 -- equal "$(cat $M/verifier)" 1
done
for bad in "" "2" "reports" "panic,refuse"; do
	step "verifier_action: '$bad' is none" -- expect_errno EINVAL put "$bad" $M/verifier_action
	step "... and changes nothing" -- equal "$(cat $M/verifier_action)" report
done
for bad in "" x -1; do
	step "verifier_grace_ms: '$bad' is no time" -- expect_errno EINVAL put "$bad" $M/verifier_grace_ms
	step "... and changes nothing" -- equal "$(cat $M/verifier_grace_ms)" 300
done

# --- some only
step "only null and cancelsafe" VRF-01 -- put null,CancelSafe $M/verifier
step "as one can see" VRF-01 -- equal "$(cat $M/verifier)" null,CancelSafe
load flt_rogue mode=change-unmarked
load flt_null
attached
step "rogue is not looked at" VRF-01 VRF-10 -- equal "$(cat $R/verified) $(cat $F/null/verified)" "0 1"
was=$(reports)
read_it
step "what only the verifier sees is not seen" VRF-10 -- are "$was"
put pre-unknown $P/mode
read_it
step "what the manager sees itself is" VRF-10 -- are $((was + 1))
step "who is there stays as he is" VRF-01 -- sh -c "echo 1 > $M/verifier; [ \$(cat $R/verified) = 0 ]"
unload flt_rogue flt_null

# --- nobody
put 0 $M/verifier
load flt_rogue mode=pre-unknown
attached
was=$(reports)
read_it
step "switched off: still a report" VRF-01 -- are $((was + 1))
last > /run/report
step "of one line" VRF-01 VRF-07 -- equal "$(grep -c . < /run/report)" 1
step "that names it" VRF-07 -- has /run/report "^violation PRE-21: filter rogue instance rogue volume vol operation [0-9a-f]+: "
unload flt_rogue

# --- the culprit gets no more instances
put rogue $M/verifier
load flt_rogue mode=pre-unknown
load flt_null
attached
step "refuse" VRF-12 -- put refuse $M/verifier_action
step "who has broken nothing is attached" VRF-12 -- again
attached
read_it
detach
step "who has broken a rule is not" VRF-12 -- expect_errno ECONNREFUSED put vol $R/attach
step "but others are" VRF-12 -- put "vol other 5" $F/null/attach
step "as before" VRF-12 -- put report $M/verifier_action
step "and then it is, too" VRF-12 -- put vol $R/attach
unload flt_rogue flt_null

# --- what nobody wants to hear, or once
load flt_rogue mode=pre-unknown
attached
was=$(reports)
step "PRE-21 once" VRF-08 -- put "PRE-21 once" $D/violations
for n in 1 2 3; do put pre-unknown $P/mode; read_it; done
step "is reported once" VRF-08 -- are $((was + 1))
step "always" VRF-08 -- put "PRE-21 always" $D/violations
put pre-unknown $P/mode; read_it
step "is reported again" VRF-08 -- are $((was + 2))
step "never" VRF-08 -- put "PRE-21 never" $D/violations
put pre-unknown $P/mode; read_it
put pre-context $P/mode; read_it
step "another rule is" VRF-08 -- are $((was + 3))
step "which it is" VRF-08 -- reported PRE-22 sent
for bad in "PRE-21" "PRE-21 sometimes" "X never" "PRE-21  never" "$long"; do
	step "'${bad%"$long"}' is no answer" VRF-08 -- expect_errno EINVAL put "$bad" $D/violations
done
unload flt_rogue
