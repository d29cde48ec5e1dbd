/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Single entries into the tree of a trie and out of it: whatever it takes is written aside, the last store is the one
 * that packets see.
 */
#include <errno.h>
#include <string.h>

#include "maps/table_trie_parts.h"

/* Where an entry belongs: at a leaf, in the slots of a node, or above a node whose skipped bits it does not share. */
struct place {
	size_t at;	    /* offset in memory of the step that leads there */
	__u32 step;	    /* its value */
	unsigned int above; /* bits that lead to it */
	unsigned int depth; /* bits in front of those of the node's that choose a slot */
};

static const struct trie_node *node_of(const struct trie *trie, __u32 step)
{
	return trie_line(trie, TRIE_STEP_LINE(step));
}

/* The bits that the address has in common with those that the node skips. */
static unsigned int common_with(const struct trie_item *item, const struct trie_node *node)
{
	unsigned int common = trie_common(item->key.high, item->key.low, node->high, node->low);

	if (common > item->key.bits)
		common = item->key.bits;
	return common < node->depth ? common : node->depth;
}

/* Goes where the entry belongs. Returns whether that is in the slots of a node or at a leaf. */
static bool descend(const struct trie *trie, const struct trie_item *item, struct place *place)
{
	*place = (struct place){.at = offsetof(struct trie_header, root)};
	for (;;) {
		unsigned int bits;

		place->step = *trie_word(trie, place->at);
		if (!(place->step & TRIE_NODE))
			return true;
		place->depth = place->above;
		bits = TRIE_STEP_BITS(place->step);
		if (place->step & TRIE_SKIP) {
			place->depth = node_of(trie, place->step)->depth;
			if (common_with(item, node_of(trie, place->step)) < place->depth)
				return false;
		}
		if (item->key.bits <= place->depth + bits)
			return true;
		place->at = (size_t)((char *)(trie_slots(trie, place->step) +
					      (trie_window(&item->key, place->depth) >> (32 - bits))) -
				     trie->memory) +
			    offsetof(struct trie_slot, step);
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
	trie_store(trie_word(trie, place->at), step);
	retire_leaf(trie, place->step);
	return 0;
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
	trie_store(trie_word(trie, place->at), step);
	retire_leaf(trie, place->step);
	return 0;
}

/* What becomes of the slots that an entry includes. */
static void link_in_slot(struct trie_slot *slot, __u32 reference)
{
	if (!slot->cover || TRIE_REFERENCE_BITS(slot->cover) < TRIE_REFERENCE_BITS(reference))
		trie_store(&slot->cover, reference);
}

/* Has those slots that `from` included before lead to `to`, or (`from` 0) to `to` where that is longer. */
static void change_slots(struct trie_slot *slots, __u32 count, __u32 from, __u32 to)
{
	for (__u32 i = 0; i < count; i++) {
		if (!from)
			link_in_slot(slots + i, to);
		else if (slots[i].cover == from)
			trie_store(&slots[i].cover, to);
	}
}

/*
 * Makes a copy of the node at *step in which that is done to `count` slots from `first` on; *step leads to it. In an
 * image the node itself is changed.
 */
static int change_copy(struct trie *trie, __u32 *step, __u32 first, __u32 count, __u32 from, __u32 to)
{
	unsigned int bits = TRIE_STEP_BITS(*step);
	__u32 line = TRIE_STEP_LINE(*step), lines = trie_node_lines(bits);
	int result = trie->fd < 0 ? 0 : trie_allocate(trie, TRIE_CLASS_NODE + bits, &line);

	if (result)
		return result;
	if (trie->fd >= 0)
		memcpy(trie_lines(trie, line, lines), trie_lines(trie, TRIE_STEP_LINE(*step), lines),
		       (size_t)lines * TRIE_LINE);
	*step = TRIE_NODE_STEP(line, bits, *step & TRIE_SKIP);
	change_slots(trie_slots(trie, *step) + first, count, from, to);
	return 0;
}

static void retire_node(struct trie *trie, __u32 step)
{
	trie_retire(trie, TRIE_CLASS_NODE + TRIE_STEP_BITS(step), TRIE_STEP_LINE(step));
}

/* Does that in the slots of the entry; if they are several, in a copy of the node, which takes its place. */
static int change_cover(struct trie *trie, const struct trie_item *item, const struct place *place, __u32 from,
			__u32 to)
{
	unsigned int bits = TRIE_STEP_BITS(place->step);
	__u32 first = trie_window(&item->key, place->depth) >> (32 - bits), step = place->step;
	__u32 count = 1u << (place->depth + bits - item->key.bits);
	int result;

	if (count == 1) {
		change_slots(trie_slots(trie, step) + first, count, from, to);
		return 0;
	}
	result = change_copy(trie, &step, first, count, from, to);
	if (result || step == place->step)
		return result;
	trie_store(trie_word(trie, place->at), step);
	retire_node(trie, place->step);
	return 0;
}

/*
 * Has the slot lead to the node at *step, which skips bits no more than up to there. An entry that includes the whole
 * node goes into the slot instead: entries are looked for where they end, and then the node has to be copied.
 */
static int hang_below(struct trie *trie, size_t slot_at, __u32 *step)
{
	const struct trie_node *node = node_of(trie, *step);
	struct trie_key whole = {node->high, node->low, (__u8)node->depth};
	__u32 index = trie_find(trie, &whole), reference = index ? TRIE_REFERENCE(index, whole.bits) : 0;
	struct trie_slot *slot;
	int result = 0;

	if (index)
		result = change_copy(trie, step, 0, 1u << TRIE_STEP_BITS(*step), reference, 0);
	if (result)
		return result;
	slot = (struct trie_slot *)trie_word(trie, slot_at);
	slot->step = *step;
	slot->cover = reference;
	return 0;
}

/* Puts a node with TRIE_BITS_MIN bits above one that skips bits; with fewer if less are skipped. */
static int link_above(struct trie *trie, const struct trie_item *item, const struct place *place)
{
	const struct trie_node *node = node_of(trie, place->step);
	struct trie_key below = {node->high, node->low, (__u8)node->depth};
	unsigned int common = common_with(item, node), depth = common, bits, end = node->depth;
	__u32 step, leaf = 0, moved = place->step, number;
	struct trie_slot *slots;
	int result;

	if (end - depth < TRIE_BITS_MIN)
		depth = end < place->above + TRIE_BITS_MIN ? place->above : end - TRIE_BITS_MIN;
	bits = end - depth < TRIE_BITS_MIN ? end - depth : TRIE_BITS_MIN;
	result = trie_build_node(trie, &below, depth, place->above, bits, &step);
	if (!result && item->key.bits > depth + bits) {
		struct trie_item copy = *item;

		result = trie_build_leaf(trie, &copy, 1, depth + bits, &leaf);
	}
	if (result)
		return result;
	number = trie_window(&below, depth) >> (32 - bits);
	trie_slots(trie, step)[number].step = moved;
	if (depth + bits == end)
		result = hang_below(trie, (size_t)((char *)(trie_slots(trie, step) + number) - trie->memory), &moved);
	if (result)
		return result;
	slots = trie_slots(trie, step) + (trie_window(&item->key, depth) >> (32 - bits));
	if (leaf)
		slots->step = leaf;
	else
		change_slots(slots, 1u << (depth + bits - item->key.bits), 0, item->reference);
	trie_store(trie_word(trie, place->at), step);
	if (moved != place->step)
		retire_node(trie, place->step);
	return 0;
}

int trie_link(struct trie *trie, const struct trie_item *item)
{
	struct place place;

	if (!descend(trie, item, &place))
		return link_above(trie, item, &place);
	if (!(place.step & TRIE_NODE))
		return link_in_leaf(trie, item, &place);
	return change_cover(trie, item, &place, 0, item->reference);
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

int trie_unlink(struct trie *trie, const struct trie_item *item)
{
	unsigned int low;
	struct place place;

	if (!descend(trie, item, &place))
		return 0;
	if (!(place.step & TRIE_NODE))
		return unlink_in_leaf(trie, item, &place);
	low = place.above ? place.above + 1 : 0;
	return change_cover(trie, item, &place, item->reference,
			    next_longest(trie, item, low > place.depth ? low : place.depth));
}
