/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The verifier: who has what from where, and what is said when a rule is broken.
 *
 * This part knows nothing of filters or drivers. It is part of each module that
 * uses it, which brings the kinds of things that it hands out (vrf_kinds) and makes
 * the checks: so neither of two modules needs the other, nor a third one, and what
 * is reported by each has its parameters, its prefix in the log, and its files.
 *
 * An owner is whom things are handed out to: a filter. An item is one thing that
 * an owner has: a reference, a context, a work item; with the stack that took it.
 *
 * LOCKING
 *
 *   V  vrf_lock in track.c, irq-safe: owners and items. Nothing is taken inside.
 *   P  vrf_report_lock in report.c, irq-safe: reports. Nothing is taken inside.
 *
 * Any context but NMI, unless said otherwise.
 */
#ifndef _FLTMGR_VERIFIER_H
#define _FLTMGR_VERIFIER_H

#include <linux/list.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/stackdepot.h>
#include <linux/types.h>

#define VRF_RULE_SIZE	12
#define VRF_HEAD_SIZE	384
#define VRF_NAME_SIZE	40
#define VRF_NAMES_SIZE	256

/* Who did something, when, and how he came there. */
struct vrf_trace {
	depot_stack_handle_t stack;	/* 0: not known */
	pid_t pid;
	unsigned long when;		/* jiffies */
};

/* What the module hands out. */
struct vrf_kind {
	const char *name;		/* one word */
	const char *rule;		/* that is broken if it is left; NULL: none */
	bool once;			/* there is one item for an object at most */
};

struct vrf_owner {
	struct list_head link;		/* V */
	unsigned int refs;		/* V */
	struct module *module;		/* V: NULL once that goes */
	bool verified;			/* I */
	bool broke_rule;		/* a violation was its */
	bool alive;			/* V: still registered */
	bool lost;			/* V: not all that it has is known */
	bool stays;			/* its registration is over, and it has something */
	char name[];			/* I */
};

struct vrf_item {
	struct hlist_node hash;		/* V */
	const void *object;		/* I */
	const void *within;		/* I: what it belongs to, or NULL */
	struct vrf_owner *owner;	/* I, with a reference */
	struct vrf_trace made;		/* I */
	u8 kind;			/* I */
	bool uncertain;			/* I: may be another owner's of the module */
	bool reported;			/* V */
	bool flag;			/* V: the module's */
	char name[VRF_NAME_SIZE];	/* I: of the object, cut if need be */
};

enum vrf_action {
	VRF_REPORT,
	VRF_REFUSE,
	VRF_PANIC,
};

struct seq_file;
struct dentry;

/* report.c */
enum vrf_action vrf_action(void);
void vrf_trace_here(struct vrf_trace *trace);
bool vrf_report(const char *rule, const char *head, bool stacks,
		const struct vrf_trace *cause, const char *what);
unsigned int vrf_reports(void);
void vrf_last_report(char *text, size_t size);
int vrf_answer_text(char *text);
void vrf_seq_stack(struct seq_file *m, depot_stack_handle_t stack, const char *indent);
void vrf_report_debugfs(struct dentry *dir);

/* names.c */
bool vrf_names_valid(const char *text, int (*wrong)(const char *name));
bool vrf_names_have(const char *text, const char *name);

/* track.c: not for those who keep account otherwise */
extern const struct vrf_kind vrf_kinds[];
extern const unsigned int vrf_nr_kinds;

int vrf_init(void);
void vrf_exit(void);
struct vrf_owner *vrf_owner_create(struct module *module, const char *name, bool verified);
void vrf_owner_ended(struct vrf_owner *owner);
struct vrf_owner *vrf_owner_get(struct vrf_owner *owner);
void vrf_owner_put(struct vrf_owner *owner);
struct vrf_owner *vrf_owner_caller(bool *certain);
struct vrf_owner *vrf_owner_of(const void *code);
struct vrf_owner *vrf_owner_leaving(struct module *module);
void vrf_take(struct vrf_owner *owner, bool certain, u8 kind, const void *object,
	      const void *within, const char *name);
bool vrf_drop(struct vrf_owner *owner, u8 kind, const void *object);
bool vrf_has(u8 kind, const void *object);
bool vrf_ended(u8 kind, const void *object, struct vrf_trace *trace);
void vrf_forget_ended(void);
bool vrf_flag(u8 kind, const void *object, bool flag);
void vrf_drop_all(const void *object, u8 first, u8 last);
void vrf_drop_within(const void *within, u8 kind);

struct vrf_found {
	u8 kind;
	unsigned int count;
	struct vrf_trace made;
	char name[VRF_NAME_SIZE];
};

typedef bool (*vrf_match)(const struct vrf_item *item, const void *arg);
bool vrf_find_left(struct vrf_owner *owner, bool certain, vrf_match match, const void *arg,
		   struct vrf_found *found);
bool vrf_owner_has_items(const struct vrf_owner *owner);
void vrf_forget(struct vrf_owner *owner);
void vrf_for_each(u8 first, u8 last, void (*visit)(const struct vrf_item *item, void *arg),
		  void *arg);
typedef void (*vrf_more_stacks)(void (*add)(void *arg, depot_stack_handle_t stack), void *arg);
void vrf_track_debugfs(struct dentry *dir, vrf_more_stacks more);

#endif /* _FLTMGR_VERIFIER_H */
