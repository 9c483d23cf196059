// SPDX-License-Identifier: GPL-2.0-only
/*
 * flt_trace: a plugin of QEMU's code generator that writes down what a guest
 * does between two marks: every instruction, every load and store, for each CPU.
 *
 *	qemu-system-x86_64 -accel tcg,thread=single -plugin flt_trace.so,out=FILE ...
 *
 * Marks are instructions of the guest that do nothing: a long NOP whose
 * displacement says which (qemu/probe_mod/marks.h). Up to ARM the plugin looks
 * for marks only, so that a boot costs hardly more than without it; ARM has all
 * code translated anew, with everything watched. DUMP writes FILE.
 *
 * FILE is a sequence of struct record, CPU after CPU, each CPU's in its order.
 * bench/trace.py reads it. What an instruction is (a locked read-modify-write,
 * a full barrier) is decided here, where its bytes are.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/types.h>

#include <qemu-plugin.h>

QEMU_PLUGIN_EXPORT int qemu_plugin_version = QEMU_PLUGIN_VERSION;

#define NO_REGS		QEMU_PLUGIN_CB_NO_REGS
#define MAX_CPUS	8
#define MARK_BASE	0x464c5400u	/* see marks.h */
#define MARK_MASK	0xffffff00u
#define MARK_LENGTH	7

/* marks.h has these, too */
enum mark {
	MARK_ARM = 1,
	MARK_DUMP,
	MARK_BEGIN,
	MARK_END,
	MARK_BIT0,
	MARK_BIT1,
};

enum record_kind { RECORD_MARK, RECORD_INSN, RECORD_LOAD, RECORD_STORE };

/* flags of a RECORD_INSN */
#define INSN_LOCKED	0x1	/* a locked read-modify-write */
#define INSN_BARRIER	0x2	/* a full barrier and nothing else */

struct record {
	__u64 value;		/* the mark; the instruction's or datum's address */
	__u64 physical;	/* of the datum */
	__u8 kind;
	__u8 flags;
	__u8 size;		/* of the datum, bytes */
	__u8 cpu;
	__u8 pad[4];
};

/* Each CPU writes its own; with one thread for all CPUs nothing else is needed. */
struct log {
	struct record *records;
	size_t nr, room;
	int on;
};

static struct log logs[MAX_CPUS];
static const char *out_name;
static int armed;
static qemu_plugin_id_t plugin;

static void fatal(const char *what)
{
	fprintf(stderr, "flt_trace: %s\n", what);
	abort();
}

static struct record *record(unsigned int cpu, enum record_kind kind, __u64 value)
{
	struct log *log = &logs[cpu];
	struct record *r;

	if (log->nr == log->room) {
		log->room = log->room ? 2 * log->room : 1 << 16;
		log->records = realloc(log->records, log->room * sizeof(*log->records));
		if (!log->records)
			fatal("no memory");
	}
	r = &log->records[log->nr++];
	memset(r, 0, sizeof(*r));
	r->value = value;
	r->kind = kind;
	r->cpu = cpu;
	return r;
}

static void dump(void)
{
	FILE *f = fopen(out_name, "wb");
	unsigned int i;

	if (!f)
		fatal("cannot write the file that out= names");
	for (i = 0; i < MAX_CPUS; i++)
		if (fwrite(logs[i].records, sizeof(struct record), logs[i].nr, f) != logs[i].nr)
			fatal("cannot write");
	if (fclose(f))
		fatal("cannot write");
}

static void rearm(qemu_plugin_id_t id);

/* A mark is executed. */
static void on_mark(unsigned int cpu, void *data)
{
	enum mark mark = (unsigned long)data;

	if (cpu >= MAX_CPUS)
		fatal("too many CPUs");
	switch (mark) {
	case MARK_ARM:
		if (!armed) {
			armed = 1;
			qemu_plugin_reset(plugin, rearm);
		}
		return;
	case MARK_DUMP:
		dump();
		return;
	case MARK_END:
		logs[cpu].on = 0;
		break;
	case MARK_BEGIN:
		logs[cpu].on = armed;
		break;
	default:
		break;
	}
	if (armed)
		record(cpu, RECORD_MARK, mark);
}

static void on_insn(unsigned int cpu, void *data)
{
	struct record *r;

	if (!logs[cpu].on)
		return;
	r = record(cpu, RECORD_INSN, ((const __u64 *)data)[0]);
	r->flags = ((const __u64 *)data)[1];
}

static void on_memory(unsigned int cpu, qemu_plugin_meminfo_t info, unsigned long address,
		      void *data)
{
	struct qemu_plugin_hwaddr *hw;
	struct record *r;

	if (!logs[cpu].on)
		return;
	r = record(cpu, qemu_plugin_mem_is_store(info) ? RECORD_STORE : RECORD_LOAD, address);
	r->size = 1 << qemu_plugin_mem_size_shift(info);
	hw = qemu_plugin_get_hwaddr(info, address);
	if (!hw || qemu_plugin_hwaddr_is_io(hw))
		r->flags = 1;	/* not memory */
	else
		r->physical = qemu_plugin_hwaddr_phys_addr(hw);
}

/* nopl MARK_BASE+n(%rax) */
static enum mark mark_of(const __u8 *b, size_t n)
{
	__u32 displacement;

	if (n != MARK_LENGTH || b[0] != 0x0f || b[1] != 0x1f || b[2] != 0x80)
		return 0;
	memcpy(&displacement, b + 3, sizeof(displacement));
	return (displacement & MARK_MASK) == MARK_BASE ? displacement & ~MARK_MASK : 0;
}

/* The ModRM byte of an instruction without a displacement yet read: is its operand memory? */
static int in_memory(__u8 modrm)
{
	return modrm >> 6 != 3;
}

/* A locked add of 0 to something on the stack, which is how kernels say smp_mb(). */
static int is_stack_barrier(const __u8 *b, const __u8 *end)
{
	if (b < end && (*b & 0xf0) == 0x40)	/* REX */
		b++;
	if (end - b < 4 || *b != 0x83)
		return 0;
	/* ModRM: add (or the next one, or); a SIB byte follows; SIB: base rsp, no index */
	if ((b[1] & 0x30) || (b[1] & 7) != 4 || !in_memory(b[1]) || b[2] != 0x24)
		return 0;
	return end[-1] == 0;
}

static unsigned int classify(const __u8 *b, size_t n)
{
	const __u8 *end = b + n;
	int lock = 0;

	/* legacy prefixes */
	while (b < end && (*b == 0xf0 || *b == 0x66 || *b == 0xf2 || *b == 0xf3 || *b == 0x2e ||
			   *b == 0x3e || *b == 0x26 || *b == 0x36 || *b == 0x64 || *b == 0x65))
		lock |= *b++ == 0xf0;
	if (lock)
		return is_stack_barrier(b, end) ? INSN_BARRIER : INSN_LOCKED;
	if (end - b >= 3 && b[0] == 0x0f && b[1] == 0xae && b[2] == 0xf0)	/* mfence */
		return INSN_BARRIER;
	if (b < end && (*b & 0xf0) == 0x40)
		b++;
	/* xchg with memory is locked without being told */
	if (end - b >= 2 && (b[0] == 0x86 || b[0] == 0x87) && in_memory(b[1]))
		return INSN_LOCKED;
	return 0;
}

/* Lives as long as the translation may, which is as long as we do. */
static void *describe(__u64 address, const __u8 *b, size_t n)
{
	__u64 *d = malloc(2 * sizeof(*d));

	if (!d)
		fatal("no memory");
	d[0] = address;
	d[1] = classify(b, n);
	return d;
}

static void on_translation(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	size_t i, n = qemu_plugin_tb_n_insns(tb);

	for (i = 0; i < n; i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
		const __u8 *bytes = qemu_plugin_insn_data(insn);
		size_t size = qemu_plugin_insn_size(insn);
		enum mark mark = mark_of(bytes, size);
		void *what = (void *)(unsigned long)mark;

		if (mark) {
			qemu_plugin_register_vcpu_insn_exec_cb(insn, on_mark, NO_REGS, what);
			continue;
		}
		if (!armed)
			continue;
		what = describe(qemu_plugin_insn_vaddr(insn), bytes, size);
		qemu_plugin_register_vcpu_insn_exec_cb(insn, on_insn, NO_REGS, what);
		qemu_plugin_register_vcpu_mem_cb(insn, on_memory, NO_REGS, QEMU_PLUGIN_MEM_RW,
						 NULL);
	}
}

/* All callbacks and all translated code are gone. */
static void rearm(qemu_plugin_id_t id)
{
	qemu_plugin_register_vcpu_tb_trans_cb(id, on_translation);
}

QEMU_PLUGIN_EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info,
					   int argc, char **argv)
{
	if (argc != 1 || strncmp(argv[0], "out=", 4) || strcmp(info->target_name, "x86_64")) {
		fprintf(stderr, "flt_trace: x86_64 only; needs out=FILE\n");
		return -1;
	}
	plugin = id;
	out_name = strdup(argv[0] + 4);
	if (!out_name)
		return -1;
	qemu_plugin_register_vcpu_tb_trans_cb(id, on_translation);
	return 0;
}
