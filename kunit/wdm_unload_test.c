// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ledger and the staged release, with things that only log what is done to
 * them: one of each stage, and three ranks in the stage of routines.
 */
#include <linux/module.h>

#include "testwdm.h"

struct thing {
	struct wdm_record record;
	const char *letter;
	const char *busy;		/* what uses it, for close */
	bool marked;
	struct tw_gate *gate;		/* to pass in drain */
	struct tw_gate *release_gate;	/* ... and in release */
};

#define THINGS	8

static struct thing t[THINGS];

static struct thing *thing_of(struct wdm_record *record)
{
	return container_of(record, struct thing, record);
}

static void thing_log(struct thing *thing, const char *what)
{
	char word[8];

	snprintf(word, sizeof(word), "%s%s", thing->letter, what);
	tw_log(word);
}

static void thing_mark(struct wdm_record *record)
{
	thing_of(record)->marked = true;
	thing_log(thing_of(record), "-");
}

static const char *thing_close(struct wdm_record *record)
{
	if (!thing_of(record)->busy)
		thing_of(record)->marked = true;
	return thing_of(record)->busy;
}

static void thing_drain(struct wdm_record *record)
{
	if (thing_of(record)->gate)
		tw_gate_pass(thing_of(record)->gate);
	thing_log(thing_of(record), ".");
}

static void thing_release(struct wdm_record *record)
{
	if (thing_of(record)->release_gate)
		tw_gate_pass(thing_of(record)->release_gate);
	thing_log(thing_of(record), "");
}

#define THING_KIND(_stage, _rank) {							\
	.name = "thing", .rule = "V-TEST", .stage = _stage, .rank = _rank,		\
	.mark = thing_mark, .close = thing_close, .drain = thing_drain,			\
	.release = thing_release,							\
}

static const struct wdm_kind kinds[] = {
	THING_KIND(WDM_STAGE_ENTRIES, 0),
	THING_KIND(WDM_STAGE_INTERRUPTS, 0),
	THING_KIND(WDM_STAGE_ROUTINES, 0),
	THING_KIND(WDM_STAGE_RESOURCES, 0),
	THING_KIND(WDM_STAGE_OBJECTS, 0),
	THING_KIND(WDM_STAGE_CLAIMS, 0),
	THING_KIND(WDM_STAGE_NAMES, 0),
	THING_KIND(WDM_STAGE_ROUTINES, 1),
	THING_KIND(WDM_STAGE_ROUTINES, 2),
};

static int add_on(int n, struct wdm_owner *owner, int kind, const char *letter, int on)
{
	t[n].letter = letter;
	return wdm_record_add(&t[n].record, owner, &kinds[kind], letter,
			      on < 0 ? NULL : &t[on].record);
}

static int add(int n, struct wdm_owner *owner, int kind, const char *letter)
{
	return add_on(n, owner, kind, letter, -1);
}

static int release(int n)
{
	return wdm_release(&t[n].record, t[n].record.kind);
}

/* RLS-06, RLS-92: one of each, acquired in the wrong order */
static void stages_in_order(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, add(0, &dev->owner, 6, "g"), 0);
	KUNIT_EXPECT_EQ(test, add(1, &dev->owner, 5, "f"), 0);
	KUNIT_EXPECT_EQ(test, add(2, &dev->owner, 4, "e"), 0);
	KUNIT_EXPECT_EQ(test, add(3, &drv->owner, 3, "d"), 0);
	KUNIT_EXPECT_EQ(test, add(4, &dev->owner, 2, "c"), 0);
	KUNIT_EXPECT_EQ(test, add(5, &drv->owner, 1, "b"), 0);
	KUNIT_EXPECT_EQ(test, add(6, &dev->owner, 0, "a"), 0);
	tw_unload_now(test);
	tw_expect_log(test, "a- a. a b- b. b c- c. c d- d. d e- e. e f- f. f g- g. g");
	tw_expect_silence(test);
}

/* RLS-46, RLS-05: all marked, then all drained by rank, the newest first, then all released */
static void ranks_in_order(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, add(0, &dev->owner, 8, "w"), 0);
	KUNIT_EXPECT_EQ(test, add(1, &dev->owner, 7, "d"), 0);
	KUNIT_EXPECT_EQ(test, add(2, &dev->owner, 2, "s"), 0);
	KUNIT_EXPECT_EQ(test, add(3, &dev->owner, 2, "t"), 0);
	tw_unload_now(test);
	tw_expect_log(test, "t- s- d- w- t. s. d. w. t s d w");
}

static ktime_t stages_seen[WDM_STAGE_END + 1];
static int nr_seen;

static void see_stage(struct wdm_device *device, enum wdm_stage stage)
{
	char word[2] = { '0' + stage, 0 };

	if (device == dev) {
		stages_seen[stage] = device->stage_at[stage];
		nr_seen++;
	}
	tw_log(word);
}

/* RLS-92: told of each stage, before what is of it goes, and once */
static void stages_are_told_and_logged(struct kunit *test)
{
	int n;

	nr_seen = 0;
	drv->driver_stage = see_stage;
	KUNIT_EXPECT_EQ(test, add(0, &dev->owner, 2, "c"), 0);
	KUNIT_EXPECT_EQ(test, add(1, &dev->owner, 1, "b"), 0);
	tw_unload_now(test);
	/* At the end the device is gone. */
	tw_expect_log(test, "0 1 b- b. b 2 c- c. c 3 4 5 6 7");
	KUNIT_EXPECT_EQ(test, nr_seen, 8);
	for (n = 1; n < 8; n++)
		KUNIT_EXPECT_GE(test, stages_seen[n], stages_seen[n - 1]);
}

/* RLS-04: the same stages for one device; what is the driver's and another's stays */
static void removal_of_one_device(struct kunit *test)
{
	struct wdm_device *other;

	KUNIT_ASSERT_EQ(test, io_create_device(drv, 0, "other", &other), 0);
	drv->driver_stage = see_stage;
	KUNIT_EXPECT_EQ(test, add(0, &dev->owner, 3, "d"), 0);
	KUNIT_EXPECT_EQ(test, add(1, &drv->owner, 1, "x"), 0);
	KUNIT_EXPECT_EQ(test, add(2, &other->owner, 1, "y"), 0);
	KUNIT_EXPECT_EQ(test, add(3, &dev->owner, 2, "c"), 0);
	KUNIT_EXPECT_EQ(test, wdm_remove_device(dev), 0);
	dev = NULL;
	tw_expect_log(test, "0 1 2 c- c. c 3 d- d. d 4 5 6 7 8");
	tw_log_text[0] = 0;
	drv->driver_stage = NULL;
	tw_unload_now(test);
	tw_expect_log(test, "y- x- y. x. y x");
	tw_expect_silence(test);
}

/* RLS-05, RLS-06: V-RLS-13, a later stage before an earlier one, with names and callers */
static void out_of_order_is_refused(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, add(0, &dev->owner, 3, "pool"), 0);
	KUNIT_EXPECT_EQ(test, add(1, &dev->owner, 1, "irq"), 0);
	dev->removing = true;
	KUNIT_EXPECT_EQ(test, release(0), -EBUSY);
	tw_expect_violation(test, "V-RLS-13", "thing 'irq' of stage 1");
	KUNIT_EXPECT_NOT_NULL(test, strstr(wdm_violation_last(), "thing 'pool' of stage 3"));
	KUNIT_EXPECT_NOT_NULL(test, strstr(wdm_violation_last(), "out_of_order_is_refused"));
	KUNIT_EXPECT_FALSE(test, t[0].marked);
	/* In order it is right. */
	KUNIT_EXPECT_EQ(test, release(1), 0);
	KUNIT_EXPECT_EQ(test, release(0), 0);
	dev->removing = false;
	tw_expect_log(test, "irq. irq pool. pool");
}

/* RLS-06: without an unload there is no order but that of who needs whom */
static void any_order_in_between(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, add(0, &dev->owner, 3, "d"), 0);
	KUNIT_EXPECT_EQ(test, add(1, &dev->owner, 1, "b"), 0);
	KUNIT_EXPECT_EQ(test, release(0), 0);
	KUNIT_EXPECT_EQ(test, release(1), 0);
	tw_expect_log(test, "d. d b. b");
	tw_expect_silence(test);
}

/* RLS-06: V-RLS-13, what depends on it is alive */
static void what_is_needed_is_not_released(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, add(0, &dev->owner, 7, "dpc"), 0);
	KUNIT_EXPECT_EQ(test, add_on(1, &dev->owner, 1, "irq", 0), 0);
	KUNIT_EXPECT_EQ(test, release(0), -EBUSY);
	tw_expect_violation(test, "V-RLS-13", "'irq' of stage 1");
	KUNIT_EXPECT_EQ(test, release(1), 0);
	KUNIT_EXPECT_EQ(test, release(0), 0);
}

/* RLS-06 */
static void needs_said_later(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, add(0, &dev->owner, 7, "dpc"), 0);
	KUNIT_EXPECT_EQ(test, add(1, &dev->owner, 1, "irq"), 0);
	KUNIT_EXPECT_EQ(test, wdm_depends_on(&t[1].record, &t[0].record), 0);
	KUNIT_EXPECT_EQ(test, wdm_depends_on(&t[1].record, &t[0].record), 0);
	KUNIT_EXPECT_EQ(test, wdm_depends_on(&t[1].record, &t[0].record), -ENOSPC);
	KUNIT_EXPECT_EQ(test, wdm_depends_on(&t[1].record, &t[1].record), -EINVAL);
	KUNIT_EXPECT_EQ(test, wdm_depends_on(&t[1].record, NULL), -EINVAL);
	KUNIT_EXPECT_EQ(test, wdm_depends_on(&t[2].record, &t[0].record), -ESHUTDOWN);
	KUNIT_EXPECT_EQ(test, wdm_depends_on(&t[0].record, &t[2].record), -ESHUTDOWN);
	KUNIT_EXPECT_EQ(test, release(0), -EBUSY);
	tw_expect_violation(test, "V-RLS-13", "needs it");
	KUNIT_EXPECT_EQ(test, release(1), 0);
	KUNIT_EXPECT_EQ(test, release(0), 0);
}

/* RLS-06: what another device needs does not go with this one */
static void removal_of_what_another_needs(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, add(0, &dev->owner, 7, "dpc"), 0);
	KUNIT_EXPECT_EQ(test, add_on(1, &drv->owner, 2, "timer", 0), 0);
	KUNIT_EXPECT_EQ(test, wdm_remove_device(dev), -EBUSY);
	tw_expect_violation(test, "V-RLS-13", "'timer' of stage 2");
	KUNIT_EXPECT_EQ(test, release(1), 0);
	KUNIT_EXPECT_EQ(test, wdm_remove_device(dev), 0);
	tw_expect_log(test, "timer. timer dpc- dpc. dpc");
}

/* RLS-06: while in use: its own rule; and it can still be used */
static void busy_is_refused(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, add(0, &dev->owner, 2, "c"), 0);
	t[0].busy = "is queued";
	KUNIT_EXPECT_EQ(test, release(0), -EBUSY);
	tw_expect_violation(test, "V-TEST", "is queued");
	KUNIT_EXPECT_FALSE(test, t[0].marked);
	t[0].busy = NULL;
	KUNIT_EXPECT_EQ(test, release(0), 0);
	tw_expect_log(test, "c. c");
}

/* RLS-06, VER-22: V-GLB-9, released twice, or never acquired */
static void released_once(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, add(0, &dev->owner, 2, "c"), 0);
	KUNIT_EXPECT_EQ(test, release(0), 0);
	KUNIT_EXPECT_EQ(test, release(0), -EINVAL);
	tw_expect_violation(test, "V-GLB-9", "there is none");
	KUNIT_EXPECT_EQ(test, wdm_record_claim(&t[1].record, &kinds[0]), -EINVAL);
	tw_expect_violation(test, "V-GLB-9", "there is none");
	/* Of another kind */
	KUNIT_EXPECT_EQ(test, add(0, &dev->owner, 2, "c"), 0);
	KUNIT_EXPECT_EQ(test, wdm_release(&t[0].record, &kinds[3]), -EINVAL);
	tw_expect_violation(test, "V-GLB-9", "there is none");
	/* While somebody is at it */
	KUNIT_EXPECT_EQ(test, wdm_record_claim(&t[0].record, &kinds[2]), 0);
	KUNIT_EXPECT_EQ(test, release(0), -EALREADY);
	tw_expect_violation(test, "V-GLB-9", "is released twice");
	wdm_record_end(&t[0].record);
	tw_expect_log(test, "c. c c");
}

/* VER-22: V-GLB-9, initialised twice: it is not touched */
static void acquired_once(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, add(0, &dev->owner, 2, "c"), 0);
	KUNIT_EXPECT_EQ(test, add(0, &drv->owner, 3, "c"), -EEXIST);
	tw_expect_violation(test, "V-GLB-9", "is initialised again");
	KUNIT_EXPECT_PTR_EQ(test, t[0].record.owner, &dev->owner);
	KUNIT_EXPECT_EQ(test, release(0), 0);
	KUNIT_EXPECT_EQ(test, add(0, &drv->owner, 3, "c"), 0);
	tw_unload_now(test);
	tw_expect_log(test, "c. c c- c. c");
}

static int late[4];

static void acquire_late(struct wdm_driver *driver)
{
	struct wdm_device *made;

	tw_log("u");
	late[0] = add(1, &dev->owner, 2, "x");
	late[1] = add(1, &drv->owner, 3, "x");
	late[2] = io_create_device(driver, 0, NULL, &made);
	late[3] = ob_reference_object(dev);
	/* The driver's own order */
	release(0);
	io_delete_device(dev);
}

/* RLS-01: nothing is acquired or referenced from the beginning of an unload on */
static void nothing_new_at_the_unload(struct kunit *test)
{
	drv->driver_unload = acquire_late;
	KUNIT_EXPECT_EQ(test, add(0, &dev->owner, 2, "c"), 0);
	tw_unload_now(test);
	KUNIT_EXPECT_EQ(test, late[0], -ESHUTDOWN);
	KUNIT_EXPECT_EQ(test, late[1], -ESHUTDOWN);
	KUNIT_EXPECT_EQ(test, late[2], -ESHUTDOWN);
	KUNIT_EXPECT_EQ(test, late[3], -ESHUTDOWN);
	tw_expect_log(test, "u c. c");
	tw_expect_silence(test);
}

static void forget(struct wdm_driver *driver)
{
	int n;

	/* Swapped: refused and reported, so it is left. */
	late[0] = release(0);
	for (n = 1; n < 3; n++)
		release(n);
	late[1] = io_delete_device(dev);
}

/* RLS-91, RLS-06: each stage swapped or skipped is named; all is released in order */
static void an_unload_routine_that_forgets(struct kunit *test)
{
	drv->driver_unload = forget;
	KUNIT_EXPECT_EQ(test, add(0, &dev->owner, 3, "pool"), 0);
	KUNIT_EXPECT_EQ(test, add(1, &dev->owner, 1, "irq"), 0);
	KUNIT_EXPECT_EQ(test, add(2, &dev->owner, 2, "timer"), 0);
	tw_unload_now(test);
	KUNIT_EXPECT_EQ(test, late[0], -EBUSY);		/* before the interrupt */
	KUNIT_EXPECT_EQ(test, late[1], -EBUSY);		/* with the pool in it */
	/* pool early, device early, pool left, device left */
	tw_expect_violations(test, 4);
	tw_expect_log(test, "irq. irq timer. timer pool- pool. pool");
}

static int unload_again(void *arg)
{
	return wdm_unload(drv);
}

/* RLS-05: an unload waits for a drain; a second one, and an explicit release, meanwhile */
static void an_unload_waits(struct kunit *test)
{
	struct tw_gate gate;

	tw_gate_init(&gate, false);
	t[0].gate = &gate;
	KUNIT_EXPECT_EQ(test, add(0, &dev->owner, 2, "c"), 0);
	KUNIT_EXPECT_EQ(test, add(1, &dev->owner, 3, "d"), 0);
	tw_thread_start(test, 0, tw_unload, drv);
	tw_gate_wait(test, &gate);
	KUNIT_EXPECT_FALSE(test, tw_thread_done(0));
	KUNIT_EXPECT_EQ(test, unload_again(NULL), -EALREADY);
	tw_expect_violation(test, "V-GLB-9", "unloaded twice");
	KUNIT_EXPECT_EQ(test, wdm_remove_device(dev), -EALREADY);
	/* The unload has it: nothing wrong with asking. */
	KUNIT_EXPECT_EQ(test, release(0), -EALREADY);
	tw_expect_silence(test);
	/* Of a later stage: too early */
	KUNIT_EXPECT_EQ(test, release(1), -EBUSY);
	tw_expect_violation(test, "V-RLS-13", "'d' of stage 3");
	tw_gate_open(&gate);
	KUNIT_EXPECT_EQ(test, tw_thread_join(test, 0), 0);
	drv = NULL;
	tw_expect_log(test, "c- c. c d- d. d");
}

/* RLS-05: what somebody else is releasing is waited for before the next stage */
static void an_unload_waits_for_others(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, add(0, &dev->owner, 2, "c"), 0);
	KUNIT_EXPECT_EQ(test, add(1, &dev->owner, 3, "d"), 0);
	KUNIT_EXPECT_EQ(test, wdm_record_claim(&t[0].record, &kinds[2]), 0);
	tw_thread_start(test, 0, tw_unload, drv);
	tw_wait_until(test, tw_driver_waits(drv));
	tw_expect_log(test, "");
	wdm_record_end(&t[0].record);
	KUNIT_EXPECT_EQ(test, tw_thread_join(test, 0), 0);
	drv = NULL;
	tw_expect_log(test, "c d- d. d");
}

/* A removal stops at @where, with @done behind it; the unload begins, and waits for it. */
static void unload_beside_a_removal(struct kunit *test, struct tw_gate **where,
				    const char *done)
{
	struct tw_gate gate;

	tw_gate_init(&gate, false);
	*where = &gate;
	KUNIT_EXPECT_EQ(test, add(0, &dev->owner, 2, "c"), 0);
	KUNIT_EXPECT_EQ(test, add(1, &drv->owner, 3, "d"), 0);
	tw_thread_start(test, 0, tw_remove, dev);
	tw_gate_wait(test, &gate);
	tw_thread_start(test, 1, tw_unload, drv);
	tw_wait_until(test, tw_driver_waits(drv));
	KUNIT_EXPECT_FALSE(test, t[1].marked);
	tw_expect_log(test, done);
	tw_gate_open(&gate);
	KUNIT_EXPECT_EQ(test, tw_thread_join(test, 0), 0);
	KUNIT_EXPECT_EQ(test, tw_thread_join(test, 1), 0);
	drv = NULL;
	tw_expect_log(test, "c- c. c d- d. d");
	tw_expect_silence(test);
}

/* RLS-04: an unload meanwhile waits for the stages of the removal */
static void an_unload_during_a_removal(struct kunit *test)
{
	unload_beside_a_removal(test, &t[0].gate, "c-");
}

/* RLS-05, RLS-06: it is off the ledger, and its release is not over */
static void an_unload_waits_for_a_release(struct kunit *test)
{
	unload_beside_a_removal(test, &t[0].release_gate, "c- c.");
}

/* RLS-05: no unload inside a routine that it would wait for */
static void no_unload_from_inside(struct kunit *test)
{
	struct wdm_run run;

	KUNIT_EXPECT_EQ(test, add(0, &dev->owner, 2, "work"), 0);
	wdm_run_begin(&run, &t[0].record);
	KUNIT_EXPECT_EQ(test, wdm_unload(drv), -EDEADLK);
	tw_expect_violation(test, "V-TEST", "'work'");
	KUNIT_EXPECT_EQ(test, wdm_remove_device(dev), -EDEADLK);
	tw_expect_violation(test, "V-TEST", "'work'");
	wdm_run_end(&run);
	KUNIT_EXPECT_EQ(test, wdm_remove_device(dev), 0);
}

/* RLS-02: a module that goes without having unloaded its driver */
static void a_module_that_forgets(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, add(0, &dev->owner, 2, "c"), 0);
	wdm_forget_module(THIS_MODULE);
	drv = NULL;
	tw_expect_violation(test, "RLS-02", "has not unloaded it");
	tw_expect_log(test, "c- c. c");
	wdm_forget_module(THIS_MODULE);
	tw_expect_silence(test);
}

/* RLS-01 */
static void drivers_have_names(struct kunit *test)
{
	char longer[WDM_NAME_MAX + 1];

	memset(longer, 'x', WDM_NAME_MAX);
	longer[WDM_NAME_MAX] = 0;
	KUNIT_EXPECT_EQ(test, PTR_ERR(wdm_create_driver(THIS_MODULE, NULL)), -EINVAL);
	KUNIT_EXPECT_EQ(test, PTR_ERR(wdm_create_driver(THIS_MODULE, "")), -EINVAL);
	KUNIT_EXPECT_EQ(test, PTR_ERR(wdm_create_driver(THIS_MODULE, longer)), -EINVAL);
	KUNIT_EXPECT_EQ(test, wdm_unload(NULL), -EINVAL);
	tw_expect_silence(test);
}

static struct rcu_head late_head;
static bool late_ran;

static void run_late(struct rcu_head *head)
{
	WRITE_ONCE(late_ran, true);
}

static void call_late(struct wdm_device *device, enum wdm_stage stage)
{
	/* At the last moment */
	if (stage == WDM_STAGE_END)
		call_rcu(&late_head, run_late);
}

/* RLS-90, VER-21: V-RLS-14 cannot be: what the driver has RCU call is waited for */
static void callbacks_of_rcu_have_run(struct kunit *test)
{
	late_ran = false;
	/* A reference keeps the device until the last stage. */
	KUNIT_EXPECT_EQ(test, ob_reference_object(dev), 0);
	drv->driver_stage = call_late;
	tw_unload_now(test);
	KUNIT_EXPECT_TRUE(test, READ_ONCE(late_ran));
	tw_expect_violation(test, "V-RLS-12", "has 1 references");
	ob_dereference_object(dev);
}

static DEFINE_XARRAY(an_xarray);
static DEFINE_IDR(an_idr);
static DEFINE_IDA(an_ida);
static struct wdm_table tables[3];

static void watch_tables(struct kunit *test)
{
	memset(tables, 0, sizeof(tables));
	KUNIT_EXPECT_EQ(test, wdm_watch_table(&drv->owner, &tables[0], WDM_TABLE_XARRAY,
					      &an_xarray, "an_xarray"), 0);
	KUNIT_EXPECT_EQ(test, wdm_watch_table(&drv->owner, &tables[1], WDM_TABLE_IDR, &an_idr,
					      "an_idr"), 0);
	KUNIT_EXPECT_EQ(test, wdm_watch_table(&drv->owner, &tables[2], WDM_TABLE_IDA, &an_ida,
					      "an_ida"), 0);
}

/* RLS-85, VER-21: V-RLS-10, a table that goes with something in it; the twin */
static void tables_are_empty_when_they_go(struct kunit *test)
{
	int id;

	watch_tables(test);
	KUNIT_EXPECT_EQ(test, xa_err(xa_store(&an_xarray, 5, &id, GFP_KERNEL)), 0);
	KUNIT_EXPECT_EQ(test, idr_alloc(&an_idr, &id, 0, 0, GFP_KERNEL), 0);
	id = ida_alloc(&an_ida, GFP_KERNEL);
	KUNIT_EXPECT_EQ(test, wdm_forget_table(&tables[0]), -EBUSY);
	tw_expect_violation(test, "V-RLS-10", "'an_xarray' of stage 7, device -, is not empty");
	KUNIT_EXPECT_EQ(test, wdm_forget_table(&tables[1]), -EBUSY);
	tw_expect_violation(test, "V-RLS-10", "table 'an_idr'");
	KUNIT_EXPECT_EQ(test, wdm_forget_table(&tables[2]), -EBUSY);
	tw_expect_violation(test, "V-RLS-10", "table 'an_ida'");
	xa_erase(&an_xarray, 5);
	idr_remove(&an_idr, 0);
	KUNIT_EXPECT_EQ(test, wdm_forget_table(&tables[0]), 0);
	KUNIT_EXPECT_EQ(test, wdm_forget_table(&tables[1]), 0);
	/* Without an unload routine it goes all the same. */
	tw_unload_now(test);
	tw_expect_violation(test, "V-RLS-10", "table 'an_ida' of stage 7, device -, goes, and");
	ida_free(&an_ida, id);
	KUNIT_EXPECT_EQ(test, wdm_forget_table(&tables[2]), -EINVAL);
	tw_expect_violation(test, "V-GLB-9", "there is none");
	KUNIT_EXPECT_EQ(test, wdm_forget_table(NULL), -EINVAL);
}

/* RLS-85: empty ones, and what is none */
static void empty_tables(struct kunit *test)
{
	watch_tables(test);
	KUNIT_EXPECT_EQ(test, wdm_watch_table(&drv->owner, &tables[0], WDM_TABLE_XARRAY,
					      &an_xarray, "again"), -EEXIST);
	tw_expect_violation(test, "V-GLB-9", "'an_xarray'");
	KUNIT_EXPECT_EQ(test, wdm_watch_table(&drv->owner, &tables[0], 7, &an_idr, "x"), -EINVAL);
	KUNIT_EXPECT_EQ(test, wdm_watch_table(&drv->owner, &tables[0], 0, NULL, "x"), -EINVAL);
	tw_unload_now(test);
	tw_expect_silence(test);
}

static int unload_test_init(struct kunit *test)
{
	memset(t, 0, sizeof(t));
	return tw_init(test);
}

static struct kunit_case unload_cases[] = {
	KUNIT_CASE(stages_in_order),
	KUNIT_CASE(ranks_in_order),
	KUNIT_CASE(stages_are_told_and_logged),
	KUNIT_CASE(removal_of_one_device),
	KUNIT_CASE(out_of_order_is_refused),
	KUNIT_CASE(any_order_in_between),
	KUNIT_CASE(what_is_needed_is_not_released),
	KUNIT_CASE(needs_said_later),
	KUNIT_CASE(removal_of_what_another_needs),
	KUNIT_CASE(busy_is_refused),
	KUNIT_CASE(released_once),
	KUNIT_CASE(acquired_once),
	KUNIT_CASE(nothing_new_at_the_unload),
	KUNIT_CASE(an_unload_routine_that_forgets),
	KUNIT_CASE(an_unload_waits),
	KUNIT_CASE(an_unload_waits_for_others),
	KUNIT_CASE(an_unload_during_a_removal),
	KUNIT_CASE(an_unload_waits_for_a_release),
	KUNIT_CASE(no_unload_from_inside),
	KUNIT_CASE(a_module_that_forgets),
	KUNIT_CASE(drivers_have_names),
	KUNIT_CASE(callbacks_of_rcu_have_run),
	KUNIT_CASE(tables_are_empty_when_they_go),
	KUNIT_CASE(empty_tables),
	{}
};

static struct kunit_suite unload_suite = {
	.name = "wdm_unload",
	.init = unload_test_init,
	.exit = tw_exit,
	.test_cases = unload_cases,
};

kunit_test_suite(unload_suite);

MODULE_DESCRIPTION("Tests of the staged release");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(EXPORTED_FOR_KUNIT_TESTING);
