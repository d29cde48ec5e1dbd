/* SPDX-License-Identifier: GPL-2.0-only */
/* What single lines of a trie (include/ipfw/table_trie.h) say about an address: leaves, cells, digests. */
#ifndef BPF_TABLE_CELL_H
#define BPF_TABLE_CELL_H

#include <linux/bpf.h>
#include <stdbool.h>
#include <bpf/bpf_helpers.h>

#include "ipfw/table_trie.h"

/* An address as the trie has it, and what a search notes beside it. */
struct trie_address {
	__u64 high, low;
	__u32 entries; /* line where the entries of the trie begin */
	__u32 cover;   /* place of the cover of the cell that is asked */
};

/* The line of this number, NULL: beyond. */
static __always_inline const void *trie_line(void *trie, __u32 line)
{
	return bpf_map_lookup_elem(trie, &line);
}

/* The 32 bits of the address from bit `depth` on. */
static __always_inline __u32 trie_window(const struct trie_address *address, __u32 depth, bool wide)
{
	__u64 word;

	if (!wide)
		word = address->high << (depth & 63);
	else if (depth >= 64)
		word = address->low << (depth & 63);
	else if (depth > 32)
		word = address->high << depth | address->low >> (64 - depth);
	else
		word = address->high << depth;
	return (__u32)(word >> 32);
}

/* The 64 bits of an IPv6 address from bit `depth` on, which is not the first. */
static __always_inline __u64 trie_wide_window(const struct trie_address *address, __u32 depth)
{
	if (depth >= 64)
		return address->low << (depth & 63);
	return address->high << (depth & 63) | address->low >> ((64 - depth) & 63);
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

/* Whether the address has the prefix of an IPv6 entry. */
static __always_inline bool trie_entry_matches(void *trie, const struct trie_address *address, __u32 reference)
{
	const char *line = trie_line(trie, address->entries + TRIE_REFERENCE_INDEX(reference) / 2);
	const __u32 *word;

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
					      const struct trie_leaf *entries, __u32 which, __u32 depth, bool wide)
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
		if ((__u64)(trie_window(address, state & 255, wide) ^ entry.key) >> (bits < 32 ? 32 - bits : 0))
			continue;
		if (!wide || bits <= 32 || trie_entry_matches(trie, address, entry.reference))
			state = TRIE_PAIR(entry.reference, state);
	}
	return TRIE_HIGH(state);
}

/* All bits of a number set if it is negative, else none. Keeps the compiler from making a jump of it. */
static __always_inline __u64 trie_negative(__u64 number)
{
	__u64 bits = (__u64)((__s64)number >> 63);

	asm volatile("" : "+r"(bits));
	return bits;
}

/* Of a cell of IPv6, an entry that includes the window as far as its key tells: a reference, 0: it does not. */
static __always_inline __u64 trie_wide_entry(const struct trie_wide_cell *cell, int number, __u64 window)
{
	__u64 key = *(volatile const __u64 *)(cell->keys + number);
	__u64 reference = *(volatile const __u32 *)(cell->references + number);
	__u64 differs = (window ^ key) & ~(key ^ (key - 1));

	/* Negative: there is a key, and nothing differs. */
	return reference & trie_negative((key | -key) & ~(differs | -differs));
}

/* The longest of them, without a jump, as in trie_digest_has(). */
static __always_inline __u64 trie_pick(const struct trie_wide_cell *cell, __u64 window)
{
	__u64 best = 0;

#pragma unroll
	for (int i = 0; i < TRIE_WIDE_CELL_MAX; i++) {
		__u64 candidate = trie_wide_entry(cell, i, window);

		/* The length of the prefix is in the upper bits. */
		asm volatile("" : "+r"(best), "+r"(candidate));
		best ^= (best ^ candidate) & trie_negative(best - candidate);
	}
	return best;
}

/* The longest prefix of the address in a cell of IPv6 below `depth` bits, one entry after the other. */
static __always_inline __u32 trie_try_wide_cell(void *trie, const struct trie_address *address,
						const struct trie_wide_cell *cell, __u32 depth)
{
	__u64 state = depth; /* the best one, `depth' */

#pragma unroll
	for (int i = 0; i < TRIE_WIDE_CELL_MAX; i++) {
		__u64 window, reference;

		asm volatile("" : "+r"(state));
		window = trie_wide_window(address, (__u32)state);
		reference = trie_wide_entry(cell, i, window);
		if (reference <= TRIE_HIGH(state) || trie_wide_entry(cell, i, window) != reference)
			continue;
		if (TRIE_REFERENCE_BITS((__u32)reference) < (__u32)state + TRIE_WIDE_CELL_BITS ||
		    trie_entry_matches(trie, address, (__u32)reference))
			state = TRIE_PAIR(reference, state);
	}
	return TRIE_HIGH(state);
}

#define TRIE_AGAIN 0xffffffffu /* what no reference is */

/* Likewise if that can be told by the cell alone, else TRIE_AGAIN. `plain`: any reference may be another one. */
static __always_inline __u32 trie_ask_wide_cell(const struct trie_address *address, const struct trie_wide_cell *cell,
						__u32 depth, bool plain)
{
	__u64 window = trie_wide_window(address, depth), best = trie_pick(cell, window);

	if (TRIE_REFERENCE_BITS((__u32)best) >= depth + TRIE_WIDE_CELL_BITS)
		return TRIE_AGAIN;
	return plain || trie_pick(cell, window) == best ? (__u32)best : TRIE_AGAIN;
}

/*
 * Whether an entry of the digest includes the bits behind those that have chosen it, the first 16 of them in `window`.
 * Which one it is nobody can predict, and a jump that was predicted wrongly costs more than all of this: hence none.
 */
static __always_inline bool trie_digest_has(const struct trie_digest *digest, __u64 window)
{
	__u64 none = ~0ull; /* negative until one is found */

#pragma unroll
	for (int i = 0; i < TRIE_DIGEST_MAX; i++) {
		__u64 entry = *(volatile const __u16 *)(digest->entries + i);

		/*
		 * The last bit that is set is the one behind the prefix: up to there all may differ. Where there is no
		 * entry, this is -1 less something.
		 */
		none &= (entry ^ (entry - 1)) - (window ^ entry);
		asm volatile("" : "+r"(none));
	}
	return (__s64)none >= 0;
}

#endif
