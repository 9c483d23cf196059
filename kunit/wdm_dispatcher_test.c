// SPDX-License-Identifier: GPL-2.0-only
/*
 * Events, semaphores, mutexes, waiting for them and for timers.
 */
#include <linux/flt_status.h>
#include <linux/module.h>
#include <linux/sched/signal.h>

#include "testwdm.h"

static struct wdm_event event;
static struct wdm_semaphore semaphore;
static struct wdm_mutex mutex;
static struct wdm_timer timer;
static const s64 at_once;
static bool alertable;

static int wait_for(void *arg)
{
	return ke_wait_for_single_object(arg, alertable, NULL);
}

static int poll(struct wdm_dispatcher *object)
{
	return ke_wait_for_single_object(object, false, &at_once);
}

/* A thread sleeps in a wait for the object. */
static void start_waiter(struct kunit *test, int n, struct wdm_dispatcher *object)
{
	unsigned int before = object->waiters;

	tw_thread_start(test, n, wait_for, object);
	tw_wait_until(test, READ_ONCE(object->waiters) == before + 1 && tw_thread_sleeps(n));
}

static void make_event(struct kunit *test, enum wdm_signal_type type)
{
	KUNIT_ASSERT_EQ(test, ke_initialize_event(&dev->owner, &event, type, false), 0);
}

/* RLS-34: all waiters; signalled until reset */
static void a_notification_event(struct kunit *test)
{
	make_event(test, NotificationEvent);
	start_waiter(test, 0, &event.header);
	start_waiter(test, 1, &event.header);
	KUNIT_EXPECT_EQ(test, ke_set_event(&event), 0);
	KUNIT_EXPECT_EQ(test, tw_thread_join(test, 0), 0);
	KUNIT_EXPECT_EQ(test, tw_thread_join(test, 1), 0);
	KUNIT_EXPECT_EQ(test, ke_read_state_event(&event), 1);
	KUNIT_EXPECT_EQ(test, ke_set_event(&event), 1);
	KUNIT_EXPECT_EQ(test, poll(&event.header), 0);
	KUNIT_EXPECT_EQ(test, ke_reset_event(&event), 1);
	KUNIT_EXPECT_EQ(test, ke_reset_event(&event), 0);
	KUNIT_EXPECT_EQ(test, poll(&event.header), STATUS_TIMEOUT);
	KUNIT_EXPECT_EQ(test, event.header.waiters, 0);
}

/* RLS-34: one waiter for each signal */
static void a_synchronization_event(struct kunit *test)
{
	make_event(test, SynchronizationEvent);
	start_waiter(test, 0, &event.header);
	start_waiter(test, 1, &event.header);
	KUNIT_EXPECT_EQ(test, ke_set_event(&event), 0);
	tw_wait_until(test, tw_thread_done(0) || tw_thread_done(1));
	KUNIT_EXPECT_FALSE(test, tw_thread_done(0) && tw_thread_done(1));
	KUNIT_EXPECT_EQ(test, ke_read_state_event(&event), 0);
	KUNIT_EXPECT_EQ(test, ke_set_event(&event), 0);
	KUNIT_EXPECT_EQ(test, tw_thread_join(test, 0), 0);
	KUNIT_EXPECT_EQ(test, tw_thread_join(test, 1), 0);
}

/* RLS-34 */
static void a_wait_times_out(struct kunit *test)
{
	s64 soon = -1, past = 1;

	make_event(test, NotificationEvent);
	KUNIT_EXPECT_EQ(test, ke_wait_for_single_object(&event.header, false, &soon),
			STATUS_TIMEOUT);
	KUNIT_EXPECT_EQ(test, ke_wait_for_single_object(&event.header, false, &past),
			STATUS_TIMEOUT);
	KUNIT_EXPECT_EQ(test, event.header.waiters, 0);
	tw_expect_silence(test);
}

/* RLS-34: a signal ends an alertable wait */
static void an_alertable_wait(struct kunit *test)
{
	make_event(test, NotificationEvent);
	alertable = true;
	tw_thread_start(test, 0, wait_for, &event.header);
	tw_wait_until(test, READ_ONCE(event.header.waiters) == 1);
	send_sig(SIGUSR1, tw_threads[0].task, 1);
	KUNIT_EXPECT_EQ(test, tw_thread_join(test, 0), -EINTR);
	KUNIT_EXPECT_EQ(test, event.header.waiters, 0);
}

/* LVL-02: waiting where sleeping is not allowed; looking is */
static void waiting_where_it_is_allowed(struct kunit *test)
{
	int rc, looked;

	make_event(test, NotificationEvent);
	preempt_disable();
	rc = ke_wait_for_single_object(&event.header, false, NULL);
	looked = poll(&event.header);
	preempt_enable();
	KUNIT_EXPECT_EQ(test, rc, -EWOULDBLOCK);
	KUNIT_EXPECT_EQ(test, looked, STATUS_TIMEOUT);
	tw_expect_violation(test, "LVL-02", "ke_wait_for_single_object");
}

/* RLS-34: not given up while somebody waits; the twin is clean */
static void not_given_up_with_waiters(struct kunit *test)
{
	make_event(test, NotificationEvent);
	start_waiter(test, 0, &event.header);
	KUNIT_EXPECT_EQ(test, ke_uninitialize_event(&event), -EBUSY);
	tw_expect_violation(test, "RLS-34", "has waiters");
	ke_set_event(&event);
	KUNIT_EXPECT_EQ(test, tw_thread_join(test, 0), 0);
	KUNIT_EXPECT_EQ(test, ke_uninitialize_event(&event), 0);
	tw_expect_silence(test);
}

/* RLS-13, RLS-34: waits end with -ENODEV in the first stage: who is inside can leave */
static void waits_end_at_the_removal(struct kunit *test)
{
	make_event(test, NotificationEvent);
	KUNIT_EXPECT_EQ(test, io_acquire_remove_lock(dev), 0);
	start_waiter(test, 0, &event.header);
	tw_thread_start(test, 1, tw_remove, dev);
	KUNIT_EXPECT_EQ(test, tw_thread_join(test, 0), -ENODEV);
	/* Still inside: its second stage has not come. */
	KUNIT_EXPECT_EQ(test, wait_for(&event.header), -ENODEV);
	KUNIT_EXPECT_EQ(test, poll(&event.header), -ENODEV);
	KUNIT_EXPECT_EQ(test, ke_set_event(&event), -ENODEV);
	io_release_remove_lock(dev);
	KUNIT_EXPECT_EQ(test, tw_thread_join(test, 1), 0);
	tw_expect_silence(test);
}

/* RLS-34: the memory of an object stays until the last waiter has left it */
static void the_last_waiter_is_waited_for(struct kunit *test)
{
	make_event(test, NotificationEvent);
	/* One that is on its way: counted, and not in the queue yet. */
	event.header.waiters++;
	KUNIT_EXPECT_FALSE(test, wq_has_sleeper(&event.header.wait));
	tw_thread_start(test, 0, tw_remove, dev);
	tw_wait_until(test, tw_driver_waits(drv));
	KUNIT_EXPECT_EQ(test, event.header.record.state, WDM_RECORD_UNLOAD);
	spin_lock_irq(&event.header.lock);
	event.header.waiters--;
	wake_up_all(&drv->wait);
	spin_unlock_irq(&event.header.lock);
	KUNIT_EXPECT_EQ(test, tw_thread_join(test, 0), 0);
	KUNIT_EXPECT_EQ(test, event.header.record.state, WDM_RECORD_NONE);
}

/* RLS-34: counted, with a limit */
static void a_semaphore(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, ke_initialize_semaphore(&dev->owner, &semaphore, 3, 2), -EINVAL);
	KUNIT_EXPECT_EQ(test, ke_initialize_semaphore(&dev->owner, &semaphore, -1, 2), -EINVAL);
	KUNIT_EXPECT_EQ(test, ke_initialize_semaphore(&dev->owner, &semaphore, 0, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, ke_initialize_semaphore(&dev->owner, &semaphore, 1, 2), 0);
	KUNIT_EXPECT_EQ(test, poll(&semaphore.header), 0);
	KUNIT_EXPECT_EQ(test, poll(&semaphore.header), STATUS_TIMEOUT);
	start_waiter(test, 0, &semaphore.header);
	KUNIT_EXPECT_EQ(test, ke_release_semaphore(&semaphore, 2), 0);
	KUNIT_EXPECT_EQ(test, tw_thread_join(test, 0), 0);
	KUNIT_EXPECT_EQ(test, ke_release_semaphore(&semaphore, 1), 1);
	KUNIT_EXPECT_EQ(test, ke_release_semaphore(&semaphore, 1), -ERANGE);
	KUNIT_EXPECT_EQ(test, ke_release_semaphore(&semaphore, 0), -ERANGE);
	KUNIT_EXPECT_EQ(test, ke_release_semaphore(&semaphore, INT_MAX), -ERANGE);
	KUNIT_EXPECT_EQ(test, poll(&semaphore.header), 0);
	KUNIT_EXPECT_EQ(test, poll(&semaphore.header), 0);
	KUNIT_EXPECT_EQ(test, poll(&semaphore.header), STATUS_TIMEOUT);
	KUNIT_EXPECT_EQ(test, ke_uninitialize_semaphore(&semaphore), 0);
	tw_expect_silence(test);
}

static int release_it(void *arg)
{
	return ke_release_mutex(arg);
}

/* RLS-34, VER-04: owned, again by its owner; released by nobody else; not given up held */
static void a_mutex(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, ke_initialize_mutex(&dev->owner, &mutex), 0);
	KUNIT_EXPECT_EQ(test, poll(&mutex.header), 0);
	KUNIT_EXPECT_EQ(test, poll(&mutex.header), 0);
	tw_thread_start(test, 0, release_it, &mutex);
	KUNIT_EXPECT_EQ(test, tw_thread_join(test, 0), -EPERM);
	tw_expect_violation(test, "VER-04", "mutex");
	start_waiter(test, 0, &mutex.header);
	KUNIT_EXPECT_EQ(test, ke_release_mutex(&mutex), 1);
	KUNIT_EXPECT_FALSE(test, tw_thread_done(0));
	KUNIT_EXPECT_EQ(test, ke_release_mutex(&mutex), 0);
	KUNIT_EXPECT_EQ(test, tw_thread_join(test, 0), 0);
	/* The thread has ended and owns it: nobody else can have let go of it. */
	KUNIT_EXPECT_EQ(test, ke_uninitialize_mutex(&mutex), -EBUSY);
	tw_expect_violation(test, "RLS-34", "is held");
	KUNIT_EXPECT_EQ(test, ke_release_mutex(&mutex), -EPERM);
	tw_expect_violation(test, "VER-04", "mutex");
}

/* RLS-31, RLS-34: waiting for timers */
static void waiting_for_a_timer(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, ke_initialize_timer_ex(&dev->owner, &timer, SynchronizationTimer), 0);
	start_waiter(test, 0, &timer.header);
	KUNIT_EXPECT_EQ(test, ke_uninitialize_timer(&timer), -EBUSY);
	tw_expect_violation(test, "V-RLS-1", "has waiters");
	KUNIT_EXPECT_EQ(test, ke_set_timer_ex(&timer, 0, 0, NULL), 0);
	KUNIT_EXPECT_EQ(test, tw_thread_join(test, 0), 0);
	KUNIT_EXPECT_FALSE(test, ke_read_state_timer(&timer));
	start_waiter(test, 0, &timer.header);
	KUNIT_EXPECT_EQ(test, wdm_remove_device(dev), 0);
	KUNIT_EXPECT_EQ(test, tw_thread_join(test, 0), -ENODEV);
}

/* VER-22: V-GLB-9, nonsense */
static void initialised_once(struct kunit *test)
{
	make_event(test, NotificationEvent);
	KUNIT_EXPECT_EQ(test, ke_initialize_event(&drv->owner, &event, NotificationEvent, true),
			-EEXIST);
	tw_expect_violation(test, "V-GLB-9", "event");
	KUNIT_EXPECT_EQ(test, ke_read_state_event(&event), 0);
	KUNIT_EXPECT_EQ(test, ke_initialize_event(&dev->owner, NULL, NotificationEvent, true),
			-EINVAL);
	KUNIT_EXPECT_EQ(test, ke_initialize_event(NULL, &event, NotificationEvent, true), -EINVAL);
	KUNIT_EXPECT_EQ(test, ke_initialize_event(&dev->owner, &event, WDM_MUTEX, true), -EINVAL);
	KUNIT_EXPECT_EQ(test, ke_initialize_mutex(&dev->owner, NULL), -EINVAL);
	KUNIT_EXPECT_EQ(test, ke_uninitialize_mutex((struct wdm_mutex *)&event), -EINVAL);
	tw_expect_violation(test, "V-GLB-9", "mutex at");
	KUNIT_EXPECT_EQ(test, ke_uninitialize_event(&event), 0);
	KUNIT_EXPECT_EQ(test, ke_uninitialize_event(&event), -EINVAL);
	tw_expect_violation(test, "V-GLB-9", "event at");
}

static int dispatcher_test_init(struct kunit *test)
{
	alertable = false;
	return tw_init(test);
}

static struct kunit_case dispatcher_cases[] = {
	KUNIT_CASE(a_notification_event),
	KUNIT_CASE(a_synchronization_event),
	KUNIT_CASE(a_wait_times_out),
	KUNIT_CASE(an_alertable_wait),
	KUNIT_CASE(waiting_where_it_is_allowed),
	KUNIT_CASE(not_given_up_with_waiters),
	KUNIT_CASE(waits_end_at_the_removal),
	KUNIT_CASE(the_last_waiter_is_waited_for),
	KUNIT_CASE(a_semaphore),
	KUNIT_CASE(a_mutex),
	KUNIT_CASE(waiting_for_a_timer),
	KUNIT_CASE(initialised_once),
	{}
};

static struct kunit_suite dispatcher_suite = {
	.name = "wdm_dispatcher",
	.init = dispatcher_test_init,
	.exit = tw_exit,
	.test_cases = dispatcher_cases,
};

kunit_test_suite(dispatcher_suite);

MODULE_DESCRIPTION("Tests of dispatcher objects");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(EXPORTED_FOR_KUNIT_TESTING);
