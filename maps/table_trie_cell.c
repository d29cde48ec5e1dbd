/* SPDX-License-Identifier: GPL-2.0-only */
/* Cells (include/ipfw/table_trie.h): those of IPv4 and those of IPv6. */
#include <string.h>

#include "maps/table_trie_parts.h"

static struct trie_cell *narrow_cell(const struct trie *trie, size_t at)
{
	return (void *)trie_word(trie, at);
}

static struct trie_wide_cell *wide_cell(const struct trie *trie, size_t at)
{
	return (void *)trie_word(trie, at);
}

unsigned int trie_cell_max(const struct trie *trie)
{
	return trie_header(trie)->wide ? TRIE_WIDE_CELL_MAX : TRIE_CELL_MAX;
}

/* In one store. */
static void store_narrow(struct trie_leaf *place, struct trie_leaf entry)
{
	__u64 word;

	_Static_assert(sizeof(entry) == sizeof(word), "an entry is a word");
	memcpy(&word, &entry, sizeof(word));
	__atomic_store_n((__u64 *)(void *)place, word, __ATOMIC_RELEASE);
}

/* The key of an entry of IPv6 below `depth` bits. */
static __u64 wide_key(const struct trie_item *item, unsigned int depth)
{
	__u64 window = (__u64)trie_window(&item->key, depth) << 32 | trie_window(&item->key, depth + 32);
	unsigned int bits = item->key.bits - depth;

	if (bits > TRIE_WIDE_CELL_BITS)
		bits = TRIE_WIDE_CELL_BITS;
	return (window & ~0ull << (64 - bits)) | 1ull << (TRIE_WIDE_CELL_BITS - bits);
}

__u32 trie_cell_reference(const struct trie *trie, size_t at, unsigned int number)
{
	const struct trie_wide_cell *cell;

	if (!trie_header(trie)->wide)
		return narrow_cell(trie, at)->entries[number].reference;
	cell = wide_cell(trie, at);
	return cell->keys[number] ? cell->references[number] : 0;
}

void trie_cell_write(const struct trie *trie, size_t at, unsigned int number, const struct trie_item *item,
		     unsigned int depth)
{
	struct trie_wide_cell *cell;

	if (!trie_header(trie)->wide) {
		store_narrow(narrow_cell(trie, at)->entries + number, trie_leaf_entry(item, depth));
		return;
	}
	cell = wide_cell(trie, at);
	__atomic_store_n(cell->references + number, item->reference, __ATOMIC_RELEASE);
	__atomic_store_n(cell->keys + number, wide_key(item, depth), __ATOMIC_RELEASE);
}

void trie_cell_clear(const struct trie *trie, size_t at, unsigned int number)
{
	if (!trie_header(trie)->wide)
		store_narrow(narrow_cell(trie, at)->entries + number, (struct trie_leaf){0});
	else
		__atomic_store_n(wide_cell(trie, at)->keys + number, 0, __ATOMIC_SEQ_CST);
}
