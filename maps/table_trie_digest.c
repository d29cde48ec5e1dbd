/* SPDX-License-Identifier: GPL-2.0-only */
/* Digests of cells (include/ipfw/table_trie.h). */
#include "maps/table_trie_parts.h"

struct trie_digest_place trie_digest_of(const struct trie *trie, const struct trie_item *item, __u32 step,
					unsigned int depth)
{
	unsigned int bits = TRIE_STEP_BITS(step), choice = TRIE_DIGEST_CHOICE(bits);
	__u32 number, line;

	if (!(step & TRIE_CELLS) || !trie_has_digests(trie, bits) || item->key.bits <= depth + bits)
		return (struct trie_digest_place){0};
	number = trie_window(&item->key, depth) >> (32 - choice);
	line = trie_node(trie, step)->cells + TRIE_DIGEST_LINE(bits, number);
	return (struct trie_digest_place){(size_t)line * TRIE_LINE + number % TRIE_DIGESTS * sizeof(struct trie_digest),
					  depth + choice};
}

static struct trie_digest *digest_at(const struct trie *trie, const struct trie_digest_place *place)
{
	return (void *)trie_word(trie, place->at);
}

static __u16 entry_of(const struct trie_item *item, unsigned int depth)
{
	return (__u16)(trie_window(&item->key, depth) >> 16 | 1u << (15 - (item->key.bits - depth)));
}

/* Where an entry is, NULL: nowhere. 0: where there is room. */
static __u16 *find(struct trie_digest *digest, __u16 entry)
{
	for (int i = 0; i < TRIE_DIGEST_MAX; i++)
		if (digest->entries[i] == entry)
			return digest->entries + i;
	return NULL;
}

static void store(__u16 *place, __u16 value)
{
	__atomic_store_n(place, value, __ATOMIC_SEQ_CST);
}

void trie_digest_add(const struct trie *trie, const struct trie_digest_place *place, const struct trie_item *item)
{
	struct trie_digest *digest;
	__u16 *room;

	if (!place->at)
		return;
	digest = digest_at(trie, place);
	room = find(digest, 0);
	if (room)
		store(room, entry_of(item, place->depth));
	else if (digest->missing != TRIE_DIGEST_LOST)
		store(&digest->missing, digest->missing + 1);
}

void trie_digest_remove(const struct trie *trie, const struct trie_digest_place *place, const struct trie_item *item)
{
	struct trie_digest *digest;
	__u16 *known;

	if (!place->at)
		return;
	digest = digest_at(trie, place);
	known = find(digest, entry_of(item, place->depth));
	if (known)
		store(known, 0);
	else if (digest->missing && digest->missing != TRIE_DIGEST_LOST)
		store(&digest->missing, digest->missing - 1);
}

void trie_digest_lose(const struct trie *trie, const struct trie_digest_place *place)
{
	if (place->at)
		store(&digest_at(trie, place)->missing, TRIE_DIGEST_LOST);
}
