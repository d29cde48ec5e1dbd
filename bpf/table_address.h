/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Looks an address up in the trie of a table (include/ipfw/table_trie.h), while userland may be changing it.
 *
 * What costs is the cache lines that are touched: one for each node on the way, one for the leaf, one for the entry
 * unless all hold the same, and one more if it holds several numbers.
 */
#ifndef BPF_TABLE_ADDRESS_H
#define BPF_TABLE_ADDRESS_H

#include "bpf/table_cell.h"
#include "maps/layout.h"

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
static __always_inline __u32 trie_search_steps(void *trie, const struct trie_address *address, __u32 root, bool wide)
{
	const struct trie_cell *cell = NULL;
	const struct trie_leaf *entries;
	__u32 which = 0xfe;	       /* a cell's */
	__u64 at = TRIE_PAIR(root, 0); /* step, depth */
	__u64 found = 0;	       /* the longest prefix so far, place of the cell's cover */
	__u32 reference;

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
			number = node->cells;
		}
		if (step & TRIE_CELLS) {
			__u32 chosen = trie_window(address, (__u32)at, wide) >> ((32 - TRIE_STEP_BITS(step)) & 31);

			found = TRIE_PAIR(TRIE_HIGH(found), TRIE_COVER(step, chosen));
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

			number = trie_window(address, (__u32)at, wide) >> ((32 - TRIE_STEP_BITS(step)) & 31);
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
	if (wide && cell)
		reference = trie_try_wide_cell(trie, address, (const void *)cell, (__u32)at);
	else
		reference = trie_search_line(trie, address, entries, which, (__u32)at, wide);
	if (!reference && (__u32)found)
		reference = trie_cell_cover(trie, (__u32)found);
	return reference ? reference : TRIE_HIGH(found);
}

/* Whether a digest knows an entry: TRIE_SOME, 0: there is none, TRIE_AGAIN: the cell knows. */
static __always_inline __u32 trie_ask_digest(void *trie, __u32 line, __u32 number, __u32 window)
{
	const char *digests = trie_line(trie, line);
	const struct trie_digest *digest;

	if (!digests)
		return 0;
	known(digests);
	digest = (const void *)(digests + number % TRIE_DIGESTS * sizeof(*digest));
	if (*(volatile const __u16 *)&digest->missing)
		return TRIE_AGAIN;
	return trie_digest_has(digest, window >> 16) ? TRIE_SOME : 0;
}

/* The longest prefix below `bits` bits that a cell has: a reference, 0: none, TRIE_AGAIN: there is more below it. */
static __always_inline __u32 trie_ask_cell(void *trie, const struct trie_address *address, __u32 line, __u32 bits)
{
	const struct trie_cell *cell = trie_line(trie, line);

	if (!cell)
		return 0;
	if (*(volatile const __u32 *)&cell->step)
		return TRIE_AGAIN;
	return trie_search_line(trie, address, (const void *)cell, 0xfe, bits, false);
}

/* Likewise that a root has that has cells and skips nothing, for IPv4. `plain`: any reference may be TRIE_SOME. */
static __always_inline __u32 trie_ask_root(void *trie, struct trie_address *address, const struct trie_root *root,
					   bool plain)
{
	__u32 bits = TRIE_STEP_BITS(root->step), number = (__u32)(address->high >> ((64 - bits) & 63));
	__u32 reference = TRIE_AGAIN;

	address->cover = TRIE_COVER(root->step, number);
	if (plain && bits >= TRIE_DIGEST_BITS) {
		__u32 choice = TRIE_DIGEST_CHOICE(bits), digest = number >> (bits - choice);

		reference = trie_ask_digest(trie, root->cells + TRIE_DIGEST_LINE(bits, digest), digest,
					    trie_window(address, choice, false));
	}
	if (reference == TRIE_AGAIN)
		reference = trie_ask_cell(trie, address, root->cells + number, bits);
	return reference ? reference : trie_cell_cover(trie, address->cover);
}

/* Likewise for IPv6, that a root has that has cells. */
static __always_inline __u32 trie_ask_wide_root(void *trie, struct trie_address *address, __u32 step, bool plain)
{
	const struct trie_node *node = trie_line(trie, TRIE_STEP_LINE(step));
	__u32 bits = TRIE_STEP_BITS(step), depth, number, reference;
	const struct trie_wide_cell *cell;

	if (!node || trie_differs(address->high ^ node->high, address->low ^ node->low, node->depth))
		return 0;
	depth = node->depth;
	number = trie_window(address, depth, true) >> ((32 - bits) & 31);
	address->cover = TRIE_COVER(step, number);
	cell = trie_line(trie, node->cells + number);
	if (!cell)
		return 0;
	if (*(volatile const __u32 *)&cell->step)
		return TRIE_AGAIN;
	reference = trie_ask_wide_cell(address, cell, depth + bits, plain);
	return reference ? reference : trie_cell_cover(trie, address->cover);
}

/* The longest prefix of the address, IPv6 if `wide`: a reference, 0: none. `plain`: any reference may be TRIE_SOME. */
static __always_inline __u32 trie_search(void *trie, struct trie_address *address, bool wide, bool plain)
{
	const struct trie_header *header = trie_line(trie, 0);
	struct trie_root root;
	__u32 reference;
	__u64 word;

	if (!header)
		return 0;
	address->entries = header->entries;
	word = *(volatile const __u64 *)&header->root;
	__builtin_memcpy(&root, &word, sizeof(root));
	if (wide ? (root.step & TRIE_NODE) && (root.step & TRIE_CELLS) : root.cells) {
		reference = wide ? trie_ask_wide_root(trie, address, root.step, plain)
				 : trie_ask_root(trie, address, &root, plain);
		if (reference != TRIE_AGAIN)
			return reference;
		header = trie_line(trie, 0);
		if (!header)
			return 0;
		root.step = *(volatile const __u32 *)&header->root.step;
	}
	return trie_search_steps(trie, address, root.step, wide);
}

/* What the entry that `reference` means holds: a struct trie_held, 0: there is none. */
static __always_inline __u64 trie_held(void *trie, __u32 reference)
{
	const struct trie_header *header = trie_line(trie, 0);
	const struct trie_entry *entry;
	__u64 held;

	if (!header)
		return 0;
	held = *(volatile const __u64 *)&header->held;
	if (held)
		return held;
	entry = trie_entry(trie, TRIE_REFERENCE_INDEX(reference));
	return entry ? *(volatile const __u64 *)&entry->held : 0;
}

/* The record of what is held, NULL: it is a number. */
static __always_inline const struct table_record *trie_record(void *trie, __u64 held)
{
	return TRIE_HELD_FORM(held) == TRIE_HOLDS_ROW ? trie_line(trie, (__u32)held) : NULL;
}

/* Of what is held, with its record, the number of a kind, which is at least 1 and less than TABLE_NUMBERS. */
static __always_inline __u32 trie_number(const struct table_record *record, __u64 held, __u32 kind)
{
	if (record)
		return record->number[kind];
	return TRIE_HELD_FORM(held) == TRIE_HOLDS_ALL || TRIE_HELD_FORM(held) == kind ? (__u32)held : 0;
}

#endif
