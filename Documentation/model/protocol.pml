// SPDX-License-Identifier: GPL-2.0-only
/*
 * The life of an operation against the teardown of the instances it meets.
 *
 * Two instances, A above B, on one volume; one or two operations; each may be
 * passed on, owed a post-op, completed, pended before and after its device
 * ran; A, B or both are detached at any moment.  See index.rst for what is
 * abstracted, and scripts/model-check for how it is run:
 *
 *	spin -a -DCFG_ONE_A protocol.pml && gcc -DSAFETY pan.c && ./a.out
 *
 * -DCFG_xxx chooses a configuration, -DMUT_xxx plants one mistake.
 */

/* ---- configurations ---------------------------------------------------- */

/* What a pre-op may answer (a mask); what a pend may be completed with. */
#define NO_CB		1
#define WITH_CB		2
#define COMPLETE	4
#define PEND		8
#define SYNC		16
#define SWAP		32	/* WITH_CB, and it swapped buffers: never drained */

#define ANY		(NO_CB | WITH_CB | COMPLETE | SWAP)

/*
 * PRE_ANSWERS(o, i)  mask of what i's pre-op may answer for operation o
 * PEND_ANSWERS       mask of what a pend may be completed with
 * POST_PENDS(o, i)   may i's post-op answer MORE_PROCESSING for o?
 */
#if defined(CFG_ONE_A) || defined(CFG_ONE_B) || defined(CFG_BOTH)
#define NOPS			1
#define PRE_ANSWERS(o, i)	(ANY | PEND)
#define PEND_ANSWERS		ANY
#define POST_PENDS(o, i)	1
#elif defined(CFG_TWO_A) || defined(CFG_TWO_B)
#define NOPS			2
#ifdef CFG_TWO_A
#define X_			A
#else
#define X_			B
#endif
/* the torn-down instance: all it can do; the other one passes or owes */
#define PRE_ANSWERS(o, i)	(i == X_ -> (WITH_CB | PEND | COMPLETE | SWAP) : WITH_CB)
#define PEND_ANSWERS		(WITH_CB | NO_CB)
#define POST_PENDS(o, i)	(i == X_)
#elif defined(CFG_SYNC_A) || defined(CFG_SYNC_B) || defined(CFG_SYNC_BOTH)
#define NOPS			1
#define PRE_ANSWERS(o, i)	(ANY | PEND | SYNC)
#define PEND_ANSWERS		ANY
#define POST_PENDS(o, i)	1
#elif defined(CFG_DOUBLE)
#define NOPS			1
#define PRE_ANSWERS(o, i)	(i == A -> PEND : NO_CB | PEND)
#define PEND_ANSWERS		(NO_CB | WITH_CB)
#define POST_PENDS(o, i)	0
#else
#error "choose a configuration: -DCFG_xxx"
#endif

#if defined(CFG_ONE_A) || defined(CFG_TWO_A) || defined(CFG_SYNC_A) || \
    defined(CFG_BOTH) || defined(CFG_SYNC_BOTH) || defined(CFG_DOUBLE)
#define DETACH_A
#define GONE_A		gone[A]
#else
#define GONE_A		true
#endif
#if defined(CFG_ONE_B) || defined(CFG_TWO_B) || defined(CFG_SYNC_B) || \
    defined(CFG_BOTH) || defined(CFG_SYNC_BOTH)
#define DETACH_B
#define GONE_B		gone[B]
#else
#define GONE_B		true
#endif

/* ---- what must hold ---------------------------------------------------- */

/* The tag is in the text of the assertion, so a failure names itself. */
mtype = {
	INV_01,		/* one post-op per pre-op that asked for one */
	INV_02,		/* post-ops from low to high */
	INV_03,		/* no callback for what arrived after TeardownStart */
	INV_04,		/* no callback after TeardownComplete */
	INV_06,		/* TeardownStart, then TeardownComplete, once each */
	INV_07,		/* TeardownComplete only with nothing left */
	DRN_12,		/* swapped buffers are not drained */
	INDEPENDENT,	/* a callback holds up its own instance's teardown only */
	ONE_TAKER,	/* INV-12's shape: one thread moves the operation */
	ONE_ANSWER,	/* a pend takes one answer */
	ANSWER_WRITTEN,	/* and it is there when it is read */
	OP_LIVE,	/* nobody touches a finished operation */
	OP_CLEAN,	/* an operation that ends stands nowhere */
	INSTANCE_LIVE,	/* nobody touches a freed instance */
	COUNT,		/* the teardown's count is dropped by who holds it */
	NOTHING
};

/* -DONLY=tag: that assertion alone; how a mutant is shown to fail by it */
#ifdef ONLY
#define MUST(tag, c)	assert((c) || tag != ONLY)
#else
#define MUST(tag, c)	assert((c) || tag == 0)
#endif

/* ---- words ------------------------------------------------------------- */

#define A	1
#define B	2
#define UP	3	/* "next instance" of an operation that goes up */

#define WATCHED	1

/* operation: instance * 16 + state * 2 + WATCHED; 0 stands nowhere */
#define RUNNING			0
#define ANSWERING		1
#define EARLY			2
#define PENDED			3
#define PENDED_ANSWERING	4
#define RESUMING		5
#define AT(i, s)	((i) * 16 + (s) * 2)
#define INST(w)		((w) >> 4)
#define STATE(w)	(((w) >> 1) & 7)

/* node: state * 2 + WATCHED; 0 is no node */
#define OWED			2
#define KEPT			4	/* owed, but not to be drained */
#define POSTING			6
#define POST_EARLY		8
#define POST_PENDED		10
#define POST_RESUMING		12
#define DRAINING		14	/* as final as DONE */
#define DONE			16
#define BARE(w)			((w) & ~WATCHED)

#define WITH_W(w, s)	((s) | ((w) & WATCHED))

/* what the model knows about (operation, instance), for the assertions */
#define G_NONE	0
#define G_PRE	1	/* pre-op runs, or pended the operation */
#define G_OWED	2	/* a post-op is owed */
#define G_POST	3	/* it runs, or pended the operation */

#define IX(o, i)	((o) * 2 + (i) - 1)
#define NIX		(NOPS * 2)

/* operation */
byte word[NOPS];
byte node[NIX];
byte frame[NIX];		/* SYNCHRONIZE: whose stack frame; 0 none */
byte answer[NOPS];
bit inlist[NOPS];
bit submitted[NOPS];
bit preq[NIX];			/* the filter's agents got hold of it */
bit qreq[NIX];
#ifdef CFG_DOUBLE
bit dreq[NIX];
byte accepted[NIX];
#endif
bit rcu[NOPS];			/* its mover is in a read section */
byte handed[NOPS * 3];		/* the frames' completions */
bit lock;			/* the in-flight list's */

/* operation: ghosts */
byte g[NIX];
bit swapped[NIX];
bit live[NOPS];
bit own[NOPS];
bit ended[NOPS];
byte late[NOPS];

/* instance; [0] unused */
bit slot[4];
bit going[4];
bit started[4];
bit queued[4];
bit completed[4];
bit gone[4];
byte count[4];

#define TOUCH_OP(o)	MUST(OP_LIVE, live[o])
#define TOUCH_I(i)	MUST(INSTANCE_LIVE, !gone[i])
#define TAKE(o)		MUST(ONE_TAKER, !own[o]); own[o] = 1
#define GIVE(o)		own[o] = 0

/* flt_teardown_put(): last access to the instance */
inline put(i)
{
	atomic {
		TOUCH_I(i);
		MUST(COUNT, count[i] > 0);
		count[i]--;
		if
		:: count[i] == 0 -> queued[i] = 1
		:: else
		fi
	}
#ifdef MUT_LAST_ACCESS
	TOUCH_I(i);
#endif
}

inline post_begins(o, i)
{
	atomic {
		TOUCH_I(i);
		MUST(INV_04, !completed[i]);
		MUST(INV_01, g[IX(o, i)] == G_OWED);
		g[IX(o, i)] = G_POST
	}
}

/* the post-op with DRAINING, on a copy: FINISHED whatever it answers */
inline drain(o, i)
{
	post_begins(o, i);
	atomic {
		MUST(DRN_12, !swapped[IX(o, i)]);
		g[IX(o, i)] = G_NONE
	}
}

/*
 * Count the node of an instance whose teardown is at the scan: counted before
 * it can be seen, taken back if the node went another way meanwhile.  The
 * caller holds the count above 0 by something else (bias, watched word).
 */
inline watch_node(o, i, w, again)
{
	count[i]++;
	atomic {
		TOUCH_OP(o);
		if
		:: node[IX(o, i)] == w ->
			node[IX(o, i)] = w | WATCHED
		:: else -> count[i]--; goto again
		fi
	}
}

/* ---- whoever moves an operation ---------------------------------------- */

#define SUBMITTER	1	/* the thread that issued it */
#define DEVICE		2	/* the lower device's completion */
#define PRE_AGENT	3	/* a filter's worker: complete_pended_pre */
#define POST_AGENT	4	/* a filter's worker: complete_pended_post */
#define SECOND_AGENT	5	/* one that completes a pend a second time */

#define MY_FRAME	(role == SUBMITTER -> 1 : \
			 (role == PRE_AGENT && me == A -> 2 : 0))
#define HANDED(f)	handed[o * 3 + (f)]

proctype Thread(byte o; byte role; byte me)
{
	byte pos;	/* instance it stands at; 0 above all */
	byte nx;	/* where it goes */
	byte old;	/* the replaced word */
	byte ans;
	byte k;		/* node the walk up has come to */
	byte nsync;	/* nodes above that wait for this thread's frame */
	bit owed;	/* a node was just made at pos */
	bit won;

	if
	:: role == SUBMITTER -> goto dispatch
	:: role == DEVICE ->
end_device:	atomic {
			submitted[o] -> submitted[o] = 0;
			TAKE(o);
			k = B
		}
		goto up
	:: role == PRE_AGENT -> goto complete_pre
	:: role == POST_AGENT -> goto complete_post
#ifdef CFG_DOUBLE
	:: role == SECOND_AGENT -> goto complete_pre_again
#endif
	fi;

	/* -- flt_dispatch() -- */
dispatch:
#ifdef MUT_JOIN_LATE
	atomic { live[o] = 1; TAKE(o);
		 late[o] = started[A] * A + started[B] * B };
#else
	atomic {
		lock == 0 ->
		inlist[o] = 1;
		live[o] = 1;
		TAKE(o);
		late[o] = started[A] * A + started[B] * B
	}
#endif

	/* -- flt_walk_down(): one RCU section finds, checks and moves -- */
down:
	atomic {
		TOUCH_OP(o);
#ifndef MUT_GOING_OUTSIDE_RCU
		rcu[o] = 1;
#endif
		nx = (pos < A && slot[A] -> A : (pos < B && slot[B] -> B : 0))
	}
	do
	:: nx == 0 -> break
	:: atomic { nx != 0 && going[nx] ->
		TOUCH_I(nx);
		nx = (nx == A && slot[B] -> B : 0) }
	:: atomic { nx != 0 && !going[nx] ->
		TOUCH_I(nx);
		break }
	od;
#ifdef MUT_MOVE_OUTSIDE_RCU
	rcu[o] = 0;
#endif

	/*
	 * -- flt_stand(): publish the new place, release the old --
	 * With a node just made, a cmpxchg that finds the word watched does not
	 * move: the post-op owed is drained first, from where it is owed, and
	 * the next place is looked for anew.
	 */
move:
	atomic {
		TOUCH_OP(o);
		old = word[o];
#ifndef MUT_DRAIN_AFTER_MOVE
		if
		:: owed && (old & WATCHED) ->
			rcu[o] = 0;
			nx = 0;
#ifdef MUT_FORGET_OWED
			owed = 0; goto down
#else
			goto handover
#endif
		:: else
		fi;
#endif
#ifdef MUT_WORD_KEPT_ON_COMPLETE
		if
		:: nx == UP -> old = 0
		:: else -> word[o] = (nx == 0 -> 0 : AT(nx, RUNNING))
		fi;
#else
		word[o] = (nx == 0 || nx == UP -> 0 : AT(nx, RUNNING));
#endif
#ifdef MUT_FORGET_WATCHED
		old = 0;
#endif
		rcu[o] = 0
	}
#ifdef MUT_OWED_LATE
	if
	:: owed -> atomic { TOUCH_OP(o); node[IX(o, pos)] = OWED }
	:: else
	fi;
#endif
#ifdef MUT_JOIN_LATE
	atomic { lock == 0 -> inlist[o] = 1 };
#endif
#ifdef MUT_DRAIN_AFTER_MOVE
	if
	:: owed && (old & WATCHED) -> goto handover
	:: else
	fi;
handed_over:
#endif

	/* -- flt_stand(): a watched word is counted; last access -- */
	if
	:: old & WATCHED -> put(pos)
	:: else
	fi;
	atomic {
		owed = 0; old = 0;
		if
		:: nx == 0 -> goto submit
		:: nx == UP -> nx = 0; k = pos - 1; goto up
		:: else -> pos = nx; nx = 0
		fi
	}

	/* -- the pre-op -- */
	atomic {
		TOUCH_I(pos);
		MUST(INV_04, !completed[pos]);
		MUST(INV_03, (late[o] & pos) == 0);
		MUST(INV_01, g[IX(o, pos)] == G_NONE);
		g[IX(o, pos)] = G_PRE
	}
	atomic {
		if
		:: PRE_ANSWERS(o, pos) & NO_CB -> ans = NO_CB
		:: PRE_ANSWERS(o, pos) & WITH_CB -> ans = WITH_CB
		:: PRE_ANSWERS(o, pos) & COMPLETE -> ans = COMPLETE
		:: PRE_ANSWERS(o, pos) & SYNC -> ans = SYNC
		:: PRE_ANSWERS(o, pos) & SWAP -> ans = SWAP
		:: PRE_ANSWERS(o, pos) & PEND ->
			preq[IX(o, pos)] = 1;
#ifdef CFG_DOUBLE
			dreq[IX(o, pos)] = 1;
#endif
			goto pended
		fi;
		goto answered
	}

pended:
	/* it returned PENDING */
	atomic {
		TOUCH_OP(o);
		if
		:: STATE(word[o]) == RUNNING ->
#ifdef MUT_PENDED_LOSES_WATCHED
			word[o] = AT(pos, PENDED);
#else
			word[o] = WITH_W(word[o], AT(pos, PENDED));
#endif
			GIVE(o);
#ifdef MUT_SYNC_PENDED_LEAVES
			goto fin
#else
			goto left
#endif
		:: STATE(word[o]) == ANSWERING ->
			word[o] = WITH_W(word[o], AT(pos, PENDED_ANSWERING));
			GIVE(o);
			goto left
		:: STATE(word[o]) == EARLY ->
			ans = answer[o];
			MUST(ANSWER_WRITTEN, ans != 0);
			answer[o] = 0
		fi
	}

answered:
	atomic {
		TOUCH_OP(o);
		if
		:: ans == NO_CB ->
			g[IX(o, pos)] = G_NONE
		:: ans == WITH_CB || ans == SYNC || ans == SWAP ->
			g[IX(o, pos)] = G_OWED;
#ifndef MUT_OWED_LATE
			node[IX(o, pos)] = (ans == SWAP -> KEPT : OWED);
			swapped[IX(o, pos)] = (ans == SWAP);
#endif
			owed = 1;
			if
			:: ans == SYNC ->
				frame[IX(o, pos)] = MY_FRAME;
				nsync++
			:: else
			fi
		:: ans == COMPLETE ->
			g[IX(o, pos)] = G_NONE;
			ans = 0;
			nx = UP;
			goto move
		fi;
		ans = 0;
		goto down
	}

submit:
	/* from here on nobody on the way down touches the operation */
	atomic {
		TOUCH_OP(o);
		MUST(OP_CLEAN, word[o] == 0);
		GIVE(o);
		submitted[o] = 1
	}
#ifdef MUT_TOUCH_AFTER_SUBMIT
	TOUCH_OP(o);
#endif
	goto left;

	/* -- flt_settle(): it is being torn down, and is owed a post-op -- */
handover:
#ifdef MUT_PUT_BEFORE_POST
	put(pos);
#endif
	atomic { TOUCH_OP(o); old = node[IX(o, pos)] }
	if
	:: old == OWED ->
		atomic {
			TOUCH_OP(o);
			won = (node[IX(o, pos)] == OWED);
#ifdef MUT_DRAIN_TWICE
			won = 1;
#endif
			if
			:: won -> node[IX(o, pos)] = DRAINING
			:: else
			fi
		}
		if
		:: won ->
			MUST(INDEPENDENT, INST(word[o]) == pos);
			drain(o, pos);
			won = 0
		:: else
		fi
	:: old == KEPT ->
#ifndef MUT_KEPT_NOT_WATCHED
		watch_node(o, pos, old, handover)
#endif
	:: else
	fi;
#ifdef MUT_DRAIN_AFTER_MOVE
	old = WATCHED;
	goto handed_over;
#endif
	atomic { old = 0; owed = 0; goto down }

	/* -- flt_complete_pended_preoperation() -- */
complete_pre:
end_pre:
	atomic {
		preq[IX(o, me)] -> preq[IX(o, me)] = 0;
		pos = me;
		if
		:: PEND_ANSWERS & NO_CB -> ans = NO_CB
		:: PEND_ANSWERS & WITH_CB -> ans = WITH_CB
		:: PEND_ANSWERS & COMPLETE -> ans = COMPLETE
		:: PEND_ANSWERS & SWAP -> ans = SWAP
		fi
	}
#ifdef CFG_DOUBLE
	goto try;
complete_pre_again:
end_again:
	atomic {
		dreq[IX(o, me)] -> dreq[IX(o, me)] = 0;
		pos = me;
		ans = NO_CB
	}
try:
#endif
	atomic {
#ifdef CFG_DOUBLE
		/* the word is looked at while the operation lasts */
		if
		:: !live[o] -> goto fin
		:: else
		fi;
		if
#ifndef MUT_NO_INSTANCE_CHECK
		:: INST(word[o]) != me -> goto fin
#else
		:: word[o] == 0 -> goto fin
#endif
		:: else
		fi;
#else
		TOUCH_OP(o);
		MUST(ONE_ANSWER, INST(word[o]) == me);
#endif
		if
		:: STATE(word[o]) == RUNNING ->
#ifdef MUT_EARLY_BEFORE_ANSWER
			word[o] = WITH_W(word[o], AT(me, EARLY));
#else
			word[o] = WITH_W(word[o], AT(me, ANSWERING));
#endif
		:: STATE(word[o]) == PENDED ->
			word[o] = WITH_W(word[o], AT(me, RESUMING));
			TAKE(o);
			nx = UP	/* marks: this thread resumes */
		:: else ->	/* double completion: refused */
#ifndef CFG_DOUBLE
			MUST(ONE_ANSWER, false);
#endif
			goto fin
		fi;
#ifdef CFG_DOUBLE
		accepted[IX(o, me)]++;
		MUST(ONE_ANSWER, accepted[IX(o, me)] == 1)
#endif
	}
	atomic {
		TOUCH_OP(o);
		answer[o] = ans;
		ans = 0
	}
	if
	:: nx == UP -> nx = 0
	:: else ->
		atomic {
#ifdef MUT_RESUME_TWICE
			/* sets EARLY, and resumes as well */
			if
			:: STATE(word[o]) == ANSWERING ->
				word[o] = WITH_W(word[o], AT(me, EARLY));
				TAKE(o)
			:: else
			fi;
#endif
			if
#ifndef MUT_EARLY_BEFORE_ANSWER
			:: STATE(word[o]) == ANSWERING ->
				TOUCH_OP(o);
				word[o] = WITH_W(word[o], AT(me, EARLY));
				goto fin
			:: STATE(word[o]) == PENDED_ANSWERING ->
				TOUCH_OP(o);
				word[o] = WITH_W(word[o], AT(me, RESUMING));
				TAKE(o)
#else
			:: true -> goto fin
#endif
			fi
		}
	fi;
	atomic {
		TOUCH_OP(o);
		ans = answer[o];
		answer[o] = 0;
		MUST(ANSWER_WRITTEN, ans != 0);
		goto answered
	}

	/* -- flt_walk_up(), flt_complete(): from node k upwards -- */
up:
	do
	:: k == 0 -> break
	:: k != 0 ->
		/* a SYNCHRONIZE node belongs to its thread, drained or not */
		atomic {
			TOUCH_OP(o);
			if
#ifdef MUT_SYNC_DRAINED_SKIPPED
			:: frame[IX(o, k)] != 0 && node[IX(o, k)] >= DRAINING &&
			   frame[IX(o, k)] != MY_FRAME ->
				skip
			:: frame[IX(o, k)] != 0 && node[IX(o, k)] < DRAINING &&
			   frame[IX(o, k)] != MY_FRAME ->
#elif defined(MUT_SYNC_BY_TASK)
			/* the device may complete within submit() */
			:: frame[IX(o, k)] == 1 && role == DEVICE -> skip
			:: frame[IX(o, k)] != 0 && frame[IX(o, k)] != MY_FRAME ->
#else
			:: frame[IX(o, k)] != 0 && frame[IX(o, k)] != MY_FRAME ->
#endif
				HANDED(frame[IX(o, k)]) = k;
				GIVE(o);
				goto left
			:: frame[IX(o, k)] != 0 && frame[IX(o, k)] == MY_FRAME ->
				nsync--;
				frame[IX(o, k)] = 0
			:: else
			fi
		}
		atomic {
			TOUCH_OP(o);
			if
			:: node[IX(o, k)] == OWED ->
				node[IX(o, k)] = POSTING
			:: BARE(node[IX(o, k)]) == KEPT ->
#ifdef MUT_POSTING_LOSES_WATCHED
				node[IX(o, k)] = POSTING
#else
				node[IX(o, k)] = WITH_W(node[IX(o, k)], POSTING)
#endif
			:: else ->	/* the teardown's, or none */
#ifdef MUT_TOUCH_LOST_INSTANCE
				if
				:: node[IX(o, k)] != 0 -> TOUCH_I(k)
				:: else
				fi;
#endif
				k--;
				goto up
			fi
		}
		post_begins(o, k);
		atomic {
			MUST(INV_02, k == B || node[IX(o, B)] == 0 ||
				     node[IX(o, B)] >= DRAINING);
			if
			:: goto posted
			:: POST_PENDS(o, k) ->
				qreq[IX(o, k)] = 1
			fi
		}
		/* it returned MORE_PROCESSING_REQUIRED */
		atomic {
			TOUCH_OP(o);
			if
			:: BARE(node[IX(o, k)]) == POSTING ->
#ifdef MUT_POST_LOSES_WATCHED
				node[IX(o, k)] = POST_PENDED;
#else
				node[IX(o, k)] = WITH_W(node[IX(o, k)], POST_PENDED);
#endif
#ifdef MUT_WALK_PAST_PENDED
				k--;
				goto up
#else
				GIVE(o);
				goto left
#endif
			:: BARE(node[IX(o, k)]) == POST_EARLY
			fi
		}
posted:
		atomic {
			TOUCH_OP(o);
			old = node[IX(o, k)];
			g[IX(o, k)] = G_NONE;
			node[IX(o, k)] = DONE
		}
		if
		:: old & WATCHED -> put(k)
		:: else
		fi;
		atomic { old = 0; k-- }
	od;
	/* above the topmost node: off the list, back to the caller */
	atomic {
#ifndef MUT_FREE_UNLOCKED
		lock == 0 ->
#endif
		TOUCH_OP(o);
		MUST(OP_CLEAN, word[o] == 0 && answer[o] == 0);
		inlist[o] = 0;
		live[o] = 0;
		node[IX(o, A)] = 0;
		node[IX(o, B)] = 0;
		GIVE(o);
		ended[o] = 1
	}
	goto left;

	/* -- flt_complete_pended_postoperation() -- */
complete_post:
end_post:
	atomic {
		qreq[IX(o, me)] -> qreq[IX(o, me)] = 0;
		k = me
	}
	atomic {
		TOUCH_OP(o);
		if
		:: BARE(node[IX(o, k)]) == POSTING ->
			node[IX(o, k)] = WITH_W(node[IX(o, k)], POST_EARLY);
#ifdef MUT_POST_RESUME_TWICE
			TAKE(o);
			goto posted
#else
			goto fin
#endif
		:: BARE(node[IX(o, k)]) == POST_PENDED ->
			node[IX(o, k)] = WITH_W(node[IX(o, k)], POST_RESUMING);
			TAKE(o);
			goto posted
		:: else -> MUST(ONE_ANSWER, false)
		fi
	}

	/*
	 * It let go of the operation.  A thread whose frame stands in nodes
	 * further up waits until somebody hands the operation back; it knows
	 * that from its frame, not from the operation.
	 */
left:
	if
	:: nsync > 0 ->
		atomic {
			HANDED(MY_FRAME) != 0 ->
			k = HANDED(MY_FRAME);
			HANDED(MY_FRAME) = 0;
			TAKE(o);
			goto up
		}
	:: else
	fi;
fin:
	atomic {
		pos = 0; nx = 0; old = 0; ans = 0; k = 0; owed = 0; won = 0
	}
}

/* ---- teardown of one instance ------------------------------------------ */

proctype Teardown(byte X)
{
	byte o, w;
	bit mine;

	/* -- flt_teardown_begin() -- */
#ifdef MUT_START_BEFORE_GOING
	started[X] = 1;
#endif
#ifndef OPT_NO_GOING
	going[X] = 1;
#endif
#ifndef MUT_NO_STUB
	slot[X] = 0;
#endif
#ifndef MUT_NO_GRACE_PERIOD
	rcu[0] == 0;
	rcu[NOPS - 1] == 0;
#endif
	atomic {
#ifndef MUT_START_BEFORE_GOING
		MUST(INV_06, !started[X] && !completed[X]);
#endif
		started[X] = 1;
		count[X] = 1	/* the bias */
	}

	/* -- flt_drain_scan() -- */
#ifdef MUT_BIAS_BEFORE_SCAN
	put(X);
#endif
	do
	:: o == NOPS -> break
	:: o < NOPS ->
		atomic { lock == 0 -> lock = 1 }
		if
		:: !inlist[o] -> goto seen
		:: else
		fi;
#ifdef MUT_SCAN_NODE_FIRST
		goto nodes;
#endif
words:
		atomic { TOUCH_OP(o); w = word[o] }
		if
		:: INST(w) == X ->
#ifdef MUT_COUNT_LATE
			atomic {
				TOUCH_OP(o);
				if
				:: word[o] == w -> word[o] = w | WATCHED
				:: else -> goto words
				fi
			}
			TOUCH_I(X);
			count[X]++;
#else
			/* counted before it can be seen, taken back if lost */
			count[X]++;
			atomic {
				TOUCH_OP(o);
				if
				:: word[o] == w -> word[o] = w | WATCHED
				:: else -> count[X]--; goto words
				fi
			}
#endif
			if
			:: goto seen		/* its mover will do the rest */
			:: goto nodes		/* or look on: both are right */
			fi
		:: else
		fi;
#ifdef MUT_SCAN_NODE_FIRST
		goto seen;
#endif
nodes:
		atomic { TOUCH_OP(o); w = node[IX(o, X)] }
		if
#ifdef MUT_DRAIN_KEPT
		:: w == OWED || w == KEPT ->
#else
		:: w == OWED ->
#endif
#ifdef MUT_NO_CLAIM
			atomic { node[IX(o, X)] = DRAINING; mine = 1 }
#else
			atomic {
				TOUCH_OP(o);
				if
				:: node[IX(o, X)] == w ->
					node[IX(o, X)] = DRAINING;
					mine = 1
				:: else -> goto nodes
				fi
			}
#endif
#ifndef MUT_COPY_UNLOCKED
			TOUCH_OP(o)	/* the copy */
#endif
		:: w >= KEPT && w < DRAINING && !(w & WATCHED) ->
			watch_node(o, X, w, nodes)
		:: else
#ifdef MUT_SCAN_NODE_FIRST
			-> goto words
#endif
		fi;
seen:
		atomic { lock = 0; w = 0 }
		if
		:: mine ->
#ifdef MUT_BIAS_BEFORE_DRAIN
			if
			:: o == NOPS - 1 -> put(X)
			:: else
			fi;
#endif
#ifdef MUT_COPY_UNLOCKED
			TOUCH_OP(o);
#endif
			drain(o, X);
			mine = 0;
#ifdef MUT_DONE_AFTER_DRAIN
			/* the operation may have ended meanwhile */
			atomic { TOUCH_OP(o); node[IX(o, X)] = DONE }
#endif
#ifdef MUT_BIAS_BEFORE_DRAIN
			if
			:: o == NOPS - 1 -> goto out
			:: else
			fi
#endif
		:: else
		fi;
		o++
	od;
#ifndef MUT_BIAS_BEFORE_SCAN
	put(X);
#endif
#ifdef MUT_BIAS_BEFORE_DRAIN
out:
#endif
	atomic { o = 0; w = 0 }
}

/* the work item that ends it */
proctype TeardownWork(byte X)
{
	atomic {
		queued[X] -> queued[X] = 0;
		MUST(INV_06, started[X] && !completed[X]);
		MUST(INV_07, g[IX(0, X)] == G_NONE &&
			     g[IX(NOPS - 1, X)] == G_NONE &&
			     INST(word[0]) != X && INST(word[NOPS - 1]) != X);
		completed[X] = 1
	}
	gone[X] = 1;
end_work:
	queued[X] ->
	MUST(INV_06, false)
}

/* ---- all of it --------------------------------------------------------- */

init {
	byte o;

	atomic {
		slot[A] = 1;
		slot[B] = 1;
		do
		:: o < NOPS ->
			run Thread(o, SUBMITTER, 0);
			run Thread(o, DEVICE, 0);
			run Thread(o, PRE_AGENT, A);
			run Thread(o, PRE_AGENT, B);
			run Thread(o, POST_AGENT, A);
			run Thread(o, POST_AGENT, B);
#ifdef CFG_DOUBLE
			run Thread(o, SECOND_AGENT, A);
			run Thread(o, SECOND_AGENT, B);
#endif
			o++
		:: else -> o = 0; break
		od;
#ifdef DETACH_A
		run Teardown(A);
		run TeardownWork(A);
#endif
#ifdef DETACH_B
		run Teardown(B);
		run TeardownWork(B);
#endif
	}

	/* never reached: an operation or a teardown that does not end */
	atomic {
		ended[0] && ended[NOPS - 1] && GONE_A && GONE_B ->
		MUST(INV_01, g[IX(0, A)] == G_NONE && g[IX(0, B)] == G_NONE &&
			     g[IX(NOPS - 1, A)] == G_NONE &&
			     g[IX(NOPS - 1, B)] == G_NONE)
	}
}
