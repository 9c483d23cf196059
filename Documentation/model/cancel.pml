// SPDX-License-Identifier: GPL-2.0-only
/*
 * Cancelling: who gets an operation that a filter has made cancellable.
 *
 * One operation, one filter that pends it, two who cancel at any moment. See
 * index.rst for what is abstracted, and scripts/model-check for how it is run:
 *
 *	spin -a -DCFG_QUEUE cancel.pml && gcc -DSAFETY pan.c && ./a.out
 *
 * CFG_ROUTINE: the filter sets a cancel routine, and an agent of its own clears
 * it. CFG_QUEUE: it puts the operation into a callback-data queue; one removes
 * the next, one removes it by name, and then the instance is torn down.
 * -DMUT_xxx plants one mistake.
 */

/* ---- what must hold ---------------------------------------------------- */

/* The tag is in the text of the assertion, so a failure names itself. */
mtype = {
	INV_12,		/* one gets the operation, and completes it */
	INV_13,		/* disabled and empty once, the queue stays so */
	CBQ_14,		/* nothing is inserted after disabling has returned */
	TOLD,		/* no mark in a cancellable operation that nobody looks at */
	OP_LIVE,	/* nobody touches a finished operation */
	NAME_LIVE,	/* nor the name of one, when remove has returned */
	QUEUE_LIVE,	/* a cancel does not touch the queue of an instance that is gone */
	LISTED,		/* nothing is taken out of the list that is not in it */
	NOTHING
};

/* -DONLY=tag: that assertion alone; how a mutant is shown to fail by it */
#ifdef ONLY
#define MUST(tag, c)	assert((c) || tag != ONLY)
#else
#define MUST(tag, c)	assert((c) || tag == 0)
#endif

/* operation */
bit mark;
bit routine;			/* one is set; who clears it has the operation */
bit inlist = 1;			/* of the volume's operations in flight */
bit named;			/* it knows the name that the filter gave it */
bit lock;			/* the in-flight list's */

/* filter */
bit flock;			/* its own: the queue's, or that of agent and routine */
bit called;			/* ROUTINE: its routine was */
bit handed;			/* ROUTINE: its agent may begin */
bit inq;			/* QUEUE: the operation is in its list */
bit disabled;
bit name;			/* QUEUE: of the operation; not 0: it is in the list */

/* instance */
byte hold;			/* of cancels that are in its text */
bit gone;

/* ghosts */
bit live = 1;
bit pre = 1;			/* the pre-op has not returned PENDING */
bit completed;
bit ended;
bit freed;			/* the name */
bit off;			/* disabling has returned */
bit drained;			/* and remove-next said NULL after that */
byte busy;			/* in the middle of setting or cancelling */

#define TOUCH_OP	MUST(OP_LIVE, live)
#define QUIET		MUST(TOLD, busy > 0 || !(mark && routine))

/* The last of two, the pre-op that returns and the completion, moves it on. */
inline end_op()
{
	atomic { lock == 0 -> inlist = 0; live = 0; ended = 1 }
}

inline complete(last)
{
	atomic {
		TOUCH_OP;
		MUST(INV_12, !completed);
		completed = 1;
		last = !pre
	}
	if
	:: last -> end_op()
	:: else
	fi
}

inline pre_returns(last)
{
	atomic { pre = 0; last = completed }
	if
	:: last -> end_op()
	:: else
	fi
}

/* -- flt_cancel_arm(); r: it is cancelled, and the caller's -- */
inline arm(r)
{
	atomic { TOUCH_OP; busy++; r = mark }
	if
	:: !r ->
		atomic { TOUCH_OP; routine = 1 }
#ifndef MUT_NO_SECOND_LOOK
		atomic { TOUCH_OP; r = mark }
		if
		:: r ->
#ifdef MUT_TAKEN_BACK_UNASKED
			atomic { TOUCH_OP; routine = 0 }
#else
			atomic { TOUCH_OP; r = routine; routine = 0 }
#endif
		:: else
		fi
#endif
	:: else
	fi;
	atomic { busy--; QUIET }
}

/* -- flt_cancel_disarm() -- */
inline disarm(got)
{
	atomic { TOUCH_OP; got = routine; routine = 0 }
}

#ifdef CFG_QUEUE
#define F_LOCK		atomic { flock == 0 -> flock = 1 }
#define F_UNLOCK	flock = 0

/* -- flt_cbdq_unlink(), under the filter's lock -- */
inline unlink()
{
	atomic {
		TOUCH_OP;
		MUST(LISTED, inq);
		inq = 0
	}
	if
	:: named ->
		atomic { MUST(NAME_LIVE, !freed); name = 0; named = 0 }
	:: else
	fi
}
#endif

/* ---- the filter -------------------------------------------------------- */

/* Its pre-op, in the thread that dispatches the operation. */
proctype Pre()
{
	bit r, last;

#ifdef CFG_ROUTINE
	arm(r);
	if
	:: r -> complete(last)
	:: else -> handed = 1
	fi;
#else
	/* -- flt_cbdq_insert_io() -- */
	F_LOCK;
	if
	:: disabled -> F_UNLOCK; complete(last); goto out
	:: else
	fi;
	atomic {
		inq = 1;
		name = 1;
		named = 1;
		MUST(INV_13, !drained);
		MUST(CBQ_14, !off)
	}
#ifdef MUT_ARM_WITHOUT_LOCK
	F_UNLOCK;
#endif
	arm(r);
	if
	:: r -> unlink()
	:: else
	fi;
#ifndef MUT_ARM_WITHOUT_LOCK
	F_UNLOCK;
#endif
	if
	:: r -> complete(last)
	:: else
	fi;
out:
#endif
	pre_returns(last)
}

#ifdef CFG_ROUTINE
/* Goes on with the operation, if it is not cancelled. */
proctype Agent()
{
	bit got, last;

	handed || ended;
	if
	:: !handed -> goto end_agent
	:: else
	fi;
	atomic { flock == 0 -> flock = 1 }
	if
	:: !called -> disarm(got)
	:: else
	fi;
	flock = 0;
	if
	:: got -> complete(last)
	:: else
	fi;
end_agent:
	skip
}
#else
/* -- flt_cbdq_remove_next_io(); got: the operation -- */
inline remove_next(got)
{
	F_LOCK;
	got = inq;			/* peek */
	if
	:: got ->
#ifdef MUT_REMOVE_UNASKED
		atomic { TOUCH_OP; routine = 0 }
#else
		disarm(got)
#endif
	:: else
	fi;
	if
	:: got -> unlink()
	:: else
	fi;
	F_UNLOCK
}

proctype Agent()
{
	bit got, last;

	remove_next(got);
	if
	:: got -> complete(last)
	:: else
	fi
}

/* -- flt_cbdq_remove_io(), after which the name is nobody's -- */
proctype AgentByName()
{
	bit got, last;

	name || ended;			/* it was inserted */
	F_LOCK;
	got = name;
	if
	:: got ->
		disarm(got);
		if
		:: got -> unlink()
#ifdef MUT_NAME_KEPT
		:: else -> skip
#else
		:: else -> atomic { TOUCH_OP; named = 0; name = 0 }
#endif
		fi
	:: else
	fi;
	atomic { F_UNLOCK; freed = 1 }
	if
	:: got -> complete(last)
	:: else
	fi
}

/* teardown_start: disable, drain; the end: nothing stands there any more */
proctype Teardown()
{
	bit got, last;

#ifdef MUT_DISABLE_WITHOUT_LOCK
	disabled = 1;
#else
	F_LOCK;
	disabled = 1;
	F_UNLOCK;
#endif
	off = 1;
drain:
	remove_next(got);
	if
	:: got -> complete(last); goto drain
	:: else -> drained = 1
	fi;
	atomic { ended && hold == 0 -> gone = 1 }
}
#endif

/* ---- who cancels: flt_volume_cancel() ---------------------------------- */

proctype Cancel()
{
	bit got, last, held;

	atomic { lock == 0 -> lock = 1 }
	if
	:: !inlist -> lock = 0; goto end_cancel
	:: else
	fi;
#ifdef MUT_TAKE_WITHOUT_LOCK
	lock = 0;
#endif
	/* -- flt_cancel_take() -- */
#ifdef MUT_MARK_LATE
	atomic { busy++; TOUCH_OP; got = routine; routine = 0 }
	atomic { TOUCH_OP; mark = 1 }
#else
	atomic { busy++; TOUCH_OP; mark = 1 }
	disarm(got);
#endif
#ifndef MUT_NO_HOLD
	if
	:: got -> hold++; held = 1
	:: else
	fi;
#endif
	atomic {
		busy--;
		QUIET;
#ifndef MUT_TAKE_WITHOUT_LOCK
		lock = 0
#endif
	}
	if
	:: !got -> goto end_cancel
	:: else
	fi;

	/* -- flt_cancel_run() -- */
#ifdef CFG_ROUTINE
	atomic { flock == 0 -> flock = 1 }
	called = 1;
	flock = 0;
	complete(last);
#else
	/* -- flt_cbdq_cancel() -- */
	F_LOCK;
	MUST(QUEUE_LIVE, !gone);
	unlink();
	F_UNLOCK;
	complete(last);
#endif
	atomic {		/* back from the filter's text */
		MUST(QUEUE_LIVE, !gone);
		if
		:: held -> hold--
		:: else
		fi
	}
end_cancel:
	skip
}

/* ---- all of it --------------------------------------------------------- */

init {
	atomic {
		run Pre();
		run Agent();
		run Cancel();
		run Cancel();
#ifdef CFG_QUEUE
		run AgentByName();
		run Teardown()
#endif
	}
	/* never reached: an operation that nobody gets */
	ended;
	MUST(LISTED, !inq)
}
