/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * For tests of filters' own I/O: A, B and C on a volume, an operation of B's, and
 * what became of it. In the log "B." is its routine, "Cx" C's cancel routine.
 */
#ifndef _FLTMGR_TESTOWN_H
#define _FLTMGR_TESTOWN_H

#include "testgate.h"

static struct flt_sim *sim;
static struct flt_volume *volume;
static struct tf a, b, c;
static struct flt_instance *issuer;	/* B's instance, while there is one */
static struct flt_callback_data *data;	/* of that instance; NULL once it is freed */
static int arm_rc;			/* what C's setting a cancel routine said */

/* What was seen of the routine, and what it does. */
static struct {
	atomic_t calls;
	int status;
	unsigned long information;
	u32 flags;
	struct flt_instance *target;
	void *context;
	struct flt_callback_data *data;
	bool free;				/* it frees the operation */
	void (*act)(struct flt_callback_data *data);
	struct kunit *test;
} told;

static inline void own_fill(struct flt_callback_data *cbd)
{
	cbd->iopb->major_function = IRP_MJ_READ;
	cbd->iopb->parameters.read.byte_offset = 8192;
	cbd->iopb->parameters.read.length = 4096;
}

static inline int own_test_init(struct kunit *test)
{
	memset(&told, 0, sizeof(told));
	told.test = test;
	arm_rc = 1;
	data = NULL;
	sim = flt_sim_create("vol");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, sim);
	volume = flt_sim_volume(sim);
	tf_init(&a, "A", "300");
	tf_init(&b, "B", "200");
	tf_init(&c, "C", "100");
	KUNIT_ASSERT_EQ(test, tf_register(&a), 0);
	KUNIT_ASSERT_EQ(test, tf_register(&b), 0);
	KUNIT_ASSERT_EQ(test, tf_register(&c), 0);
	issuer = tf_instance(&b, volume);
	KUNIT_ASSERT_NOT_NULL(test, issuer);
	KUNIT_ASSERT_EQ(test, flt_allocate_callback_data(issuer, NULL, &data), 0);
	own_fill(data);
	tf_log_clear();
	return 0;
}

static inline void own_free(void)
{
	if (data)
		flt_free_callback_data(data);
	data = NULL;
}

static inline void own_test_exit(struct kunit *test)
{
	tf_race_disarm();
	flt_sim_set_hold(sim, false);
	flt_sim_release_all(sim, FLT_SIM_PROCESS, 0);
	own_free();
	helpers_stop();
	tf_drop(&a);
	tf_drop(&b);
	tf_drop(&c);
	flt_sim_destroy(sim);
	set_cpus_allowed_ptr(current, cpu_possible_mask);
}

/* The routine. */
static inline void own_ended(struct flt_callback_data *cbd, void *context)
{
	tf_log("B", ".");
	told.status = cbd->io_status.status;
	told.information = cbd->io_status.information;
	told.flags = cbd->flags;
	told.target = cbd->iopb->target_instance;
	told.context = context;
	told.data = cbd;
	if (told.act)
		told.act(cbd);
	if (told.free) {
		data = NULL;
		flt_free_callback_data(cbd);
	}
	/* Last, for a case that waits for it. */
	atomic_inc(&told.calls);
}

static inline int own_async(void)
{
	return flt_perform_asynchronous_io(data, own_ended, &told);
}

/* Once, with a status. */
static inline void expect_told(struct kunit *test, int status)
{
	tf_wait_until(test, atomic_read(&told.calls));
	KUNIT_EXPECT_EQ(test, atomic_read(&told.calls), 1);
	KUNIT_EXPECT_EQ(test, told.status, status);
	KUNIT_EXPECT_PTR_EQ(test, told.context, (void *)&told);
}

/* Its own operation is at the device. */
static inline void own_held(struct kunit *test)
{
	flt_sim_set_hold(sim, true);
	KUNIT_EXPECT_EQ(test, own_async(), STATUS_PENDING);
	KUNIT_ASSERT_EQ(test, flt_sim_wait_held(sim, 1, TF_WAIT), 0);
}

static inline void *detach_thread(void *arg)
{
	struct tf *tf = arg;

	return (void *)(long)flt_detach_volume(tf->filter, volume, NULL);
}

static inline void *async_thread(void *arg)
{
	return (void *)(long)own_async();
}

static inline void *sync_thread(void *arg)
{
	flt_perform_synchronous_io(data);
	return (void *)(long)data->io_status.status;
}

/* The teardown of B's instance has nothing left to wait for but @nr holds. */
static inline bool own_waited_for(int nr)
{
	return READ_ONCE(issuer->state) == FLT_INSTANCE_DRAINING &&
	       atomic_read(&issuer->hold) == nr;
}

/* C pends it, and can be told of a cancel. */
static inline void c_canceled(struct flt_callback_data *cbd)
{
	tf_log("C", "x");
	cbd->io_status.status = STATUS_CANCELLED;
	cbd->io_status.information = 0;
	flt_complete_pended_preoperation(cbd, FLT_PREOP_COMPLETE, NULL);
}

static inline int c_arms(struct tf *tf, struct flt_callback_data *cbd,
			 const struct flt_related_objects *objs, int status)
{
	arm_rc = flt_set_cancel_completion(cbd, c_canceled);
	if (!arm_rc)
		return FLT_PREOP_PENDING;
	tf->complete_status = arm_rc;
	return FLT_PREOP_COMPLETE;
}

#endif /* _FLTMGR_TESTOWN_H */
