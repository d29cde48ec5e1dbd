/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Single entries into the tree of a trie and out of it: whatever it takes is written aside, the last store is the one
 * that packets see.
 */
#include <errno.h>
#include <string.h>

#include "maps/table_trie_parts.h"

/* Where an entry belongs. */
enum where {
	AT_LEAF,
	AT_CELL,
	AT_COVER, /* of the slots of a node */
	ABOVE	  /* a node whose skipped bits it does not share */
};

struct place {
	size_t at;	    /* offset in memory of the step that leads to the leaf or node */
	__u32 step;	    /* its value */
	unsigned int above; /* bits that lead to it */
	unsigned int depth; /* of a node: bits in front of those that choose a slot */
	size_t cell;	    /* offset in memory of the cell that the leaf belongs to or would belong to, 0: none */
	struct trie_digest_place digest;
};

static size_t offset_of(const struct trie *trie, const void *place)
{
	return (size_t)((const char *)place - trie->memory);
}

/* The bits that the address has in common with those that the node skips. */
static unsigned int common_with(const struct trie_item *item, const struct trie_node *node)
{
	unsigned int common = trie_common(item->key.high, item->key.low, node->high, node->low);

	if (common > item->key.bits)
		common = item->key.bits;
	return common < node->depth ? common : node->depth;
}

/* Notes the cell with this number of the node, if that has cells. */
static void note_cell(const struct trie *trie, const struct trie_item *item, struct place *place, __u32 number)
{
	place->cell = place->step & TRIE_CELLS ? trie_cell_at(trie, place->step, number) : 0;
	/* No way leads through two nodes as large. */
	if (!place->digest.at)
		place->digest = trie_digest_of(trie, item, place->step, place->depth);
}

static enum where descend(const struct trie *trie, const struct trie_item *item, struct place *place)
{
	*place = (struct place){.at = TRIE_AT_ROOT};
	for (;;) {
		unsigned int bits;
		__u32 number;

		place->step = *trie_word(trie, place->at);
		if (!(place->step & TRIE_NODE))
			return place->cell && !place->step ? AT_CELL : AT_LEAF;
		place->depth = place->above;
		bits = TRIE_STEP_BITS(place->step);
		if (place->step & TRIE_SKIP) {
			place->depth = trie_node(trie, place->step)->depth;
			if (common_with(item, trie_node(trie, place->step)) < place->depth)
				return ABOVE;
		}
		if (item->key.bits <= place->depth + bits)
			return AT_COVER;
		number = trie_window(&item->key, place->depth) >> (32 - bits);
		place->at = offset_of(trie, trie_child(trie, place->step, number));
		note_cell(trie, item, place, number);
		place->above = place->depth + bits;
	}
}

/* The entries of a leaf; returns how many. */
static size_t read_leaf(const struct trie *trie, __u32 step, struct trie_item items[TRIE_LEAF_MAX + 1])
{
	const struct trie_leaf *leaf = (const void *)trie_word(trie, (size_t)TRIE_STEP_PLACE(step) * 8);
	size_t count = 0;

	if (!step)
		return 0;
	for (size_t i = 0; i < 1u << TRIE_STEP_LEAF_CLASS(step) && leaf[i].reference; i++)
		trie_item(trie, TRIE_REFERENCE_INDEX(leaf[i].reference), items + count++);
	return count;
}

static void retire_leaf(struct trie *trie, __u32 step)
{
	if (step)
		trie_retire(trie, TRIE_CLASS_LEAF + TRIE_STEP_LEAF_CLASS(step), TRIE_STEP_PLACE(step));
}

/* Puts an entry into the order that trie_build() wants. */
static void insert_ordered(struct trie_item *items, size_t count, const struct trie_item *item)
{
	for (; count; count--) {
		const struct trie_key *before = &items[count - 1].key, *key = &item->key;

		if (before->high < key->high ||
		    (before->high == key->high &&
		     (before->low < key->low || (before->low == key->low && before->bits < key->bits))))
			break;
		items[count] = items[count - 1];
	}
	items[count] = *item;
}

static int link_in_leaf(struct trie *trie, const struct trie_item *item, const struct place *place)
{
	struct trie_item old[TRIE_LEAF_MAX + 1], items[TRIE_LEAF_MAX + 1];
	size_t count = read_leaf(trie, place->step, old);
	__u32 step;
	int result;

	for (size_t i = 0; i < count; i++) {
		if (old[i].reference == item->reference)
			return 0;
		insert_ordered(items, i, old + i);
	}
	insert_ordered(items, count, item);
	result = trie_build(trie, items, count + 1, place->above, &step);
	if (result)
		return result;
	trie_store_step(trie, place->at, step);
	retire_leaf(trie, place->step);
	return 0;
}

/*
 * Makes a cell ready to be used again, before its step becomes 0. All entries that it had are gone, since the last one
 * below it goes: whoever still looks at them may miss them.
 */
static void clear_cell(const struct trie *trie, const struct place *place)
{
	for (unsigned int i = 0; i < trie_cell_max(trie); i++)
		trie_cell_clear(trie, place->cell, i);
}

static int unlink_in_leaf(struct trie *trie, const struct trie_item *item, const struct place *place)
{
	struct trie_item items[TRIE_LEAF_MAX + 1];
	size_t count = read_leaf(trie, place->step, items), left = 0;
	__u32 step = 0;
	int result = 0;

	for (size_t i = 0; i < count; i++)
		if (items[i].reference != item->reference)
			items[left++] = items[i];
	if (left == count)
		return 0;
	if (left)
		result = trie_build_leaf(trie, items, left, place->above, &step);
	if (result)
		return result;
	if (!step && place->cell)
		clear_cell(trie, place);
	trie_store_step(trie, place->at, step);
	retire_leaf(trie, place->step);
	return 0;
}

/* Gives a cell that is full to a leaf or node, with one more entry. */
static int leave_cell(struct trie *trie, const struct trie_item *item, const struct place *place)
{
	struct trie_item items[TRIE_CELL_MAX + 1] = {0};
	unsigned int count = trie_cell_max(trie);
	__u32 step;
	int result;

	for (unsigned int i = 0; i < count; i++) {
		__u32 reference = trie_cell_reference(trie, place->cell, i);
		struct trie_item one;

		trie_item(trie, TRIE_REFERENCE_INDEX(reference), &one);
		insert_ordered(items, i, &one);
	}
	insert_ordered(items, count, item);
	result = trie_build(trie, items, count + 1, place->above, &step);
	if (result)
		return result;
	trie_store_step(trie, place->at, step);
	return 0;
}

/* The number of an entry in the cell, -1: it is not there. `reference' 0: where there is room. */
static int find_in_cell(const struct trie *trie, const struct place *place, __u32 reference)
{
	for (unsigned int i = 0; i < trie_cell_max(trie); i++)
		if (trie_cell_reference(trie, place->cell, i) == reference)
			return (int)i;
	return -1;
}

static int link_in_cell(struct trie *trie, const struct trie_item *item, const struct place *place)
{
	int number = find_in_cell(trie, place, item->reference);

	if (number < 0)
		number = find_in_cell(trie, place, 0);
	if (number < 0)
		return leave_cell(trie, item, place);
	trie_cell_write(trie, place->cell, (unsigned int)number, item, place->above);
	return 0;
}

static void unlink_in_cell(struct trie *trie, const struct trie_item *item, const struct place *place)
{
	int number = find_in_cell(trie, place, item->reference);

	if (number >= 0)
		trie_cell_clear(trie, place->cell, (unsigned int)number);
}

/*
 * Has those slots that `from` was the cover of get `to`; `from` 0: all those to which an entry `to` has been added,
 * which is a longer prefix than their cover.
 */
static void change_covers(struct trie *trie, __u32 step, __u32 first, __u32 count, __u32 from, __u32 to)
{
	for (__u32 i = 0; i < count; i++) {
		__u32 *cover = trie_cover(trie, step, first + i);

		if (from ? *cover == from : !*cover || TRIE_REFERENCE_BITS(*cover) < TRIE_REFERENCE_BITS(to))
			trie_store(cover, to);
	}
}

/* Does that in the slots that the entry includes; if they are several, in a copy of the node, which takes its place. */
static int change_cover(struct trie *trie, const struct trie_item *item, const struct place *place, __u32 from,
			__u32 to)
{
	unsigned int bits = TRIE_STEP_BITS(place->step);
	__u32 first = trie_window(&item->key, place->depth) >> (32 - bits), step = place->step;
	__u32 count = 1u << (place->depth + bits - item->key.bits);
	bool copies = trie->fd >= 0 && count > 1;
	int result = copies ? trie_copy_node(trie, &step) : 0;

	if (result)
		return result;
	change_covers(trie, step, first, count, from, to);
	if (!copies)
		return 0;
	trie_store_step(trie, place->at, step);
	trie_retire_copied(trie, place->step);
	return 0;
}

/*
 * An entry that includes the whole node at *step is to be looked for above it, where it ends. Returns its reference, or
 * 0; *step leads to a copy of the node without it. -ENOSPC or -ENOMEM in *result.
 */
static __u32 take_whole(struct trie *trie, __u32 *step, int *result)
{
	const struct trie_node *node = trie_node(trie, *step);
	struct trie_key whole = {node->high, node->low, (__u8)node->depth};
	__u32 index = trie_find(trie, &whole), reference = TRIE_REFERENCE(index, whole.bits);

	if (!index)
		return 0;
	*result = trie->fd < 0 ? 0 : trie_copy_node(trie, step);
	if (!*result)
		change_covers(trie, *step, 0, 1u << TRIE_STEP_BITS(*step), reference, 0);
	return reference;
}

/* Makes the node that is to stand above another one, and has it lead there. */
static int build_above(struct trie *trie, const struct place *place, unsigned int depth, unsigned int bits, __u32 *step,
		       __u32 *moved)
{
	const struct trie_node *node = trie_node(trie, place->step);
	struct trie_key below = {node->high, node->low, (__u8)node->depth};
	__u32 number = trie_window(&below, depth) >> (32 - bits), whole = 0;
	int result = trie_build_node(trie, &below, depth, place->above, bits, false, step);

	*moved = place->step;
	if (!result && depth + bits == below.bits)
		whole = take_whole(trie, moved, &result);
	if (result)
		return result;
	*trie_child(trie, *step, number) = *moved;
	*trie_cover(trie, *step, number) = whole;
	return 0;
}

/* Puts a node with TRIE_BITS_MIN bits above one that skips bits; with fewer if less are skipped. */
static int link_above(struct trie *trie, const struct trie_item *item, const struct place *place)
{
	unsigned int end = trie_node(trie, place->step)->depth, bits;
	unsigned int depth = common_with(item, trie_node(trie, place->step));
	struct trie_item copy = *item;
	__u32 step, moved, leaf, number;
	int result;

	if (end - depth < TRIE_BITS_MIN)
		depth = end < place->above + TRIE_BITS_MIN ? place->above : end - TRIE_BITS_MIN;
	bits = end - depth < TRIE_BITS_MIN ? end - depth : TRIE_BITS_MIN;
	result = build_above(trie, place, depth, bits, &step, &moved);
	if (result)
		return result;
	number = trie_window(&item->key, depth) >> (32 - bits);
	if (item->key.bits <= depth + bits) {
		change_covers(trie, step, number, 1u << (depth + bits - item->key.bits), 0, item->reference);
	} else {
		result = trie_build_leaf(trie, &copy, 1, depth + bits, &leaf);
		if (result)
			return result;
		*trie_child(trie, step, number) = leaf;
	}
	trie_store_step(trie, place->at, step);
	if (moved != place->step)
		trie_retire_copied(trie, place->step);
	return 0;
}

static int link_at(struct trie *trie, const struct trie_item *item, enum where where, const struct place *place)
{
	switch (where) {
	case AT_LEAF:
		return link_in_leaf(trie, item, place);
	case AT_CELL:
		return link_in_cell(trie, item, place);
	case AT_COVER:
		return change_cover(trie, item, place, 0, item->reference);
	default:
		return link_above(trie, item, place);
	}
}

int trie_link(struct trie *trie, const struct trie_item *item)
{
	struct place place;
	enum where where = descend(trie, item, &place);
	int result = link_at(trie, item, where, &place);

	if (trie->recovering)
		trie_digest_lose(trie, &place.digest);
	else if (!result)
		trie_digest_add(trie, &place.digest, item);
	return result;
}

/* The longest entry with `low` bits or more that includes this one: a reference, 0: none. */
static __u32 next_longest(const struct trie *trie, const struct trie_item *item, unsigned int low)
{
	struct trie_key key = item->key;

	while (key.bits > low) {
		__u32 index;

		trie_mask(&key, key.bits - 1u);
		index = trie_find(trie, &key);
		if (index)
			return TRIE_REFERENCE(index, key.bits);
	}
	return 0;
}

static int unlink_at(struct trie *trie, const struct trie_item *item, enum where where, const struct place *place)
{
	unsigned int low;

	switch (where) {
	case AT_LEAF:
		return unlink_in_leaf(trie, item, place);
	case AT_CELL:
		unlink_in_cell(trie, item, place);
		return 0;
	case AT_COVER:
		low = place->above ? place->above + 1 : 0;
		return change_cover(trie, item, place, item->reference,
				    next_longest(trie, item, low > place->depth ? low : place->depth));
	default:
		return 0;
	}
}

int trie_unlink(struct trie *trie, const struct trie_item *item)
{
	struct place place;
	enum where where = descend(trie, item, &place);
	int result = unlink_at(trie, item, where, &place);

	if (trie->recovering)
		trie_digest_lose(trie, &place.digest);
	else if (!result)
		trie_digest_remove(trie, &place.digest, item);
	return result;
}
