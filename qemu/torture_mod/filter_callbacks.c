// SPDX-License-Identifier: GPL-2.0-only
/*
 * The pre- and post-operations, and what they look at. Part of filter.c.
 */

/* INV-02, INV-03, INV-04 */
static void torture_arrived(struct torture_visit *visit)
{
	struct torture_instance *ti = visit->ti;
	struct torture_place *place = visit->place;

	if (READ_ONCE(ti->torn))
		torture_wrong(TORTURE_NAME ": INV-04: pre-operation after teardown_complete");
	if (!place)
		return;
	/* Pairs with torture_started(). */
	if (smp_load_acquire(&ti->started) && place->began > ti->started_at)
		torture_wrong(TORTURE_NAME ": INV-03: an operation that came later is seen");
	if (place->down <= ti->altitude)
		torture_wrong(TORTURE_NAME ": INV-02: down from %llu to %llu", place->down,
			      ti->altitude);
	place->down = ti->altitude;
}

static void torture_decide(struct torture_visit *visit)
{
	unsigned int n = torture_pick(&visit->rnd, 16);
	bool success = torture_pick(&visit->rnd, 2);

	visit->how = HOW_AT_ONCE;
	if (torture_pick(&visit->rnd, 2))
		visit->how = torture_pick(&visit->rnd, HOW_NR);
	visit->status = success ? 0 : torture_error(visit);
	/* Nobody else has the data; and who reads himself wants the device's. */
	if (visit->major == IRP_MJ_READ && (visit->ti->vol->block || visit->generated))
		visit->status = torture_error(visit);
	if (n < 5)
		visit->answer = FLT_PREOP_SUCCESS_NO_CALLBACK;
	else if (n < 12)
		visit->answer = FLT_PREOP_SUCCESS_WITH_CALLBACK;
	else if (n < 14 || !torture_can_complete(visit))
		visit->answer = FLT_PREOP_SYNCHRONIZE;
	else
		visit->answer = FLT_PREOP_COMPLETE;
	if (visit->answer == FLT_PREOP_SYNCHRONIZE && visit->how != HOW_WAIT)
		visit->how = HOW_AT_ONCE;
	if (visit->answer != FLT_PREOP_COMPLETE && visit->how == HOW_TIMER)
		visit->how = HOW_WORK;
}

/* False: it is refused, since it was cancelled or the instance goes: the answer counts now. */
static bool torture_enqueue(struct torture_visit *visit, struct flt_callback_data *data)
{
	visit->by = T_BY_QUEUE;
	data->filter_context[TORTURE_VISIT] = visit;
	/* The work's, before the operation can be gone. */
	refcount_inc(&visit->refs);
	count(T_PENDED);
	if (!flt_cbdq_insert_io(&visit->ti->cbdq, data, &visit->io_context, NULL)) {
		queue_delayed_work(torture_wq, &visit->work, 1);
		return true;
	}
	count(T_EARLY);
	torture_visit_put(visit);
	return false;
}

static bool torture_arm(struct torture_visit *visit, struct flt_callback_data *data)
{
	visit->by = T_BY_ROUTINE;
	data->filter_context[TORTURE_VISIT] = visit;
	refcount_inc(&visit->refs);
	count(T_PENDED);
	if (!flt_set_cancel_completion(data, torture_cancel_routine)) {
		queue_delayed_work(torture_wq, &visit->work, 1);
		return true;
	}
	count(T_EARLY);
	torture_cancelled(visit);
	torture_visit_put(visit);
	return false;
}

static void torture_wait(struct torture_visit *visit, struct flt_callback_data *data)
{
	struct completion never;
	int rc;

	init_completion(&never);
	rc = flt_cancellable_wait_for_single_object(&never, torture_pick(&visit->rnd, 2), data);
	if (rc == STATUS_CANCELLED && torture_can_complete(visit))
		torture_cancelled(visit);
}

/* True: it is pended, the visit may be gone. */
static bool torture_pend(struct torture_visit *visit, struct flt_callback_data *data)
{
	visit->data = data;
	switch (visit->how) {
	case HOW_EARLY:
		count(T_PENDED);
		visit->by = T_EARLY;
		torture_go_on(visit, data);
		return true;
	case HOW_WORK:
		count(T_PENDED);
		visit->by = T_BY_WORK;
		torture_queue(visit, &visit->work);
		return true;
	case HOW_TIMER:
		count(T_PENDED);
		visit->by = T_BY_TIMER;
		torture_time(visit);
		return true;
	case HOW_DEFERRED:
		visit->by = T_BY_DEFERRED;
		return torture_defer(visit, data);
	case HOW_QUEUE:
		return torture_enqueue(visit, data);
	case HOW_ROUTINE:
		return torture_arm(visit, data);
	case HOW_WAIT:
		torture_wait(visit, data);
		return false;
	default:
		return false;
	}
}

static int torture_pre(struct flt_callback_data *data, const struct flt_related_objects *objs,
		       void **completion_context)
{
	struct torture_instance *ti;
	struct torture_visit *visit;

	count(T_PRE);
	if (flt_get_instance_context(objs->instance, (void **)&ti)) {
		torture_wrong(TORTURE_NAME ": an instance has no context");
		count(T_NOT_WANTED);
		return FLT_PREOP_SUCCESS_NO_CALLBACK;
	}
	visit = torture_visit_make(ti, data);
	if (!visit) {
		flt_release_context(ti);
		count(T_NOT_WANTED);
		return FLT_PREOP_SUCCESS_NO_CALLBACK;
	}
	atomic_inc(&ti->inside);
	torture_arrived(visit);
	torture_aside(visit, data, objs);
	torture_decide(visit);
	if (torture_pend(visit, data))
		return FLT_PREOP_PENDING;
	return torture_settle(visit, data, completion_context);
}

/* on the way up */

/* INV-02, INV-04, INV-14 */
static void torture_returned(struct torture_visit *visit, struct flt_callback_data *data,
			     bool draining)
{
	const struct flt_parameters_rw *rw = &data->iopb->parameters.read;
	struct torture_instance *ti = visit->ti;

	if (READ_ONCE(ti->torn))
		torture_wrong(TORTURE_NAME ": INV-04: post-operation after teardown_complete");
	if (rw->byte_offset != visit->offset || rw->length != visit->length ||
	    data->iopb->major_function != visit->major)
		torture_wrong(TORTURE_NAME ": INV-14: major %#x at %llu was %#x at %llu",
			      data->iopb->major_function, rw->byte_offset, visit->major,
			      visit->offset);
	if (draining) {
		if (data->io_status.status != STATUS_FLT_POST_OPERATION_CLEANUP || rw->bio)
			torture_wrong(TORTURE_NAME ": DRN-04: drained with status %d",
				      data->io_status.status);
		return;
	}
	if (!visit->place)
		return;
	if (visit->place->up >= ti->altitude)
		torture_wrong(TORTURE_NAME ": INV-02: up from %llu to %llu", visit->place->up,
			      ti->altitude);
	visit->place->up = ti->altitude;
}

static void torture_spoil(struct torture_visit *visit, struct flt_callback_data *data)
{
	if (!visit->place || data->io_status.status || !chance(visit, 16))
		return;
	count(T_SPOILT);
	torture_inc(visit->ti->vol, V_SPOILT);
	torture_set_status(visit, data, torture_error(visit));
}

static int torture_safe(struct flt_callback_data *data, const struct flt_related_objects *objs,
			void *completion_context, u32 flags)
{
	struct torture_visit *visit = completion_context;

	might_sleep();
	count(T_SAFE_RUN);
	if (chance(visit, 4))
		usleep_range(10, 200);
	torture_spoil(visit, data);
	if (!chance(visit, 4)) {
		torture_leave(visit);
		return FLT_POSTOP_FINISHED_PROCESSING;
	}
	/* It goes on from elsewhere after all. */
	count(T_POST_PENDED);
	visit->post = true;
	visit->data = data;
	torture_queue(visit, &visit->post_work);
	return FLT_POSTOP_MORE_PROCESSING_REQUIRED;
}

static int torture_post_safe(struct torture_visit *visit, struct flt_callback_data *data,
			     const struct flt_related_objects *objs, u32 flags)
{
	int status;

	count(T_SAFE);
	if (flt_do_completion_processing_when_safe(data, objs, visit, flags, torture_safe,
						   &status))
		return status;
	count(T_SAFE_RUN);
	torture_leave(visit);
	return FLT_POSTOP_FINISHED_PROCESSING;
}

static int torture_post_pend(struct torture_visit *visit, struct flt_callback_data *data)
{
	visit->post = true;
	visit->data = data;
	switch (torture_pick(&visit->rnd, 4)) {
	case 0:
		count(T_POST_PENDED);
		torture_resume_post(visit);
		break;
	case 1:
		count(T_POST_PENDED);
		torture_queue(visit, &visit->post_work);
		break;
	case 2:
		count(T_POST_PENDED);
		torture_time(visit);
		break;
	default:
		if (torture_defer(visit, data))
			break;
		torture_leave(visit);
		return FLT_POSTOP_FINISHED_PROCESSING;
	}
	return FLT_POSTOP_MORE_PROCESSING_REQUIRED;
}

static int torture_post(struct flt_callback_data *data, const struct flt_related_objects *objs,
			void *completion_context, u32 flags)
{
	bool draining = flags & FLTFL_POST_OPERATION_DRAINING;
	struct torture_visit *visit = completion_context;
	unsigned int n;

	count(draining ? T_DRAINED : T_POST);
	if (!visit || visit->magic != TORTURE_MAGIC) {
		torture_wrong(TORTURE_NAME ": INV-01: a post-operation that nobody asked for");
		return FLT_POSTOP_FINISHED_PROCESSING;
	}
	torture_returned(visit, data, draining);
	if (draining) {
		torture_leave(visit);
		return FLT_POSTOP_FINISHED_PROCESSING;
	}
	torture_spoil(visit, data);
	n = torture_pick(&visit->rnd, 8);
	if (n == 0)
		return torture_post_safe(visit, data, objs, flags);
	if (n == 1)
		return torture_post_pend(visit, data);
	if (n == 2)
		udelay(torture_pick(&visit->rnd, 50));
	torture_leave(visit);
	return FLT_POSTOP_FINISHED_PROCESSING;
}
