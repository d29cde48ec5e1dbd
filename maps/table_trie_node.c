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

struct trie_cell *trie_cell(const struct trie *trie, __u32 step, __u32 number)
{
	return trie_line(trie, head_of(trie, step)->cells + number);
}

__u32 *trie_child(const struct trie *trie, __u32 step, __u32 number)
{
	if (step & TRIE_CELLS)
		return &trie_cell(trie, step, number)->step;
	return &slot_of(trie, step, number)->step;
}

__u32 *trie_cover(const struct trie *trie, __u32 step, __u32 number)
{
	if (step & TRIE_CELLS)
		return trie_word(trie, (size_t)head_of(trie, step)->covers * TRIE_LINE + number * sizeof(__u32));
	return &slot_of(trie, step, number)->cover;
}

/* Takes lines of a class and fills them with zeros, or with what is in `old` (0: nothing). */
static int take_lines(struct trie *trie, unsigned int class, __u32 old, __u32 *line)
{
	size_t lines = trie_class_lines(class);
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
	__u32 cells, covers = 0;
	int result = take_lines(trie, TRIE_CLASS_CELLS + bits, 0, &cells);

	if (!result)
		result = take_lines(trie, TRIE_CLASS_COVERS + bits, 0, &covers);
	if (!result)
		result = take_lines(trie, TRIE_CLASS_LINE, 0, line);
	if (result)
		return result;
	((struct trie_node *)trie_line(trie, *line))->cells = cells;
	((struct trie_node *)trie_line(trie, *line))->covers = covers;
	return 0;
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

int trie_copy_node(struct trie *trie, __u32 *step)
{
	unsigned int bits = TRIE_STEP_BITS(*step);
	__u32 flags = *step & (TRIE_SKIP | TRIE_CELLS), line, covers;
	int result;

	if (!(flags & TRIE_CELLS)) {
		result = take_lines(trie, TRIE_CLASS_NODE + bits, TRIE_STEP_LINE(*step), &line);
		if (!result)
			*step = TRIE_NODE_STEP(line, bits, flags);
		return result;
	}
	result = take_lines(trie, TRIE_CLASS_COVERS + bits, head_of(trie, *step)->covers, &covers);
	if (!result)
		result = take_lines(trie, TRIE_CLASS_LINE, TRIE_STEP_LINE(*step), &line);
	if (result)
		return result;
	*step = TRIE_NODE_STEP(line, bits, flags);
	head_of(trie, *step)->covers = covers;
	return 0;
}

void trie_retire_copied(struct trie *trie, __u32 step)
{
	unsigned int bits = TRIE_STEP_BITS(step);

	if (!(step & TRIE_CELLS)) {
		trie_retire(trie, TRIE_CLASS_NODE + bits, TRIE_STEP_LINE(step));
		return;
	}
	trie_retire(trie, TRIE_CLASS_COVERS + bits, head_of(trie, step)->covers);
	trie_retire(trie, TRIE_CLASS_LINE, TRIE_STEP_LINE(step));
}
