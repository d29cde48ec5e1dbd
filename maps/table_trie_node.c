/* SPDX-License-Identifier: GPL-2.0-only */
/* Nodes of a trie, with slots or with cells: all that depends on which. */
#include <string.h>

#include "maps/table_trie_parts.h"

static struct trie_node *head_of(const struct trie *trie, __u32 step)
{
	return trie_line(trie, TRIE_STEP_LINE(step));
}

static struct trie_slot *slot_of(const struct trie *trie, __u32 step, __u32 number)
{
	size_t offset = ((size_t)TRIE_STEP_LINE(step) + 1) * TRIE_LINE + number * sizeof(struct trie_slot);

	return (struct trie_slot *)trie_word(trie, offset);
}

const struct trie_node *trie_node(const struct trie *trie, __u32 step)
{
	return head_of(trie, step);
}

size_t trie_cell_at(const struct trie *trie, __u32 step, __u32 number)
{
	return ((size_t)head_of(trie, step)->cells + number) * TRIE_LINE;
}

__u32 *trie_child(const struct trie *trie, __u32 step, __u32 number)
{
	_Static_assert(!offsetof(struct trie_cell, step) && !offsetof(struct trie_wide_cell, step), "it is in front");
	if (step & TRIE_CELLS)
		return trie_word(trie, trie_cell_at(trie, step, number));
	return &slot_of(trie, step, number)->step;
}

__u32 *trie_cover(const struct trie *trie, __u32 step, __u32 number)
{
	if (step & TRIE_CELLS)
		return trie_word(trie, (size_t)TRIE_COVER(step, number) * sizeof(__u32));
	return &slot_of(trie, step, number)->cover;
}

void trie_store_step(struct trie *trie, size_t at, __u32 step)
{
	struct trie_root root = {.step = step};
	__u64 word;

	if (at != TRIE_AT_ROOT) {
		trie_store(trie_word(trie, at), step);
		return;
	}
	if (step & TRIE_NODE && (step & (TRIE_CELLS | TRIE_SKIP)) == TRIE_CELLS)
		root.cells = head_of(trie, step)->cells;
	memcpy(&word, &root, sizeof(word));
	__atomic_store_n((__u64 *)(void *)trie_word(trie, at), word, __ATOMIC_RELEASE);
}

/* Takes lines of a class and fills them with zeros, or with what is in `old` (0: nothing). */
static int take_lines(struct trie *trie, unsigned int class, __u32 old, __u32 *line)
{
	size_t lines = trie_class_lines(trie, class);
	int result = trie_allocate(trie, class, line);

	if (result)
		return result;
	if (old)
		memcpy(trie_lines(trie, *line, lines), trie_lines(trie, old, lines), lines * TRIE_LINE);
	else
		memset(trie_lines(trie, *line, lines), 0, lines * TRIE_LINE);
	return 0;
}

static int make_cells(struct trie *trie, unsigned int bits, __u32 *line)
{
	__u32 cells;
	int result = take_lines(trie, TRIE_CLASS_CELLS + bits, 0, &cells);

	if (!result)
		result = take_lines(trie, TRIE_CLASS_COVERS + bits, 0, line);
	if (!result)
		((struct trie_node *)trie_line(trie, *line))->cells = cells;
	return result;
}

int trie_build_node(struct trie *trie, const struct trie_key *key, unsigned int depth, unsigned int above,
		    unsigned int bits, bool cells, __u32 *step)
{
	struct trie_key head = *key;
	struct trie_node *node;
	__u32 line;
	int result = cells ? make_cells(trie, bits, &line) : take_lines(trie, TRIE_CLASS_NODE + bits, 0, &line);

	if (result)
		return result;
	trie_mask(&head, depth);
	*step = TRIE_NODE_STEP(line, bits, (depth > above ? TRIE_SKIP : 0) | (cells ? TRIE_CELLS : 0));
	node = head_of(trie, *step);
	node->high = head.high;
	node->low = head.low;
	node->depth = depth;
	return 0;
}

/* The class of what a copy has of its own. */
static unsigned int copied_class(__u32 step)
{
	return (step & TRIE_CELLS ? TRIE_CLASS_COVERS : TRIE_CLASS_NODE) + TRIE_STEP_BITS(step);
}

int trie_copy_node(struct trie *trie, __u32 *step)
{
	__u32 line;
	int result = take_lines(trie, copied_class(*step), TRIE_STEP_LINE(*step), &line);

	if (!result)
		*step = TRIE_NODE_STEP(line, TRIE_STEP_BITS(*step), *step & (TRIE_SKIP | TRIE_CELLS));
	return result;
}

void trie_retire_copied(struct trie *trie, __u32 step)
{
	trie_retire(trie, copied_class(step), TRIE_STEP_LINE(step));
}
