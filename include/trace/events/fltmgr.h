/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tracepoints of the filter manager. Operations are named by their id, which
 * is unique since boot; instances by theirs, so that printing a trace never
 * needs an instance that is gone.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM fltmgr

#if !defined(_TRACE_FLTMGR_H) || defined(TRACE_HEADER_MULTI_READ)
#define _TRACE_FLTMGR_H

#include <linux/fltmgr_volume.h>
#include <linux/tracepoint.h>

struct flt_instance;

DECLARE_EVENT_CLASS(flt_op,
	TP_PROTO(struct flt_operation *op),
	TP_ARGS(op),
	TP_STRUCT__entry(
		__field(u64, id)
		__field(u8, major)
		__field(u64, offset)
		__field(u64, length)
		__field(int, status)
	),
	TP_fast_assign(
		__entry->id = op->id;
		__entry->major = op->iopb.major_function;
		__entry->offset = op->iopb.parameters.read.byte_offset;
		__entry->length = op->iopb.parameters.read.length;
		__entry->status = op->data.io_status.status;
	),
	TP_printk("op=%llx major=%#x offset=%llu length=%llu status=%d", __entry->id,
		  __entry->major, __entry->offset, __entry->length, __entry->status)
);

DEFINE_EVENT(flt_op, flt_dispatch, TP_PROTO(struct flt_operation *op), TP_ARGS(op));
DEFINE_EVENT(flt_op, flt_pended, TP_PROTO(struct flt_operation *op), TP_ARGS(op));
DEFINE_EVENT(flt_op, flt_submit, TP_PROTO(struct flt_operation *op), TP_ARGS(op));
DEFINE_EVENT(flt_op, flt_lower_done, TP_PROTO(struct flt_operation *op), TP_ARGS(op));
DEFINE_EVENT(flt_op, flt_done, TP_PROTO(struct flt_operation *op), TP_ARGS(op));

DECLARE_EVENT_CLASS(flt_op_instance,
	TP_PROTO(struct flt_operation *op, u32 instance, int status),
	TP_ARGS(op, instance, status),
	TP_STRUCT__entry(
		__field(u64, id)
		__field(u8, major)
		__field(u32, instance)
		__field(int, status)
	),
	TP_fast_assign(
		__entry->id = op->id;
		__entry->major = op->iopb.major_function;
		__entry->instance = instance;
		__entry->status = status;
	),
	TP_printk("op=%llx major=%#x instance=%u status=%d", __entry->id, __entry->major,
		  __entry->instance, __entry->status)
);

DEFINE_EVENT(flt_op_instance, flt_pre,
	TP_PROTO(struct flt_operation *op, u32 instance, int status),
	TP_ARGS(op, instance, status));
DEFINE_EVENT(flt_op_instance, flt_resumed,
	TP_PROTO(struct flt_operation *op, u32 instance, int status),
	TP_ARGS(op, instance, status));
DEFINE_EVENT(flt_op_instance, flt_post,
	TP_PROTO(struct flt_operation *op, u32 instance, int status),
	TP_ARGS(op, instance, status));
DEFINE_EVENT(flt_op_instance, flt_post_resumed,
	TP_PROTO(struct flt_operation *op, u32 instance, int status),
	TP_ARGS(op, instance, status));
DEFINE_EVENT(flt_op_instance, flt_drain,
	TP_PROTO(struct flt_operation *op, u32 instance, int status),
	TP_ARGS(op, instance, status));
DEFINE_EVENT(flt_op_instance, flt_cancel,
	TP_PROTO(struct flt_operation *op, u32 instance, int status),
	TP_ARGS(op, instance, status));

TRACE_EVENT(flt_teardown,
	TP_PROTO(u32 instance, const char *filter, const char *volume, const char *name,
		 const char *state, u32 reason),
	TP_ARGS(instance, filter, volume, name, state, reason),
	TP_STRUCT__entry(
		__field(u32, instance)
		__string(filter, filter)
		__string(volume, volume)
		__string(name, name)
		__string(state, state)
		__field(u32, reason)
	),
	TP_fast_assign(
		__entry->instance = instance;
		__assign_str(filter);
		__assign_str(volume);
		__assign_str(name);
		__assign_str(state);
		__entry->reason = reason;
	),
	TP_printk("instance=%u %s.%s filter=%s state=%s reason=%#x", __entry->instance,
		  __get_str(volume), __get_str(name), __get_str(filter), __get_str(state),
		  __entry->reason)
);

#endif /* _TRACE_FLTMGR_H */

#include <trace/define_trace.h>
