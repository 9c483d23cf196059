// SPDX-License-Identifier: GPL-2.0-only
/*
 * replay-log: what a disk looked like at each barrier, from a dm-log-writes log.
 *
 *	replay-log LOG IMAGE STATE
 *
 * Applies the log's entries to IMAGE, from where STATE says (0 at first), up to
 * and including the next one with a flush or FUA; writes the new place to STATE.
 * Says "barrier N", or "mark TEXT" and goes on, or "end N" when there is no more.
 *
 * Layout of a log: a super block, then entries, each a block of its own with the
 * data behind it, as documented in the kernel's log-writes.rst and read by its
 * target. All numbers are little endian.
 */
#include <endian.h>
#include <err.h>
#include <fcntl.h>
#include <linux/types.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define MAGIC		0x6a736677736872ULL

#define FLAG_FLUSH	0x1
#define FLAG_FUA	0x2
#define FLAG_DISCARD	0x4
#define FLAG_MARK	0x8

struct super {
	__u64 magic;
	__u64 version;
	__u64 nr_entries;
	__u32 sector_size;
};

struct entry {
	__u64 sector;
	__u64 nr_sectors;
	__u64 flags;
	__u64 data_len;
	char mark[];
};

struct place {
	__u64 entry;
	__u64 offset;
};

static __u64 block;

static void get(int fd, void *buf, size_t len, __u64 offset)
{
	if (pread(fd, buf, len, offset) != (ssize_t)len)
		err(1, "read of %zu bytes at %llu", len, offset);
}

static void copy(int log, int image, __u64 from, __u64 to, __u64 len)
{
	static char buf[1 << 16];

	while (len) {
		size_t n = len < sizeof(buf) ? len : sizeof(buf);

		get(log, buf, n, from);
		if (pwrite(image, buf, n, to) != (ssize_t)n)
			err(1, "write at %llu", to);
		from += n;
		to += n;
		len -= n;
	}
}

static void read_state(const char *path, struct place *place)
{
	FILE *f = fopen(path, "r");

	place->entry = 0;
	place->offset = block;
	if (!f)
		return;
	if (fscanf(f, "%llu %llu", &place->entry, &place->offset) != 2)
		errx(1, "%s: not a state", path);
	fclose(f);
}

static void write_state(const char *path, const struct place *place)
{
	FILE *f = fopen(path, "w");

	if (!f || fprintf(f, "%llu %llu\n", place->entry, place->offset) < 0 ||
	    fclose(f))
		err(1, "%s", path);
}

/* Apply one entry; its flags are returned. */
static __u64 apply(int log, int image, struct place *place)
{
	__u64 len, flags;
	struct entry *entry = malloc(block + 1);

	if (!entry)
		err(1, "malloc");
	get(log, entry, block, place->offset);
	((char *)entry)[block] = 0;
	flags = le64toh(entry->flags);
	len = le64toh(entry->nr_sectors) * block;
	place->offset += block;
	place->entry++;
	if (flags & FLAG_MARK) {
		printf("mark %s\n", entry->mark);
	} else if (!(flags & FLAG_DISCARD)) {	/* a discard has no data in the log */
		copy(log, image, place->offset, le64toh(entry->sector) * block, len);
		place->offset += len;
	}
	free(entry);
	return flags;
}

int main(int argc, char **argv)
{
	struct super super;
	struct place place;
	int log, image;

	if (argc != 4)
		errx(2, "usage: replay-log LOG IMAGE STATE");
	log = open(argv[1], O_RDONLY);
	image = open(argv[2], O_RDWR);
	if (log < 0 || image < 0)
		err(1, "%s", log < 0 ? argv[1] : argv[2]);
	get(log, &super, sizeof(super), 0);
	if (le64toh(super.magic) != MAGIC || le64toh(super.version) != 1)
		errx(1, "%s: not a log", argv[1]);
	block = le32toh(super.sector_size);
	read_state(argv[3], &place);
	while (place.entry < le64toh(super.nr_entries)) {
		if (!(apply(log, image, &place) & (FLAG_FLUSH | FLAG_FUA)))
			continue;
		write_state(argv[3], &place);
		printf("barrier %llu\n", place.entry);
		return 0;
	}
	write_state(argv[3], &place);
	printf("end %llu\n", place.entry);
	return 0;
}
