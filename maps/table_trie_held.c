/* SPDX-License-Identifier: GPL-2.0-only */
/* What entries of a trie hold: numbers in the entries themselves, or rows. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "maps/table_trie_parts.h"

#define ROWS_COMPARED 64 /* in a map; an image has a hash */
#define ROW_BUCKETS_MIN 64

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

/* Writes the row that holds *record to *row. Returns 0, -ENOSPC or -ENOMEM. */
static int find_or_make_row(struct trie *trie, const struct table_record *record, __u32 *row)
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

/* The record that a number stands for. */
static void expand(struct trie_held held, struct table_record *record)
{
	*record = (struct table_record){0};
	for (unsigned int i = 1; i < TABLE_NUMBERS; i++)
		if (held.form == TRIE_HOLDS_ALL || held.form == i)
			record->number[i] = held.value;
}

static bool stands_for(struct trie_held held, const struct table_record *record)
{
	struct table_record expanded;

	expand(held, &expanded);
	return same_row(&expanded, record);
}

int trie_hold(struct trie *trie, const struct table_record *record, struct trie_held *held)
{
	__u8 kind = 1;

	while (kind < TABLE_NUMBERS - 1 && !record->number[kind])
		kind++;
	*held = (struct trie_held){.value = record->number[kind], .form = TRIE_HOLDS_ALL};
	if (stands_for(*held, record))
		return 0;
	held->form = kind;
	if (stands_for(*held, record))
		return 0;
	held->form = TRIE_HOLDS_ROW;
	return find_or_make_row(trie, record, &held->value);
}

void trie_record(const struct trie *trie, struct trie_held held, struct table_record *record)
{
	if (held.form == TRIE_HOLDS_ROW)
		*record = *(const struct table_record *)trie_line(trie, held.value);
	else
		expand(held, record);
}
