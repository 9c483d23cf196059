/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The staged release of one device's resources (kmod/wdm/unload.c) against
 * everything that may be using them or be about to. Every routine may start
 * every other one, as in a driver it may:
 *
 *	Isr	an interrupt: inserts the DPC
 *	Timer	the timer's expiry: re-arms itself, inserts the DPC
 *	Dpc	sets the timer, queues the work item
 *	Worker	runs the work item's routine; it sets the timer, and may free the item
 *	User	a system call, between entering and leaving the device
 *	Unload	the stages
 *
 * A start is one step: the flag "down" is read and the thing queued under one
 * lock. A routine is several, since it runs anywhere.
 *
 * CFG_UNLOAD	all of them, and nobody else releases anything
 * CFG_RELEASE	the driver frees the item meanwhile: a user, or its own routine
 * CFG_DELETE	only the item; its routine frees it, and the driver deletes the device
 */
/* The tag is in the text of the assertion, so a failure names itself. */
mtype = {
	LIVE,		/* RLS-05: nothing released is touched */
	TEXT,		/* RLS-45: at the end no routine runs or is about to */
	RUNS,		/* RLS-37: what was accepted has run at the end, or was cancelled */
	ONCE,		/* what is released is released once */
	DEVICE,		/* RLS-38: a routine of a work item has its device */
	COUNT,		/* no put without a reference */
	NOTHING
};

#ifdef ONLY
#define MUST(tag, c)	assert((c) || tag != ONLY)
#else
#define MUST(tag, c)	assert((c) || tag == 0)
#endif

#define STARTS	2		/* of each thing, so that it ends */

bit irq_live = 1, timer_live = 1, dpc_live = 1, work_live = 1, dev_live = 1;
bit timer_down, dpc_down, work_down, going;
bit claimed;			/* the item: somebody releases it */
bit listed = 1;			/* the item is in the ledger: the device has a dependant */
bit deleted;			/* the device: somebody has put the first reference */
bit armed, dpc_queued, work_queued;
bit isr_runs, timer_runs, dpc_runs, work_runs;
bit freed_inside;
byte inside;			/* users between entering and leaving */
byte refs = 1;			/* on the device */
#ifdef CFG_DELETE
byte arms = STARTS, dpcs = STARTS;
#else
byte arms, dpcs;
#endif
byte works, accepted, ran;
bit ended;

#define USE(x)	MUST(LIVE, x##_live)

/* io_acquire_device(), io_release_device() */
inline put()
{
	atomic {
		MUST(COUNT, refs > 0);
		refs--;
		if
		:: refs == 0 -> dev_live = 0
		:: else
		fi
	}
}

/* ke_set_timer() */
inline set_timer()
{
#ifdef MUT_START_UNLOCKED
	atomic { USE(timer); yes = !timer_down && arms < STARTS };
#else
	atomic {
		USE(timer);
		yes = !timer_down && arms < STARTS;
#endif
	if
	:: yes -> armed = 1; arms++
	:: else
	fi
#ifndef MUT_START_UNLOCKED
	}
#endif
}

/* ke_insert_queue_dpc() */
inline insert_dpc()
{
	atomic {
		USE(dpc);
		if
		:: !dpc_down && dpcs < STARTS && !dpc_queued ->
			dpc_queued = 1;
			dpcs++;
			accepted++
		:: else
		fi
	}
}

/* io_queue_work_item() */
inline queue_work()
{
	atomic {
		USE(work);
		yes = !work_down && works < STARTS && !work_queued;
		if
		:: yes ->
			work_queued = 1;
			works++;
			accepted++;
#ifndef MUT_NO_REFERENCE
			refs++
#endif
		:: else
		fi
	}
}

active proctype Isr()
{
	byte n = dpcs;

	do
	:: atomic { irq_live && n < STARTS -> n++; isr_runs = 1 };
		USE(dev);
		insert_dpc();
		isr_runs = 0
	:: atomic { !irq_live || n == STARTS -> break }
	od
}

active proctype Timer()
{
	bit yes;
end:
	do
	:: atomic { armed -> armed = 0; timer_runs = 1 };
		set_timer();
		insert_dpc();
		timer_runs = 0
	od
}

active proctype Dpc()
{
	bit yes;
end:
	do
	:: atomic { dpc_queued -> dpc_queued = 0; dpc_runs = 1 };
		USE(dev);
		set_timer();
#ifdef CFG_UNLOAD
		queue_work();
#endif
		atomic { ran++; dpc_runs = 0 }
	od
}

active proctype Worker()
{
	bit yes, last;
end:
	do
	:: atomic { work_queued && !work_runs -> work_queued = 0; work_runs = 1 };
#ifdef MUT_PUT_BEFORE
		put();
#endif
		MUST(DEVICE, dev_live);
		set_timer();
#ifndef CFG_UNLOAD
		/* io_free_work_item() inside the routine: it is freed when that has returned */
		if
		:: atomic { !claimed && !work_queued -> claimed = 1; freed_inside = 1; work_down = 1; listed = 0 }
		:: skip
		fi;
#endif
		MUST(DEVICE, dev_live);
		atomic {
			USE(work);
			ran++;
			work_runs = 0;
#ifndef MUT_FORGET_FREED
			last = freed_inside;
#endif
			freed_inside = 0;
			if
			:: last -> MUST(ONCE, work_live); work_live = 0
			:: else
			fi
		};
#if !defined(MUT_PUT_BEFORE) && !defined(MUT_NO_REFERENCE)
		put()
#endif
	od
}

active proctype User()
{
	bit yes, in;

	/* wdm_enter() */
	atomic {
		in = !going;
		inside = inside + in
	};
	if
	:: in ->
		if
		:: set_timer()
#ifdef CFG_UNLOAD
		:: queue_work()
#else
		:: /* queues it and frees it then: refused if it is busy */
			queue_work();
#ifdef MUT_CHECK_THEN_CLOSE
			atomic { USE(work); yes = !claimed && !work_queued && !work_runs };
			if
			:: yes -> claimed = 1; work_down = 1; listed = 0
#else
			atomic {
				yes = !claimed && !work_queued && !work_runs;
				if
				:: yes -> USE(work); claimed = 1; work_down = 1; listed = 0
				:: else
				fi
			};
			if
			:: yes
#endif
				-> atomic { MUST(ONCE, work_live); work_live = 0 }
			:: else
			fi
#endif
		fi;
		/* wdm_leave() */
		atomic { inside-- }
	:: else
	fi
}

#ifdef CFG_DELETE
/* io_delete_device(), while the driver is there */
active proctype Delete()
{
	bit yes;

	atomic {
		yes = !listed && !deleted;
		if
		:: yes -> deleted = 1; going = 1
		:: else
		fi
	};
	if
	:: yes -> put()
	:: else
	fi
}
#endif

active proctype Unload()
{
	bit mine;

	/* Stage 0: nobody new, and nobody left inside */
	going = 1;
#ifndef MUT_NO_ENTRY_WAIT
	inside == 0;
#endif
	/* Stage 1: free_irq() waits for the handler */
#ifdef MUT_IRQ_NO_WAIT
	irq_live = 0;
#else
#ifndef MUT_SKIP_IRQ
	atomic { !isr_runs -> irq_live = 0 };
#endif
#endif
	/* Stage 2: first the marks, under the locks of the starts */
#ifndef MUT_NO_MARK
	timer_down = 1;
	dpc_down = 1;
#ifdef MUT_CLAIM_UNASKED
	mine = work_live;
#else
	atomic { mine = !claimed; claimed = 1 };
#endif
	work_down = 1;
#else
	mine = 1;
#endif
	/* ... then the waits: timers, DPCs, works */
	armed = 0;
#ifndef MUT_TIMER_NO_WAIT
	!timer_runs;
#endif
#ifdef MUT_TIMER_AT_ONCE
	timer_live = 0;
#endif
#ifdef MUT_DROP_DPC
	dpc_queued = 0;
#endif
	atomic { !dpc_queued && !dpc_runs };
	/* also for one that its own routine frees */
	atomic { !work_queued && !work_runs };
	/* ... and only then is anything released */
	timer_live = 0;
	dpc_live = 0;
	if
	:: mine -> atomic { MUST(ONCE, work_live); work_live = 0; listed = 0 }
	:: else -> !work_live
	fi;
	/* Stage 7 */
#ifdef MUT_DELETE_UNASKED
	mine = 1;
#else
	atomic { mine = !deleted; deleted = 1 };
#endif
	if
	:: mine -> put()
	:: else
	fi;
	atomic {
		ended = 1;
		MUST(TEXT, !isr_runs && !timer_runs && !dpc_runs && !work_runs &&
			   !armed && !dpc_queued && !work_queued);
		MUST(RUNS, accepted == ran)
	}
}

/* Nothing starts after that. */
active proctype After()
{
	ended;
	MUST(TEXT, !isr_runs && !timer_runs && !dpc_runs && !work_runs)
}
