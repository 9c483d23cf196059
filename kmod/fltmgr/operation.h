/* SPDX-License-Identifier: GPL-2.0-only */
/* What walk.c and generated.c do to an operation before it is on its way. */
#ifndef _FLTMGR_OPERATION_H
#define _FLTMGR_OPERATION_H

#include <linux/percpu.h>

#include "internal.h"

DECLARE_PER_CPU(u64, flt_next_id);

/* Unique without a shared line: the CPU in the upper bits. */
static inline u64 flt_new_id(void)
{
	u64 id = (u64)get_cpu() << 48;

	id |= this_cpu_inc_return(flt_next_id);
	put_cpu();
	return id;
}

/* Nobody has changed the parameters yet: what is passed on is what is there. */
static inline void flt_operation_pass(struct flt_operation *op)
{
	op->passed.rw = op->iopb.parameters.read;
	memcpy(&op->passed.what, &op->iopb.what, sizeof(op->passed.what));
}

#endif /* _FLTMGR_OPERATION_H */
