// SPDX-License-Identifier: GPL-2.0-only
/*
 * What globals is told of: processes, threads and images.
 *
 * It keeps books, as a filter would that knows who reads. Each thread that is made
 * is entered under its id, and struck off when it ends: if one were told of twice,
 * or not at all, that would not come out even.
 */
#include <linux/string.h>
#include <linux/xarray.h>

#include "globals.h"

static DEFINE_XARRAY(globals_processes);
static DEFINE_XARRAY(globals_threads);

/* What was made and has not ended; who was there before is never entered. */
static void globals_enter(struct xarray *all, pid_t id)
{
	if (xa_insert(all, id, xa_mk_value(1), GFP_ATOMIC))
		atomic64_inc(&globals_numbers.wrong);
}

static void globals_strike(struct xarray *all, pid_t id)
{
	/* It ends twice, or was there before we came. */
	if (!xa_erase(all, id))
		atomic64_inc(&globals_numbers.wrong);
}

static void globals_on_process(pid_t parent, pid_t process, bool create)
{
	if (create) {
		atomic64_inc(&globals_numbers.processes_made);
		globals_enter(&globals_processes, process);
	} else {
		atomic64_inc(&globals_numbers.processes_ended);
		globals_strike(&globals_processes, process);
	}
}

static void globals_on_thread(pid_t process, pid_t thread, bool create)
{
	/* Those of the kernel come and go as they like. */
	if (!process)
		return;
	if (create) {
		atomic64_inc(&globals_numbers.threads_made);
		globals_enter(&globals_threads, thread);
	} else {
		atomic64_inc(&globals_numbers.threads_ended);
		globals_strike(&globals_threads, thread);
	}
}

/* In a worker, where it may wait. */
static void globals_on_image(const char *name, pid_t process, const struct wdm_image_info *info)
{
	atomic64_inc(info->system_mode_image ? &globals_numbers.modules :
					       &globals_numbers.images);
	ke_enter_critical_region();
	if (ex_acquire_resource_exclusive_lite(&globals_resource, true)) {
		strscpy(globals_last, name ?: "-", GLOBALS_NAME);
		ex_release_resource_lite(&globals_resource);
	}
	ke_leave_critical_region();
}

/* 0 or an errno; what is set then is the ledger's to take back. */
int globals_tell_start(struct wdm_owner *owner, bool direct)
{
	enum wdm_notify_context context = direct ? WDM_NOTIFY_DIRECT : WDM_NOTIFY_PASSIVE;
	int err;

	err = ps_set_create_process_notify_routine(owner, globals_on_process, context, false);
	if (err)
		return err;
	err = ps_set_create_thread_notify_routine(owner, globals_on_thread, context);
	if (err)
		return err;
	return ps_set_load_image_notify_routine(owner, globals_on_image, WDM_NOTIFY_PASSIVE);
}

/* No routine is called any more when this returns, but for one that is forgotten. GLB-40 */
void globals_tell_stop(const char *forget)
{
	if (strcmp(forget, "image"))
		ps_remove_load_image_notify_routine(globals_on_image);
	if (strcmp(forget, "thread"))
		ps_remove_create_thread_notify_routine(globals_on_thread);
	if (strcmp(forget, "process"))
		ps_set_create_process_notify_routine(NULL, globals_on_process,
						     WDM_NOTIFY_PASSIVE, true);
}

static unsigned long globals_entries(struct xarray *all)
{
	unsigned long id, n = 0;
	void *entry;

	xa_for_each(all, id, entry)
		n++;
	return n;
}

/* How many processes and threads are on the books. */
unsigned long globals_tell_alive(void)
{
	return globals_entries(&globals_processes) + globals_entries(&globals_threads);
}

void globals_tell_exit(void)
{
	xa_destroy(&globals_processes);
	xa_destroy(&globals_threads);
}
