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

/* The row of the entry with this index; 0: there is none. */
static __always_inline __u32 trie_entry_row(void *trie, const struct trie_header *header, __u32 index)
{
	__u32 shift = header->wide ? 1 : 2; /* two or four entries in a line */
	const char *line = trie_line(trie, header->entries + (index >> shift));

	if (!line)
		return 0;
	known(line);
	line += (index & ((1u << shift) - 1) & 3) << (6 - shift);
	return ((volatile const struct trie_entry *)line)->value;
}

/* Whether the address has the prefix of an IPv6 entry. */
static __always_inline bool trie_entry_matches(void *trie, const struct trie_header *header,
					       const struct trie_address *address, __u32 reference)
{
	const char *line = trie_line(trie, header->entries + TRIE_REFERENCE_INDEX(reference) / 2);
	const __u32 *word;

	if (!line)
		return false;
	known(line);
	word = ((const struct trie_entry *)(line + (reference & 1) * 32))->address;
	return !trie_differs(address->high ^ ((__u64)word[0] << 32 | word[1]),
			     address->low ^ ((__u64)word[2] << 32 | word[3]), TRIE_REFERENCE_BITS(reference));
}

/* The longest prefix of the address in a leaf that `depth` bits have led to: a reference, 0: none. */
static __always_inline __u32 trie_search_leaf(void *trie, const struct trie_header *header,
					      const struct trie_address *address, __u32 step, __u32 depth)
{
	__u32 place = TRIE_STEP_PLACE(step), left = 1u << TRIE_STEP_LEAF_CLASS(step);
	const struct trie_leaf *leaves = trie_line(trie, place / 8);
	__u32 window = trie_window(address, depth);

	if (!leaves)
		return 0;
	for (int i = 0; i < TRIE_LEAF_MAX && left; i++, left--, place++) {
		__u32 number = place, reference, bits;

		/* Else it becomes a pointer that the verifier sees leave the line. */
		asm volatile("" : "+r"(number));
		number &= TRIE_LEAF_MAX - 1;
		reference = leaves[number].reference;
		bits = TRIE_REFERENCE_BITS(reference) - depth;
		if (!reference)
			return 0;
		if ((__u64)(window ^ leaves[number].key) >> (bits < 32 ? 32 - bits : 0))
			continue;
		if (bits <= 32 || trie_entry_matches(trie, header, address, reference))
			return reference;
	}
	return 0;
}

/* The longest prefix of the address: a reference, 0: none. */
static __always_inline __u32 trie_search(void *trie, const struct trie_header *header,
					 const struct trie_address *address)
{
	__u32 step = *(volatile const __u32 *)&header->root, depth = 0, best = 0, found;

	for (int level = 0; level < TRIE_LEVELS && step & TRIE_NODE; level++) {
		__u32 line = TRIE_STEP_LINE(step), bits = TRIE_STEP_BITS(step), number;
		const struct trie_slot *slots;

		if (step & TRIE_SKIP) {
			const struct trie_node *node = trie_line(trie, line);

			if (!node)
				return best;
			depth = node->depth;
			if (trie_differs(address->high ^ node->high, address->low ^ node->low, depth))
				return best;
		}
		number = trie_window(address, depth) >> ((32 - bits) & 31);
		slots = trie_line(trie, line + 1 + number / 8);
		if (!slots)
			return best;
		slots += number & 7;
		found = *(volatile const __u32 *)&slots->cover;
		if (found)
			best = found;
		step = *(volatile const __u32 *)&slots->step;
		depth += bits;
	}
	if (!step || step & TRIE_NODE)
		return best;
	found = trie_search_leaf(trie, header, address, step, depth);
	return found ? found : best;
}

/* What the entry that `reference` means holds. */
static __always_inline const struct table_record *trie_record(void *trie, const struct trie_header *header,
							      __u32 reference)
{
	__u32 row = *(volatile const __u32 *)&header->row;

	if (!row)
		row = trie_entry_row(trie, header, TRIE_REFERENCE_INDEX(reference));
	return trie_line(trie, row);
}

#endif
