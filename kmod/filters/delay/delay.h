/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _FLT_DELAY_H
#define _FLT_DELAY_H

#include <linux/fltmgr.h>

/* Where an operation is held back. */
enum delay_mode {
	DELAY_PRE,		/* the pre-operation pends it */
	DELAY_POST,		/* the post-operation pends it */
	DELAY_SYNC,		/* the post-operation waits in its thread */
};

/* How one that the pre-operation pended goes on. */
enum delay_answer {
	DELAY_CALLBACK,		/* down, and the post-operation is called */
	DELAY_PASS,		/* down, and that is all */
	DELAY_FAIL,		/* ends here with EIO */
};

/* Who releases what is held back. */
enum delay_agent {
	DELAY_TIMER,
	DELAY_WORKQUEUE,
	DELAY_KTHREAD,
	DELAY_DEFERRED,
};

enum delay_counter {
	DELAY_HELD,		/* now */
	DELAY_PENDED,
	DELAY_RELEASED,
	DELAY_DRAINED,
	DELAY_NR_COUNTERS,
};

/* queue.c */
int delay_start_agent(enum delay_mode mode, enum delay_answer answer, enum delay_agent agent);
void delay_stop_agent(void);
int delay_add_instance(struct flt_instance *instance);
void delay_close_instance(struct flt_instance *instance);
void delay_remove_instance(struct flt_instance *instance);
bool delay_hold_back(struct flt_callback_data *data, struct flt_instance *instance,
		     bool until_told, unsigned int ms);
void delay_wait_released(struct flt_callback_data *data);
void delay_release(unsigned long n);
u64 delay_counter(enum delay_counter counter);
void delay_drained(void);

#endif /* _FLT_DELAY_H */
