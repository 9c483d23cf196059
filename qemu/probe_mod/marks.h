/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Marks for qemu/plugin/flt_trace.c, which has the same numbers: long NOPs whose
 * displacement says which. Without the plugin they do nothing, on any CPU.
 */
#ifndef _FLT_PROBE_MARKS_H
#define _FLT_PROBE_MARKS_H

#define MARK_ARM	1	/* watch from now on, in a moment */
#define MARK_DUMP	2	/* write what was recorded */
#define MARK_BEGIN	3	/* record on this CPU */
#define MARK_END	4
#define MARK_BIT0	5	/* eight of these two, lowest bit first: a number */
#define MARK_BIT1	6

/* nopl 0x464c5400 + which (%rax) */
#define flt_mark(which) ({ \
	asm volatile(".byte 0x0f, 0x1f, 0x80; .long 0x464c5400 + %c0" :: "i" (which) : "memory"); \
})

#endif /* _FLT_PROBE_MARKS_H */
