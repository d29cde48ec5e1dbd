/* SPDX-License-Identifier: GPL-2.0-only */
/* Room in a trie: the heap, free places, rows. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "maps/grace.h"
#include "maps/table_trie_parts.h"

#define LINES_MAX (1u << 24)
#define UNITS_PER_LINE (TRIE_LINE / 8)
#define ROWS_COMPARED 64 /* in a map; an image has a hash */
#define ROW_BUCKETS_MIN 64

/* Where a free place keeps the next one. */
static __u32 *link_of(const struct trie *trie, unsigned int class, __u32 place)
{
	if (class < TRIE_CLASS_ENTRY)
		return trie_word(trie, (size_t)place * 8);
	if (class == TRIE_CLASS_ENTRY)
		return &trie_entry(trie, place)->next;
	return trie_line(trie, place);
}

/* Whoever is killed in here leaves the place unused, until the trie is rebuilt. */
static void push(struct trie *trie, unsigned int class, __u32 place)
{
	__u32 *first = trie_header(trie)->free + class;

	*link_of(trie, class, place) = *first;
	trie_store(first, place);
}

static void reuse_retired(struct trie *trie)
{
	struct trie_header *header = trie_header(trie);

	wait_for_packets();
	while (header->retired_count) {
		__u32 last = header->retired_count - 1;

		trie_store(&header->retired_count, last);
		push(trie, header->retired[last].class, header->retired[last].place);
	}
}

void trie_retire(struct trie *trie, unsigned int class, __u32 place)
{
	struct trie_header *header = trie_header(trie);

	if (trie->fd < 0) {
		push(trie, class, place);
		return;
	}
	if (header->retired_count == TRIE_RETIRED_MAX)
		reuse_retired(trie);
	header->retired[header->retired_count].class = class;
	header->retired[header->retired_count].place = place;
	trie_store(&header->retired_count, header->retired_count + 1);
}

/* Takes lines at the end of the heap. */
static int extend(struct trie *trie, __u32 lines, __u32 *line)
{
	struct trie_header *header = trie_header(trie);
	size_t end = (size_t)header->heap_end + lines;

	if (end > LINES_MAX)
		return -ENOSPC;
	if (end > trie->lines) {
		size_t larger = end + end / 2;
		char *memory;

		if (trie->fd >= 0)
			return -ENOSPC;
		memory = realloc(trie->memory, larger * TRIE_LINE);
		if (!memory)
			return -ENOMEM;
		trie->memory = memory;
		trie->lines = larger;
		header = trie_header(trie);
	}
	*line = header->heap_end;
	header->heap_end = (__u32)end;
	return 0;
}

/* Cuts a new line into leaves of this class; one is taken. */
static int extend_by_leaves(struct trie *trie, unsigned int class, __u32 *place)
{
	__u32 line;
	int result = extend(trie, 1, &line);

	if (result)
		return result;
	*place = line * UNITS_PER_LINE;
	for (__u32 unit = UNITS_PER_LINE - (1u << class); unit; unit -= 1u << class)
		push(trie, class, *place + unit);
	return 0;
}

static int extend_by_entry(struct trie *trie, __u32 *index)
{
	struct trie_header *header = trie_header(trie);

	if (header->used_index == header->capacity)
		return -ENOSPC;
	*index = ++header->used_index;
	return 0;
}

/* Whole lines for so many bytes. */
static size_t lines_for(size_t bytes)
{
	return (bytes + TRIE_LINE - 1) / TRIE_LINE;
}

size_t trie_class_lines(const struct trie *trie, unsigned int class)
{
	if (class >= TRIE_CLASS_COVERS)
		return 1 + lines_for(sizeof(__u32) << (class - TRIE_CLASS_COVERS));
	if (class >= TRIE_CLASS_CELLS) {
		unsigned int bits = class - TRIE_CLASS_CELLS;

		return trie_has_digests(trie, bits) ? TRIE_DIGEST_LINE(bits, 1u << TRIE_DIGEST_CHOICE(bits))
						    : 1u << bits;
	}
	if (class >= TRIE_CLASS_NODE)
		return 1 + lines_for(sizeof(struct trie_slot) << (class - TRIE_CLASS_NODE));
	return 1;
}

static int extend_by(struct trie *trie, unsigned int class, __u32 *place)
{
	if (class < TRIE_CLASS_ENTRY)
		return extend_by_leaves(trie, class, place);
	if (class == TRIE_CLASS_ENTRY)
		return extend_by_entry(trie, place);
	return extend(trie, (__u32)trie_class_lines(trie, class), place);
}

static bool pop(struct trie *trie, unsigned int class, __u32 *place)
{
	__u32 *first = trie_header(trie)->free + class;

	*place = *first;
	if (*place)
		trie_store(first, *link_of(trie, class, *place));
	return *place;
}

int trie_allocate(struct trie *trie, unsigned int class, __u32 *place)
{
	int result;

	if (pop(trie, class, place))
		return 0;
	result = extend_by(trie, class, place);
	if (result != -ENOSPC || !trie_header(trie)->retired_count)
		return result;
	reuse_retired(trie);
	return pop(trie, class, place) ? 0 : -ENOSPC;
}

/* Rows are equal but for what links them. */
static bool same_row(const struct table_record *row, const struct table_record *record)
{
	return !memcmp(row->number + 1, record->number + 1, sizeof(*record) - sizeof(record->number[0]));
}

static __u32 *find_row(const struct trie *trie, const struct table_record *record)
{
	size_t bucket = crc32_z(0, (const Bytef *)(record->number + 1), sizeof(*record) - sizeof(record->number[0]));

	for (;; bucket++) {
		__u32 *place = trie->rows + (bucket & (trie->row_buckets - 1));

		if (!*place || same_row(trie_line(trie, *place), record))
			return place;
	}
}

/* Makes the hash of rows larger when it is half full. */
static int grow_rows(struct trie *trie)
{
	size_t buckets = trie->row_buckets ? trie->row_buckets * 2 : ROW_BUCKETS_MIN;
	__u32 *old = trie->rows;
	size_t old_buckets = trie->row_buckets;

	if (trie->row_count * 2 < trie->row_buckets)
		return 0;
	trie->rows = calloc(buckets, sizeof(*trie->rows));
	if (!trie->rows) {
		trie->rows = old;
		return -ENOMEM;
	}
	trie->row_buckets = buckets;
	for (size_t i = 0; i < old_buckets; i++)
		if (old[i])
			*find_row(trie, trie_line(trie, old[i])) = old[i];
	free(old);
	return 0;
}

static int make_row(struct trie *trie, const struct table_record *record, __u32 *row)
{
	int result = trie_allocate(trie, TRIE_CLASS_LINE, row);
	struct table_record *made;

	if (result)
		return result;
	made = trie_line(trie, *row);
	*made = *record;
	made->number[0] = trie_header(trie)->rows;
	trie_header(trie)->rows = *row;
	return 0;
}

static int make_hashed_row(struct trie *trie, const struct table_record *record, __u32 *row)
{
	int result = grow_rows(trie);

	if (result)
		return result;
	*row = *find_row(trie, record);
	if (*row)
		return 0;
	result = make_row(trie, record, row);
	if (!result) {
		*find_row(trie, record) = *row;
		trie->row_count++;
	}
	return result;
}

int trie_row(struct trie *trie, const struct table_record *record, __u32 *row)
{
	_Static_assert(sizeof(*record) <= TRIE_LINE, "a row is a line");

	if (trie->fd < 0 && (trie->rows || !trie_header(trie)->rows))
		return make_hashed_row(trie, record, row);
	*row = trie_header(trie)->rows;
	for (int i = 0; i < ROWS_COMPARED && *row; i++) {
		const struct table_record *known = trie_line(trie, *row);

		if (same_row(known, record))
			return 0;
		*row = known->number[0];
	}
	return make_row(trie, record, row);
}
