// SPDX-License-Identifier: GPL-2.0-only
/*
 * The life of an operation against the teardown of the instances it meets.
 *
 * Two instances, A above B, on one volume; one or two operations; each may be
 * passed on, owed a post-op, completed, pended before and after its device
 * ran, cancelled while it is pended, or initiated by A itself; A, B or both are
 * detached at any moment.  See index.rst for what is abstracted, and
 * scripts/model-check for how it is run:
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
#define SWAPS_			0	/* which one swaps; the other is completed */
#else
#define X_			B
#define SWAPS_			1
#endif
/* the torn-down instance: what two can do beside each other; the other one owes */
#define PRE_ANSWERS(o, i)	(i != X_ -> WITH_CB : \
				 (WITH_CB | PEND | (o == SWAPS_ -> SWAP : COMPLETE)))
#define PEND_ANSWERS		WITH_CB
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
#elif defined(CFG_MISUSE)	/* completed, and PENDING is not returned */
#define NOPS			1
#define PRE_ANSWERS(o, i)	(i == A -> ANY : NO_CB)
#define PEND_ANSWERS		NO_CB
#define POST_PENDS(o, i)	0
#elif defined(CFG_OWN)		/* A's own operation: only B sees it */
#define NOPS			1
#define PRE_ANSWERS(o, i)	(NO_CB | SWAP | COMPLETE | PEND)
#define PEND_ANSWERS		WITH_CB
#define POST_PENDS(o, i)	1
#elif defined(CFG_CANCEL)	/* what is pended has a cancel routine */
#define WITH_CANCEL
#define NOPS			1
#define PRE_ANSWERS(o, i)	(i == A -> SWAP | PEND : PEND)
#define PEND_ANSWERS		NO_CB
#define POST_PENDS(o, i)	0
#elif defined(CFG_CANCEL_KEPT)	/* B completes nothing by itself */
#define WITH_CANCEL
#define NOPS			1
#define PRE_ANSWERS(o, i)	(i == A -> SWAP : (word_below_kept(o) -> PEND : NO_CB))
#define PEND_ANSWERS		COMPLETE
#define POST_PENDS(o, i)	0
#define word_below_kept(o)	(BARE(node[IX(o, A)]) == KEPT)
#elif defined(CFG_ENDLESS)	/* A alone; no end of operations */
#define NOPS			1
#define PRE_ANSWERS(o, i)	(WITH_CB | PEND)
#define PEND_ANSWERS		(WITH_CB | NO_CB)
#define POST_PENDS(o, i)	1
#else
#error "choose a configuration: -DCFG_xxx"
#endif

#if defined(CFG_ONE_A) || defined(CFG_TWO_A) || defined(CFG_SYNC_A) || \
    defined(CFG_BOTH) || defined(CFG_SYNC_BOTH) || defined(CFG_DOUBLE) || \
    defined(CFG_MISUSE) || defined(CFG_OWN) || defined(CFG_CANCEL) || \
    defined(CFG_CANCEL_KEPT) || defined(CFG_ENDLESS)
#define DETACH_A
#define GONE_A		gone[A]
#else
#define GONE_A		true
#endif
#if defined(CFG_ONE_B) || defined(CFG_TWO_B) || defined(CFG_SYNC_B) || \
    defined(CFG_BOTH) || defined(CFG_SYNC_BOTH) || defined(CFG_OWN) || \
    defined(CFG_CANCEL)
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
	PND_01,		/* completed without PENDING: reported; nothing else is */
	FIO_23,		/* nothing is initiated on what is going */
	INV_15,		/* what is initiated is not seen above */
	INV_16,		/* one call of the routine for each that is initiated */
	DATA_LIVE,	/* nobody touches a filter's own operation when it is free */
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
#ifdef CFG_MISUSE
byte misused[NOPS];		/* accepted completions, less those reported */
#endif
#ifdef WITH_CANCEL
bit mark[NOPS];			/* op->canceled */
byte routine[NOPS];		/* whose routine is set; 0 none */
byte called[NOPS * 2];		/* (op, caller): whose routine it is to call */
bit later[NIX];			/* it goes on in a worker */
#endif
#ifdef CFG_OWN
byte refs[4];			/* to an instance, which keep its memory */
byte data = 1;			/* who counts the memory of the operation */
bit waited;			/* performed synchronously */
bit done;			/* the completion of that */
byte told;			/* calls of the routine */
#define HELD(i)			(refs[i] > 0)
#define FREED			(data == 0)
#else
#define HELD(i)			false
#define FREED			true
#endif
#ifdef CFG_ENDLESS
bit grace;			/* the section that a grace period waits for */
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

#define RCU_ENTER(o)	rcu[o] = 1
#ifdef CFG_ENDLESS
#define RCU_LEAVE(o)	rcu[o] = 0; grace = 0
#else
#define RCU_LEAVE(o)	rcu[o] = 0
#endif

#ifdef WITH_CANCEL
/*
 * flt_cancel_take(), under the list's lock: the mark, then the routine; and a
 * hold of the instance whose routine it is, which something else holds still.
 */
inline cancel_take(o, caller, got)
{
	atomic { TOUCH_OP(o); mark[o] = 1 }
	atomic {
		TOUCH_OP(o);
		got = (routine[o] != 0);
		if
		:: got ->
			called[(o) * 2 + (caller)] = routine[o];
			TOUCH_I(routine[o]);
			MUST(COUNT, count[routine[o]] > 0);
#ifndef MUT_CANCEL_NO_HOLD
			count[routine[o]]++;
#endif
			routine[o] = 0
		:: else
		fi
	}
}
#endif

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

#include "protocol-thread.inc"
#include "protocol-teardown.inc"

/* ---- all of it --------------------------------------------------------- */

init {
	byte o;

	atomic {
		slot[A] = 1;
#ifndef CFG_ENDLESS
		slot[B] = 1;
#endif
		count[A] = 1;	/* being in service: the bias */
		count[B] = 1;
#ifdef CFG_OWN
		refs[A] = 1;	/* the operation's */
#endif
		do
		:: o < NOPS ->
			run Thread(o, SUBMITTER, 0);
			run Thread(o, DEVICE, 0);
#ifndef CFG_OWN
			run Thread(o, PRE_AGENT, A);
#endif
#ifndef CFG_ENDLESS
			run Thread(o, PRE_AGENT, B);
#endif
#if !defined(CFG_OWN) && !defined(WITH_CANCEL)
			run Thread(o, POST_AGENT, A);
#endif
#if !defined(CFG_ENDLESS) && !defined(WITH_CANCEL)
			run Thread(o, POST_AGENT, B);
#endif
#ifdef CFG_DOUBLE
			run Thread(o, SECOND_AGENT, A);
			run Thread(o, SECOND_AGENT, B);
#endif
#ifdef WITH_CANCEL
			run Thread(o, CALLER, 0);
#endif
#ifdef CFG_CANCEL
			run Thread(o, CANCELLER, 0);
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

#ifdef CFG_ENDLESS
end_init:
	false
#endif
	/* never reached: an operation or a teardown that does not end */
	atomic {
		ended[0] && ended[NOPS - 1] && GONE_A && GONE_B && FREED ->
#ifdef CFG_OWN
		MUST(INV_16, told + waited == 1);
#endif
		MUST(INV_01, g[IX(0, A)] == G_NONE && g[IX(0, B)] == G_NONE &&
			     g[IX(NOPS - 1, A)] == G_NONE &&
			     g[IX(NOPS - 1, B)] == G_NONE)
	}
}

#ifdef CFG_ENDLESS
/* a teardown ends, though operations never do */
ltl PROGRESS { <> gone[A] }
#endif
