/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The plain way (kmod/fltmgr/fast.h): while no teardown looks through a volume,
 * an operation changes its word and its nodes by plain stores, not by exchanges.
 * What is shown here is that no store gets lost, or in the way of a scan. The
 * exchanges themselves, and pends, are protocol.pml.
 *
 *	Walk	one operation past two instances, down and up, each wanting its
 *		post-op or not
 *	Tear(i)	the teardown of an instance: mark, grace period, scan, wait
 *	Publish	another stack with the same instances takes the place of the first
 *
 * CFG_PLAIN_ONE	the upper instance goes
 * CFG_PLAIN_TWO	both do
 * CFG_PLAIN_STACK	a stack is published, and freed, meanwhile; none goes
 *
 * A store is plain if, in one read section, nobody was seen to scan and the word
 * was found as the walk left it. The slot that the walk remembers is that of a
 * stack that it looked up under the same epoch; here that epoch has two parts,
 * scans and the number of stacks published.
 */
/* The tag is in the text of the assertion, so a failure names itself. */
mtype = {
	INV_01,			/* an owed post-op is called or drained, once */
	INV_04,			/* no callback after teardown_complete */
	INSTANCE_LIVE,		/* whoever holds an instance has not lost it */
	STACK_LIVE,		/* a stack that is looked at is not freed */
	NOTHING
};

#ifdef ONLY
#define MUST(tag, c)	assert((c) || tag != ONLY)
#else
#define MUST(tag, c)	assert((c) || tag == 0)
#endif

#define N	2
#define NOWHERE	N
#define NOBODY	N

/* states of a node */
#define NONE	0
#define OWED	1
#define POSTING	2
#define DRAINED	3
#define DONE	4

byte scans;			/* what makes volume->head.epoch odd */
byte epoch;			/* the rest of it */
byte stack;			/* which one is published */
bit freed[2];
bit section;			/* the walk's read section */
bit going[N], gone[N];
byte hold[N] = 1;
byte word = NOWHERE;		/* where it stands, running */
bit word_watched;
byte node[N];
bit node_watched[N];
byte owed[N], called[N], drained[N];
byte nr_torn;

inline put(i)
{
	MUST(INSTANCE_LIVE, hold[i] > 0);
	hold[i]--
}

inline enter()
{
#ifndef MUT_PLAIN_OUTSIDE
	section = 1
#else
	skip
#endif
}

inline leave()
{
	section = 0
}

/* flt_undisturbed() */
inline undisturbed()
{
	plain = scans == 0
}

/* flt_move_on(): from cur, where a node was made or not, to next */
inline move_on()
{
	do
	:: section = 1;
	/* flt_stack_next() */
	if
	:: cur == NOBODY -> next = 0
	:: else -> next = cur + 1
	fi;
	do
	:: next < N && going[next] -> next++
	:: else -> break
	od;
#ifdef MUT_PLAIN_OUTSIDE
	section = 0;
#endif
	undisturbed();
#ifndef MUT_EPOCH_IGNORED
	plain = plain && epoch == my_epoch;
#endif
#ifdef MUT_NO_COMPARE
	seen = word; watched = 0;
#else
	atomic { seen = word; watched = word_watched };
#endif
	if
	:: plain && !watched && seen == (cur == NOBODY -> NOWHERE : cur) ->
		/* flt_next_slot(), then one store of the whole word */
		MUST(STACK_LIVE, !freed[my_stack]);
		atomic { word = (next < N -> next : NOWHERE); word_watched = 0 }; break
	:: else ->
		/* flt_stack_next(); flt_stand(), and flt_settle() if it says so */
#ifdef MUT_STACK_FIRST
		my_stack = stack;
		my_epoch = epoch;
#else
		my_epoch = epoch;
		my_stack = stack;
#endif
		MUST(STACK_LIVE, !freed[my_stack]);
		if
		:: atomic { word_watched && made -> skip };
			section = 0;
			if
			:: atomic { node[cur] == OWED -> node[cur] = DRAINED }; drained[cur]++
			:: atomic { node[cur] != OWED -> skip }
			fi;
			made = 0
		:: atomic { !(word_watched && made) ->
			word = (next < N -> next : NOWHERE);
			watched = word_watched;
			word_watched = 0 };
			if
			:: watched -> put(cur)
			:: else
			fi;
			break
		fi
	fi
	od;
	leave();
	made = 0;
	cur = next
}

/* flt_claim_plain(), or flt_claim() */
inline claim(i)
{
	enter();
	undisturbed();
	seen = node[i];
	if
	:: plain && seen == OWED -> node[i] = POSTING; mine = 1
	:: else ->
		if
		:: atomic { node[i] == OWED -> node[i] = POSTING; mine = 1 }
		:: atomic { node[i] != OWED -> mine = 0 }
		fi
	fi;
	leave()
}

inline done(i)
{
	enter();
	undisturbed();
	atomic { seen = node[i]; watched = node_watched[i] };
	if
	:: plain && seen == POSTING && !watched -> atomic { node[i] = DONE; node_watched[i] = 0 }
	:: else ->
		atomic { node[i] = DONE; watched = node_watched[i] };
		if
		:: watched -> put(i)
		:: else
		fi
	fi;
	leave()
}

active proctype Walk()
{
	byte cur = NOBODY, next, seen, my_epoch = 255, my_stack;
	bit plain, watched, made, mine;

	do
	:: move_on();
		if
		:: cur >= N -> break
		:: else
		fi;
		/* its pre-op runs */
		MUST(INV_04, !gone[cur]);
		if
		:: node[cur] = OWED; owed[cur]++; made = 1
		:: skip
		fi;
		MUST(INV_04, !gone[cur])
	od;
	/* below; and back */
	cur = N;
	do
	:: cur == 0 -> break
	:: else ->
		cur--;
		if
		:: node[cur] == NONE
		:: else ->
			claim(cur);
			if
			:: mine ->
				MUST(INV_04, !gone[cur]);
				called[cur]++;
				MUST(INV_04, !gone[cur]);
				done(cur)
			:: else
			fi
		fi
	od;
	nr_torn == N;
	MUST(INV_01, owed[0] == called[0] + drained[0] && owed[0] <= 1);
	MUST(INV_01, owed[1] == called[1] + drained[1] && owed[1] <= 1)
}

inline scan_begins()
{
#ifdef MUT_ONE_FLAG
	scans = 1
#else
	scans++
#endif
}

inline scan_ends()
{
#ifdef MUT_ONE_FLAG
	scans = 0
#else
	scans--
#endif
}

inline grace_period()
{
#ifndef MUT_NO_GRACE
	section == 0
#else
	skip
#endif
}

/* flt_drain_visit() */
inline scan(i)
{
	/* flt_watch_word() */
	if
	:: word == i ->
		hold[i]++;
		if
		:: atomic { word == i -> word_watched = 1 }
		:: atomic { word != i -> hold[i]-- }
		fi
	:: else
	fi;
	/* flt_watch_node() */
	do
	:: atomic { node[i] == OWED ->
#ifdef MUT_DRAIN_PLAIN
		skip }; node[i] = DRAINED;
#else
		node[i] = DRAINED };
#endif
		drained[i]++; break
	:: node[i] == POSTING ->
		hold[i]++;
		if
		:: atomic { node[i] == POSTING -> node_watched[i] = 1 }; break
		:: atomic { node[i] != POSTING -> hold[i]-- }
		fi
	:: atomic { node[i] != OWED && node[i] != POSTING -> break }
	od
}

proctype Tear(byte i)
{
#ifdef MUT_MARK_LATE_SCAN
	atomic { going[i] = 1 };
	grace_period();
	scan_begins();
#else
	/* flt_teardown_mark() */
	scan_begins();
	going[i] = 1;
	grace_period();
#endif
#ifdef MUT_ENDS_EARLY
	scan_ends();
#endif
	scan(i);
#ifndef MUT_ENDS_EARLY
	scan_ends();
#endif
	put(i);
	hold[i] == 0;
	gone[i] = 1;
	nr_torn++
}

/* flt_stack_publish() */
proctype Publish()
{
#ifdef MUT_EPOCH_FIRST
	epoch++;
	stack = 1;
#else
	stack = 1;
#ifndef MUT_EPOCH_KEPT
	epoch++;
#endif
#endif
	/* kfree_rcu() */
	section == 0;
	freed[0] = 1
}

init {
#if defined(CFG_PLAIN_STACK)
	run Publish();
	nr_torn = N
#else
	run Tear(0);
#if defined(CFG_PLAIN_TWO)
	run Tear(1)
#else
	nr_torn++
#endif
#endif
}
