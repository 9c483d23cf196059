// SPDX-License-Identifier: GPL-2.0-only
/*
 * A filter with an instance on each of two volumes, while it is unloaded, one
 * of the volumes is dismounted, an instance is attached or detached, and
 * operations arrive. How an operation and the teardown of one instance get
 * along is protocol.pml's: here an operation stands at one instance, and a
 * teardown that finds it waits for it. See index.rst for what is abstracted.
 *
 *	Work(i)		the work item of the teardown of instance i
 *	Op(v)		operations on volume v, one at a time
 *	Attach(i)	somebody attaches instance i; or the volume is offered
 *	Detach(i)	somebody detaches it, and the filter may refuse
 *	Unload		the optional unload, twice at a time in CFG_ASKED
 *	Rmmod		the mandatory one, after which the filter's text is gone
 *	Dismount(v)	volume v goes
 *
 * CFG_ASKED	two optional unloads, an rmmod, an attach
 * CFG_VOLUMES	an unload, the dismount of volume 0, an attach to it
 * CFG_OFFERED	the dismount of volume 0 while that is offered; a detach
 * CFG_ON_AND_ON	as long as the filter is there, somebody attaches and detaches, and
 *		operations keep coming: an rmmod ends all the same (PROGRESS)
 * CFG_REMOUNT	likewise, with a dismount in the place of the rmmod
 * CFG_APART	the filter never completes what it pended on volume 0: the
 *		dismount of volume 1 ends all the same (PROGRESS)
 */

/* The tag is in the text of the assertion, so a failure names itself. */
mtype = {
	INV_03,		/* no pre-op for what arrived after TeardownStart */
	INV_04,		/* no callback after TeardownComplete */
	INV_05,		/* none of the filter's after it is unregistered */
	INV_06,		/* TeardownStart, then TeardownComplete, once each */
	INV_07,		/* TeardownComplete only with nothing left */
	INV_10,		/* a refused unload changes nothing */
	UNL_15,		/* one unload callback at a time */
	TEXT,		/* nothing of the filter's is looked at when its text is gone */
	VOL_LIVE,	/* nothing of the volume when it is dismounted */
	ONE_GRACE,	/* an unload or a dismount waits for one grace period */
	COUNT,		/* no put without a hold */
	NOTHING
};

#ifdef ONLY
#define MUST(tag, c)	assert((c) || tag != ONLY)
#else
#define MUST(tag, c)	assert((c) || tag == 0)
#endif

#define N	2	/* volumes, and instances: instance i is on volume i */

/* filter->state */
#define FILTERING	0
#define GOING		1
#define GONE		2

/* inst->state, as far as it matters here */
#define NONE		0
#define ATTACHING	1
#define ACTIVE		2
#define MARKED		3	/* GOING to DRAINING */
#define COMPLETED	4

/* inst->phase */
#define START		0
#define COMPLETE	1
#define FREE		2

/*
 * What is done under flt_topology_lock is one step: nothing is waited for under
 * it. What is waited for is looked at without it.
 */
byte fstate;
bit unloading;
byte fattaching;
byte frefs;		/* of the filter's rundown */
bit fclosed;		/* which gives no more */
byte mod;		/* references to its module */
bit modgoing;		/* module exit has begun: there are no more */
bit text = 1;

byte vattaching[N];
bit vgoing[N], vgone[N], stopped[N], offering[N];
bit inflight[N];	/* of the volume's one operation */

byte state[N], phase[N], hold[N];
bit slot[N];		/* it is in the array that operations read */
bit going[N];
bit graced[N];
bit queued[N];
bit on_filter[N], on_volume[N];
bit user[N];		/* an operation stands there */
bit watched[N];

bit rcu[N];		/* the operation is in a read section */
#define WAITERS	4	/* Work(0), Work(1), unregistering, dismounting */
bit grace[WAITERS * N];	/* the sections that a grace period waits for */

/* ghosts */
byte inside;		/* callbacks of the filter that run, but for its unload */
bit in_unload;
bit started[N], completed[N];
bit late[N];		/* the operation arrived after TeardownStart */
byte graces[WAITERS];

#define ENTER(i)	MUST(TEXT, text); MUST(INV_05, fstate != GONE); \
			MUST(INV_04, !completed[i]); inside++
#define LEAVE		inside--

#define RCU_LEAVE(v)	rcu[v] = 0; grace[v] = 0; grace[N + v] = 0; \
			grace[2 * N + v] = 0; grace[3 * N + v] = 0

/* A grace period waits for the read sections that it finds, for no later ones. */
inline wait_grace(w)
{
#ifdef MUT_GRACE_FOR_LATER_ONES
	atomic { !rcu[0] && !rcu[1] -> skip }
#else
	atomic { grace[w * N] = rcu[0]; grace[w * N + 1] = rcu[1] }
	atomic { !grace[w * N] && !grace[w * N + 1] -> skip }
#endif
}

/* flt_teardown_put(), flt_teardown_queue() */
inline put(i)
{
	atomic {
		MUST(COUNT, hold[i] > 0);
		hold[i]--;
		if
		:: hold[i] == 0 -> queued[i] = 1
		:: else
		fi
	}
}

/* flt_teardown_mark(), under T; the caller knows that nobody has done it */
inline mark(i)
{
	state[i] = MARKED;
	slot[i] = 0;
	going[i] = 1
}

/* flt_teardown_mark_one() */
inline mark_one(i, got)
{
	got = (state[i] == ACTIVE);
#ifdef MUT_BATCH_TAKES_MARKED
	got = (state[i] == ACTIVE || state[i] == MARKED);
#endif
	if
	:: got -> mark(i)
	:: else
	fi
}

/* flt_teardown_queue_batch() */
inline queue_batch(w, b0, b1)
{
	if
	:: b0 || b1 ->
#ifndef MUT_BATCH_NO_GRACE
		wait_grace(w);
#endif
		graces[w]++;
		if
		:: b0 -> atomic { graced[0] = 1; queued[0] = 1; b0 = 0 }
		:: else
		fi;
		if
		:: b1 -> atomic { graced[1] = 1; queued[1] = 1; b1 = 0 }
		:: else
		fi
	:: else
	fi
}

/* flt_unregister(), flt_filter_tear_down(), flt_filter_wait_references() */
inline unregister()
{
	atomic {
		first = (fstate == FILTERING);
		if
		:: first -> fstate = GOING; fclosed = 1
		:: else
		fi
	}
	if
	:: !first ->
		fstate == GONE
	:: else ->
#if !defined(OPT_NO_ATTACHING_WAIT) && !defined(MUT_NEITHER_WAITED_NOR_ASKED)
		fattaching == 0;
#endif
#ifdef MUT_ONE_BY_ONE
		atomic { mark_one(0, b0) }
		queue_batch(2, b0, b1);
		atomic { mark_one(1, b1) }
#else
		atomic { mark_one(0, b0); mark_one(1, b1) }
#endif
		queue_batch(2, b0, b1);
		MUST(ONE_GRACE, graces[2] <= 1);
#ifndef MUT_INSTANCES_NOT_WAITED_FOR
		atomic { !on_filter[0] && !on_filter[1] -> skip }
#endif
#ifndef MUT_REFERENCES_NOT_WAITED_FOR
		frefs == 0;
#endif
		atomic { MUST(INV_05, inside == 0); fstate = GONE; first = 0 }
	fi
}

/* flt_unload_claim(), under T */
#define MAY_UNLOAD	(fstate == FILTERING && !unloading)

/* flt_call_unload(): what the callback does, and what it says */
inline call_unload(refused)
{
	atomic {
		MUST(TEXT, text);
		MUST(UNL_15, !in_unload);
		in_unload = 1
	}
	if
#ifdef CFG_ASKED
	:: refused = 1		/* before it does anything */
	:: unregister(); refused = 1	/* UNL-09 */
#endif
#ifndef CFG_ON_AND_ON
	:: refused = 0		/* UNL-10: agrees, and does nothing */
#endif
	:: unregister(); refused = 0
	fi;
	in_unload = 0
}

/* flt_unload_settle() */
inline settle(refused, mandatory)
{
	atomic {
		refused = refused && !mandatory;
		gone = (fstate >= GOING);
		if
		:: refused && !gone ->
#ifndef MUT_REFUSAL_STICKS
			unloading = 0;
#endif
			MUST(INV_10, MAY_UNLOAD && !fclosed)
		:: else
		fi
	}
#ifndef MUT_NOT_FORCED
	if
	:: !refused && !gone -> unregister()
	:: else
	fi
#endif
}

#ifdef CFG_ASKED
/* flt_unload_request(), and its worker */
proctype Unload()
{
	bit first, b0, b1, refused, gone;

	/* flt_unload_hold_module() */
	atomic {
		if
		:: fstate == FILTERING && !modgoing -> mod++
		:: else -> goto out
		fi
	}
#ifdef MUT_MODULE_NOT_HELD
	mod--;
#endif
	atomic {
		if
#ifdef MUT_CLAIM_UNASKED
		:: fstate == FILTERING -> unloading = 1
#else
		:: MAY_UNLOAD -> unloading = 1
#endif
		:: else -> goto release
		fi
	}
	call_unload(refused);
	settle(refused, 0);
release:
#ifndef MUT_MODULE_NOT_HELD
	mod--;
#endif
out:
	atomic { first = 0; b0 = 0; b1 = 0; refused = 0; gone = 0 }
}
#endif

#if defined(CFG_ASKED) || defined(CFG_VOLUMES) || defined(CFG_ON_AND_ON)
/* delete_module(), flt_module_exit() */
proctype Rmmod()
{
	bit first, b0, b1, refused, gone;

	atomic { mod == 0 -> modgoing = 1 }
	do
	:: fstate == GONE -> break	/* flt_filter_of_module() finds none */
	:: fstate != GONE ->
		atomic {
			refused = !MAY_UNLOAD;
			unloading = 1
		}
		if
		:: !refused ->
			call_unload(refused);
			settle(refused, 1)
		:: else -> unregister()
		fi;
		refused = 0;
#ifdef MUT_NOT_FORCED
		break
#endif
	od;
	atomic {
		MUST(TEXT, inside == 0 && !in_unload && frefs == 0);
		text = 0
	}
}
#endif

/* flt_volume_dismount() */
proctype Dismount(byte v)
{
	bit b0, b1;

	stopped[v] = 1;		/* its provider dispatches nothing any more */
	vgoing[v] = 1;
#ifndef MUT_OFFER_NOT_WAITED_FOR
	!offering[v];
#endif
#if !defined(OPT_NO_ATTACHING_WAIT) && !defined(MUT_NEITHER_WAITED_NOR_ASKED)
	vattaching[v] == 0;
#endif
	atomic {
		if
		:: v == 0 -> mark_one(0, b0)
		:: else -> mark_one(1, b1)
		fi
	}
	queue_batch(3, b0, b1);
	MUST(ONE_GRACE, graces[3] <= 1);
#ifdef MUT_WAITS_FOR_ALL
	atomic { !on_volume[0] && !on_volume[1] -> skip }
#else
	!on_volume[v];
#endif
#ifndef MUT_INFLIGHT_NOT_WAITED_FOR
	!inflight[v];
#endif
	atomic { vgone[v] = 1; MUST(VOL_LIVE, !offering[v] && !inflight[v]) }
}

/* flt_teardown_work() */
proctype Work(byte i)
{
end_work:
	do
	:: atomic { queued[i] -> queued[i] = 0 };
		if
		:: phase[i] == START ->
			/* -- flt_teardown_start() -- */
			if
			:: !graced[i] -> wait_grace(i)
			:: else
			fi;
			atomic {
				MUST(INV_06, !started[i]);
				started[i] = 1;
				ENTER(i)
			}
			LEAVE;
			/* -- flt_drain_scan(): see protocol.pml -- */
			atomic {
				if
				:: user[i] && !watched[i] -> watched[i] = 1; hold[i]++
				:: else
				fi
			}
			atomic { phase[i] = COMPLETE }
			put(i)
		:: phase[i] == COMPLETE ->
			/* -- flt_teardown_complete(), flt_teardown_unlink() -- */
			atomic {
				MUST(INV_06, started[i] && !completed[i]);
				MUST(INV_07, !user[i]);
				ENTER(i)
			}
			atomic { LEAVE; completed[i] = 1 }
#ifdef MUT_OFF_THE_LIST_EARLY
			on_filter[i] = 0;
#endif
			atomic { on_volume[i] = 0; phase[i] = FREE; queued[i] = 1 }
		:: phase[i] == FREE ->
			/* -- flt_teardown_free(): under T, off the filter's list -- */
			atomic {
				MUST(TEXT, text);	/* its contexts go */
				on_filter[i] = 0;
				state[i] = NONE;
				started[i] = 0; completed[i] = 0;
				going[i] = 0; graced[i] = 0;
				phase[i] = START
			}
		fi
	od
}

/* Operations on a volume: flt_dispatch() and all that */
proctype Op(byte v)
{
	bit w;

	do
	:: stopped[v] || fstate == GONE -> break
	:: atomic { !stopped[v] -> inflight[v] = 1; late[v] = started[v]; rcu[v] = 1 };
		/* -- flt_stack_next(), flt_stand() -- */
		if
		:: slot[v] && !going[v] ->
			atomic { user[v] = 1; RCU_LEAVE(v) }
			/* the pre-op; and as long as it likes, if it pends */
			atomic { MUST(INV_03, !late[v]); ENTER(v) }
			LEAVE;
#if defined(CFG_APART) || defined(MUT_NEVER_COMPLETED)
			v != 0;		/* the filter pends it, and that is that */
#endif
			atomic { user[v] = 0; w = watched[v]; watched[v] = 0 }
			if
			:: w -> put(v); w = 0
			:: else
			fi
		:: else -> atomic { RCU_LEAVE(v) }
		fi;
		/* to the device, and back */
		atomic { MUST(VOL_LIVE, !vgone[v]); inflight[v] = 0 }
#if !defined(CFG_ON_AND_ON) && !defined(CFG_REMOUNT) && !defined(CFG_APART)
		break
#endif
	od
}

/* flt_attach_manual(); or, of a volume that is offered, flt_attach_automatic() */
proctype Attach(byte i; bit offered)
{
	bit ok;

again:
	if
	:: offered -> MUST(VOL_LIVE, !vgone[i])	/* flt_offer_work() */
	:: else
	fi;
	/* flt_reference(): its definitions are looked at */
	atomic {
		if
		:: fclosed -> goto out
		:: else
#ifndef MUT_ATTACH_NO_REFERENCE
			-> frefs++
#endif
		fi
	}
	MUST(TEXT, text);
	/* -- flt_attach_reserve() -- */
	atomic {
		ok = (fstate == FILTERING && !vgoing[i] && state[i] == NONE && !on_volume[i]);
		if
		:: ok ->
			state[i] = ATTACHING;
			on_filter[i] = 1;
			on_volume[i] = 1;
			hold[i] = 1;
			late[i] = 0;
			fattaching++;
			vattaching[i]++
		:: else -> goto drop
		fi
	}
	/* -- flt_call_setup() -- */
	atomic { ENTER(i) }
	atomic {
		LEAVE;
		if
		:: true
		:: ok = 0
		fi
	}
	if
	:: !ok ->
		/* -- flt_attach_forget() -- */
		atomic {
			on_volume[i] = 0;
			state[i] = COMPLETED;
			fattaching--;
			vattaching[i]--
		}
		atomic { phase[i] = FREE; queued[i] = 1 }
	:: else ->
		/* -- flt_attach_commit(), flt_attach_publish() -- */
		atomic {
#if !defined(OPT_PUBLISHED_UNASKED) && !defined(MUT_NEITHER_WAITED_NOR_ASKED)
			ok = (fstate == FILTERING && !vgoing[i]);
#endif
			if
			:: ok -> state[i] = ACTIVE; slot[i] = 1
			:: else -> mark(i)
			fi;
#ifndef MUT_ANNOUNCED_UNHELD
			hold[i] = hold[i] + ok;
#endif
			fattaching--;
			vattaching[i]--
		}
		if
		:: ok ->
			/* announced: it is there as long */
			MUST(INV_04, !completed[i]);
#ifndef MUT_ANNOUNCED_UNHELD
			put(i)
#else
			skip
#endif
		:: else ->
			queued[i] = 1;
			!on_volume[i]	/* inst->unlinked */
		fi
	fi;
drop:
#ifndef MUT_ATTACH_NO_REFERENCE
	frefs--;
#endif
out:
	if
	:: offered -> atomic { MUST(VOL_LIVE, !vgone[i]); offering[i] = 0 }
	:: else
	fi;
	ok = 0;
#if defined(CFG_ON_AND_ON) || defined(CFG_REMOUNT)
	if
	:: !fclosed && !vgoing[i] -> goto again
	:: fclosed || vgoing[i]
	fi
#else
	skip
#endif
}

#if defined(CFG_OFFERED) || defined(CFG_ON_AND_ON) || defined(CFG_REMOUNT)
/* flt_detach_instance() */
proctype Detach(byte i)
{
	bit ok;

again:
	/* -- flt_hold_active() -- */
	atomic {
		ok = (state[i] == ACTIVE);
		if
#ifdef MUT_QUERY_UNHELD
		:: false
#else
		:: ok -> hold[i]++
#endif
		:: else
		fi
	}
	if
	:: ok ->
		/* query_teardown */
		atomic { ENTER(i) }
		LEAVE;
		if
		:: skip		/* refuses */
		:: atomic {
#ifdef MUT_MARK_UNASKED
			ok = 1;
#else
			ok = (state[i] == ACTIVE);
#endif
			if
			:: ok -> mark(i); queued[i] = 1
			:: else
			fi }
		fi;
#ifndef MUT_QUERY_UNHELD
		put(i);
#endif
		ok = 0
	:: else
	fi;
#if defined(CFG_ON_AND_ON) || defined(CFG_REMOUNT)
	if
	:: !fclosed && !vgoing[i] -> goto again
	:: fclosed || vgoing[i]
	fi
#else
	skip
#endif
}
#endif

/* ---- all of it --------------------------------------------------------- */

inline in_service(i)
{
	state[i] = ACTIVE;
	slot[i] = 1;
	on_filter[i] = 1;
	on_volume[i] = 1;
	hold[i] = 1
}

init {
	atomic {
		run Work(0);
#if !defined(CFG_ON_AND_ON) && !defined(CFG_REMOUNT) && !defined(CFG_OFFERED)
		run Work(1);
#endif
#ifdef CFG_ASKED
		run Attach(0, 0);
		run Unload();
		run Unload();
		run Rmmod();
#endif
#ifdef CFG_VOLUMES
		in_service(0);
		in_service(1);
		run Op(0);
		run Op(1);
		run Rmmod();
		run Dismount(0);
#endif
#ifdef CFG_OFFERED
		offering[0] = 1;
		run Attach(0, 1);
		run Attach(0, 0);
		run Detach(0);
		run Op(0);
		run Dismount(0);
#endif
#ifdef CFG_ON_AND_ON
		run Attach(0, 0);
		run Detach(0);
		run Op(0);
		run Rmmod();
#endif
#ifdef CFG_REMOUNT
		run Attach(0, 0);
		run Detach(0);
		run Op(0);
		run Dismount(0);
#endif
#ifdef CFG_APART
		in_service(0);
		in_service(1);
		run Op(0);
		run Op(1);
		run Dismount(1);
#endif
	}
#if defined(CFG_ASKED) || defined(CFG_VOLUMES)
	/* never reached: an unload that does not end */
	!text;
	MUST(INV_05, !on_filter[0] && !on_filter[1] && inside == 0);
#endif
#if defined(CFG_OFFERED)
	vgone[0];
#endif
#if defined(CFG_VOLUMES)
	vgone[0];
#endif
	skip
}

#ifdef CFG_ON_AND_ON
ltl PROGRESS { <> !text }
#endif
#ifdef CFG_REMOUNT
ltl PROGRESS { <> vgone[0] }
#endif
#ifdef CFG_APART
ltl PROGRESS { <> vgone[1] }
#endif
