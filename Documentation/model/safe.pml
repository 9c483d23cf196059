/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One completion node whose post-operation moves its work to a worker
 * (kmod/fltmgr/safe.c), and a teardown of its instance. Four of protocol.pml's
 * ideas are taken as given: one thread moves the operation, an early completion
 * is recorded, a watched node gives up a hold when it is DONE, and the scan
 * counts before it watches.
 *
 *	Post		the thread of the post-operation
 *	Worker		calls the safe routine
 *	Completer	the filter, any time after it was posted; legal if the
 *			routine answers MORE_PROCESSING_REQUIRED
 *	Teardown	scans, then drops the hold of being in service
 *
 * CFG_SAFE		every answer of a correct filter
 * CFG_SAFE_MISUSE	completes although the routine answers FINISHED
 *
 * What the post-operation returns makes no difference: see flt_post().
 */
/* The tag is in the text of the assertion, so a failure names itself. */
mtype = {
	ONE_TAKER,	/* the operation is moved on once */
	OP_LIVE,	/* nobody touches it after that */
	IN_CALLBACK,	/* it is not moved while in a callback */
	INV_07,		/* nothing runs at teardown_complete */
	COUNT,		/* no put without a hold */
	NOTHING
};

#ifdef ONLY
#define MUST(tag, c)	assert((c) || tag != ONLY)
#else
#define MUST(tag, c)	assert((c) || tag == 0)
#endif

#define POSTING		1
#define POST_EARLY	2
#define POST_PENDED	3
#define RESUMING	4
#define DONE		5
#define POSTED		6
#define POSTED_EARLY	7
#define SAFE		8
#define SAFE_EARLY	9

byte state = POSTING;
bit watched;
byte hold = 1;			/* in service */
bit in_post = 1, in_routine;
bit posted, moved, scanned, completed;
bit more;			/* the routine's answer */
bit misuse;
byte to_complete;		/* completions the filter will make */

#define TOUCH	MUST(OP_LIVE, !moved)

/* One step: a cmpxchg that keeps WATCHED. */
#ifdef MUT_SAFE_LOSES_WATCHED
#define SET(new)	state = new; watched = 0
#else
#define SET(new)	state = new
#endif

inline put()
{
	atomic {
		MUST(COUNT, hold > 0);
		hold--
	}
}

/* flt_node_done(), and whatever comes above */
inline move_on()
{
	atomic {
		TOUCH;
		MUST(ONE_TAKER, !moved);
		MUST(IN_CALLBACK, !in_post && !in_routine);
		moved = 1;
		state = DONE;
		w = watched;
		watched = 0
	}
	if
	:: w -> put()
	:: else
	fi
}

active proctype Post()
{
	bit w, gone;

	/* flt_safe_post() */
	atomic {
		if
		:: more = 0
		:: more = 1
		fi;
#ifdef CFG_SAFE_MISUSE
		misuse = 1;
		to_complete = 1;
#else
		to_complete = more;
#endif
		TOUCH;
		SET(POSTED);
		posted = 1
	}
	/* It returns. flt_pend_post(), flt_safe_leave(): the same for all that it may say */
	atomic {
		in_post = 0;
		TOUCH;
		if
#ifdef MUT_SAFE_NOT_WAITED_FOR
		:: state == POSTED -> gone = 0
#else
		:: state == POSTED -> SET(SAFE); gone = 1
#endif
		:: state == POSTED_EARLY -> SET(SAFE_EARLY); gone = 1
		:: state == POSTING -> SET(POST_PENDED); gone = 1
		:: else -> gone = 0
		fi
	}
	if
	:: !gone -> move_on()
	:: else
	fi
}

active proctype Worker()
{
	bit w, resume;

	atomic { posted -> TOUCH; in_routine = 1 }
	atomic {
		in_routine = 0;
		TOUCH;
		resume = 0;
		if
		:: state == POSTED && more -> SET(POSTING)
		:: state == POSTED && !more -> SET(POST_EARLY)
		:: state == SAFE && more -> SET(POST_PENDED)
		:: state == SAFE && !more -> SET(RESUMING); resume = 1
		:: state == POSTED_EARLY -> SET(POST_EARLY)
		:: state == SAFE_EARLY -> SET(RESUMING); resume = 1
		:: else -> MUST(ONE_TAKER, false)
		fi;
#ifdef MUT_SAFE_RESUMES_EARLY
		resume = resume || state == POST_EARLY
#endif
	}
	if
	:: resume -> move_on()
	:: else
	fi
}

/* flt_complete_pended_postoperation(), from wherever it likes */
active proctype Completer()
{
	bit w, resume;

	do
	:: posted && to_complete == 0 -> break
	:: atomic { posted && to_complete > 0 ->
		to_complete--;
		/* One that is not legal may come too late: nobody can tell. */
		if
		:: misuse && moved -> goto late
		:: else
		fi;
		TOUCH;
		resume = 0;
		if
		:: state == POSTING -> SET(POST_EARLY)
		:: state == POST_PENDED -> SET(RESUMING); resume = 1
#ifdef MUT_SAFE_COMPLETED_AT_ONCE
		:: state == POSTED -> SET(POST_EARLY)
		:: state == SAFE -> SET(RESUMING); resume = 1
#else
		:: state == POSTED -> SET(POSTED_EARLY)
		:: state == SAFE -> SET(SAFE_EARLY)
#endif
		:: else		/* refused, reported */
		fi }
		if
		:: resume -> move_on()
		:: else
		fi;
late:
		skip
	od
}

active proctype Teardown()
{
	bit watch;

	/* flt_watch_node(): count, then watch; done again if the state changed */
	do
	:: atomic { state == DONE -> break }
	:: atomic { state != DONE -> hold++; }
		if
		:: atomic { state != DONE -> watched = 1; watch = 1 }
			break
		:: atomic { state == DONE -> hold-- }
			break
		fi
	od;
	put();
	hold == 0;
	completed = 1;
	MUST(INV_07, !in_post && !in_routine && (!watch || moved))
}
