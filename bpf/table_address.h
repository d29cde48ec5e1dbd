/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Looks an address up in the trie of a table (include/ipfw/table_trie.h), while userland may be changing it.
 *
 * What costs is the cache lines that are touched: one for each node on the way, one for the leaf, and one each for the
 * entry and what it holds, unless all entries hold the same.
 */
#ifndef BPF_TABLE_ADDRESS_H
#define BPF_TABLE_ADDRESS_H

#include <linux/bpf.h>
#include <stdbool.h>
#include <bpf/bpf_helpers.h>

#include "ipfw/table_trie.h"
#include "maps/layout.h"

/* An address as the trie has it. */
struct trie_address {
	__u64 high, low;
};

/* The line of this number, NULL: beyond. */
static __always_inline const void *trie_line(void *trie, __u32 line)
{
	return bpf_map_lookup_elem(trie, &line);
}

/* The 32 bits of the address from bit `depth` on. */
static __always_inline __u32 trie_window(const struct trie_address *address, __u32 depth)
{
	__u64 word;

	if (depth >= 64)
		word = address->low << (depth & 63);
	else if (depth > 32)
		word = address->high << depth | address->low >> (64 - depth);
	else
		word = address->high << depth;
	return (__u32)(word >> 32);
}

/* Whether one of the first `bits` bits is set in `high' and `low'. */
static __always_inline bool trie_differs(__u64 high, __u64 low, __u32 bits)
{
	if (bits > 64)
		return high || low >> ((128 - bits) & 63);
	return bits && high >> ((64 - bits) & 63);
}

/* Keeps the compiler from adding to a line before it is known to be there, which the verifier refuses. */
#define known(line) asm volatile("" : "+r"(line))

/*
 * What is kept across calls of the kernel is kept on the stack, of which callers leave 64 bytes (kernel 6.1: 512 for
 * the whole chain of calls): hence words that hold two numbers, and a header that is looked up again.
 */
#define TRIE_HIGH(word) ((__u32)((word) >> 32))
#define TRIE_PAIR(high, low) ((__u64)(high) << 32 | (__u32)(low))

/* The entry with this index, NULL: there is none. */
static __always_inline const struct trie_entry *trie_entry(void *trie, __u32 index)
{
	const struct trie_header *header = trie_line(trie, 0);
	const char *line;
	__u32 shift;

	if (!header)
		return NULL;
	shift = header->wide ? 1 : 2; /* two or four entries in a line */
	line = trie_line(trie, header->entries + (index >> shift));
	if (!line)
		return NULL;
	known(line);
	return (const void *)(line + ((index & ((1u << shift) - 1) & 3) << (6 - shift)));
}

/* Whether the address has the prefix of an IPv6 entry. */
static __always_inline bool trie_entry_matches(void *trie, const struct trie_address *address, __u32 reference)
{
	const struct trie_header *header = trie_line(trie, 0);
	const char *line;
	const __u32 *word;

	if (!header)
		return false;
	line = trie_line(trie, header->entries + TRIE_REFERENCE_INDEX(reference) / 2);
	if (!line)
		return false;
	known(line);
	word = ((const struct trie_entry *)(line + (reference & 1) * 32))->address;
	return !trie_differs(address->high ^ ((__u64)word[0] << 32 | word[1]),
			     address->low ^ ((__u64)word[2] << 32 | word[3]), TRIE_REFERENCE_BITS(reference));
}

/*
 * The longest prefix of the address among those entries of a line whose bits are set in `which', below `depth` bits: a
 * reference, 0: none. In a cell they may change one by one.
 */
static __always_inline __u32 trie_search_line(void *trie, const struct trie_address *address,
					      const struct trie_leaf *entries, __u32 which, __u32 depth)
{
	__u64 state = which << 8 | depth; /* the best one, `which', `depth' */

#pragma unroll
	for (int i = 0; i < TRIE_LEAF_MAX; i++) {
		struct trie_leaf entry;
		__u64 word;
		__u32 bits;

		asm volatile("" : "+r"(state));
		if (!(state & 256u << i))
			continue;
		word = *(volatile const __u64 *)(entries + i);
		__builtin_memcpy(&entry, &word, sizeof(entry));
		if (!entry.reference || TRIE_REFERENCE_BITS(TRIE_HIGH(state)) > TRIE_REFERENCE_BITS(entry.reference))
			continue;
		bits = TRIE_REFERENCE_BITS(entry.reference) - (state & 255);
		if ((__u64)(trie_window(address, state & 255) ^ entry.key) >> (bits < 32 ? 32 - bits : 0))
			continue;
		if (bits <= 32 || trie_entry_matches(trie, address, entry.reference))
			state = TRIE_PAIR(entry.reference, state);
	}
	return TRIE_HIGH(state);
}

#define TRIE_LINE_WORDS (TRIE_LINE / (__u32)sizeof(__u32))

/* The cover of a cell, the word `place` of the map: a reference, 0: none. */
static __always_inline __u32 trie_cell_cover(void *trie, __u32 place)
{
	volatile const __u32 *line = trie_line(trie, place / TRIE_LINE_WORDS);

	if (!line)
		return 0;
	known(line);
	return line[place & (TRIE_LINE_WORDS - 1)];
}

/* Which places of its line a leaf has: a bit for each. */
static __always_inline __u32 trie_leaf_places(__u32 step)
{
	return ((1u << (1u << TRIE_STEP_LEAF_CLASS(step))) - 1) << (TRIE_STEP_PLACE(step) & 7);
}

/* The longest prefix of the address: a reference, 0: none. */
static __always_inline __u32 trie_search(void *trie, const struct trie_address *address)
{
	const struct trie_header *header = trie_line(trie, 0);
	const struct trie_cell *cell = NULL;
	const struct trie_leaf *entries;
	__u32 which = 0xfe; /* a cell's */
	__u64 at;	    /* step, depth */
	__u64 found = 0;    /* the longest prefix so far, place of the cell's cover */
	__u32 reference;

	if (!header)
		return 0;
	at = TRIE_PAIR(*(volatile const __u32 *)&header->root, 0);
	for (int level = 0; level < TRIE_LEVELS && (__s64)at < 0; level++) {
		__u32 step = TRIE_HIGH(at), number = 0;

		_Static_assert(TRIE_NODE == 1u << 31, "the sign of `at' tells nodes");
		if (step & (TRIE_SKIP | TRIE_CELLS)) {
			const struct trie_node *node = trie_line(trie, TRIE_STEP_LINE(step));

			if (!node)
				return TRIE_HIGH(found);
			if (step & TRIE_SKIP) {
				at = TRIE_PAIR(step, node->depth);
				if (trie_differs(address->high ^ node->high, address->low ^ node->low, node->depth))
					return TRIE_HIGH(found);
			}
			found = TRIE_PAIR(TRIE_HIGH(found), *(volatile const __u32 *)&node->covers * TRIE_LINE_WORDS);
			number = node->cells;
		}
		if (step & TRIE_CELLS) {
			__u32 chosen = trie_window(address, (__u32)at) >> ((32 - TRIE_STEP_BITS(step)) & 31);

			found += chosen;
			cell = trie_line(trie, number + chosen);
			if (!cell)
				return TRIE_HIGH(found);
			at = TRIE_PAIR(*(volatile const __u32 *)&cell->step, (__u32)at + TRIE_STEP_BITS(step));
			/* What the cell itself has is searched below: the verifier follows this loop often enough. */
			if (!TRIE_HIGH(at))
				break;
			cell = NULL;
			reference = trie_cell_cover(trie, (__u32)found);
		} else {
			const struct trie_slot *slots;

			number = trie_window(address, (__u32)at) >> ((32 - TRIE_STEP_BITS(step)) & 31);
			slots = trie_line(trie, TRIE_STEP_LINE(step) + 1 + number / 8);
			if (!slots)
				return TRIE_HIGH(found);
			slots += number & 7;
			reference = *(volatile const __u32 *)&slots->cover;
			at = TRIE_PAIR(*(volatile const __u32 *)&slots->step, (__u32)at + TRIE_STEP_BITS(step));
		}
		if (reference)
			found = TRIE_PAIR(reference, 0);
	}
	entries = (const void *)cell;
	if (!cell) {
		if ((__s64)at < 0 || !TRIE_HIGH(at))
			return TRIE_HIGH(found);
		entries = trie_line(trie, TRIE_STEP_PLACE(TRIE_HIGH(at)) / 8);
		which = trie_leaf_places(TRIE_HIGH(at));
		found = TRIE_PAIR(TRIE_HIGH(found), 0);
	}
	if (!entries)
		return TRIE_HIGH(found);
	reference = trie_search_line(trie, address, entries, which, (__u32)at);
	if (!reference && (__u32)found)
		reference = trie_cell_cover(trie, (__u32)found);
	return reference ? reference : TRIE_HIGH(found);
}

/* What the entry that `reference` means holds. */
static __always_inline const struct table_record *trie_record(void *trie, __u32 reference)
{
	const struct trie_header *header = trie_line(trie, 0);
	const struct trie_entry *entry;
	__u32 row;

	if (!header)
		return NULL;
	row = *(volatile const __u32 *)&header->row;
	if (!row) {
		entry = trie_entry(trie, TRIE_REFERENCE_INDEX(reference));
		if (!entry)
			return NULL;
		row = *(volatile const __u32 *)&entry->value;
	}
	return trie_line(trie, row);
}

#endif
