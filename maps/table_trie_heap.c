/* SPDX-License-Identifier: GPL-2.0-only */
/* Room in a trie: the heap, free places. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "maps/grace.h"
#include "maps/table_trie_parts.h"

#define LINES_MAX (1u << 24)
#define UNITS_PER_LINE (TRIE_LINE / 8)

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
