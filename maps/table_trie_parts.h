/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of the trie (maps/table_trie.h) share. */
#ifndef MAPS_TABLE_TRIE_PARTS_H
#define MAPS_TABLE_TRIE_PARTS_H

#include "maps/table_trie.h"

/* An entry on its way into the tree. */
struct trie_item {
	struct trie_key key;
	__u32 reference;
};

/*
 * A map of a million entries takes the kernel milliseconds to map as a whole, so it is mapped chunk by chunk as lines
 * are touched. This maps the chunks of these lines, or, without address space, kills the process.
 */
#define TRIE_CHUNK_LINES 4096
void trie_touch(const struct trie *trie, size_t line, size_t count);

/*
 * The first byte of so many lines, of which each has to be got this way. Images move when they grow: get lines again
 * behind trie_allocate().
 */
static inline void *trie_lines(const struct trie *trie, size_t line, size_t count)
{
	if (trie->mapped)
		trie_touch(trie, line, count);
	return trie->memory + line * TRIE_LINE;
}

static inline void *trie_line(const struct trie *trie, __u32 line)
{
	return trie_lines(trie, line, 1);
}

static inline struct trie_entry *trie_entry(const struct trie *trie, __u32 index)
{
	const struct trie_header *header = trie_header(trie);

	size_t offset = (size_t)index << TRIE_ENTRY_SHIFT(header->wide);

	return (struct trie_entry *)((char *)trie_lines(trie, header->entries + offset / TRIE_LINE, 1) +
				     offset % TRIE_LINE);
}

/* The word at this byte of the memory. */
static inline __u32 *trie_word(const struct trie *trie, size_t offset)
{
	return (__u32 *)((char *)trie_lines(trie, offset / TRIE_LINE, 1) + offset % TRIE_LINE);
}

/* Lets packets see a word, and all that was written before it. */
static inline void trie_store(__u32 *word, __u32 value)
{
	__atomic_store_n(word, value, __ATOMIC_RELEASE);
}

static inline unsigned int trie_width(const struct trie *trie)
{
	return trie_header(trie)->wide ? 128 : 32;
}

/* Whether the cells of nodes of so many bits have digests. */
static inline bool trie_has_digests(const struct trie *trie, unsigned int bits)
{
	return !trie_header(trie)->wide && bits >= TRIE_DIGEST_BITS;
}

/* The 32 bits from bit `depth` on. */
__u32 trie_window(const struct trie_key *key, unsigned int depth);

/* The number of bits, from the first on, that two addresses have in common: up to 128. */
unsigned int trie_common(__u64 high, __u64 low, __u64 other_high, __u64 other_low);

/* The address with all bits but the first `bits` 0. */
void trie_mask(struct trie_key *key, unsigned int bits);

/* Notes an entry under an index of its own, in an image without a tree. Returns 0 or -ENOMEM. */
int trie_place(struct trie *image, __u32 index, const struct trie_key *key, const struct table_record *record);

/* What there is to know of the entry with this index. */
void trie_item(const struct trie *trie, __u32 index, struct trie_item *item);

/* Lines of a class from TRIE_CLASS_LINE on. */
size_t trie_class_lines(const struct trie *trie, unsigned int class);

/*
 * Takes room of a class from the heap (or an index for an entry) and writes to *place where; what is there is of no
 * meaning. Returns 0, -ENOSPC or -ENOMEM.
 */
int trie_allocate(struct trie *trie, unsigned int class, __u32 *place);

/* Gives room back that packets may still be looking at, but do not find any more. */
void trie_retire(struct trie *trie, unsigned int class, __u32 place);

/* Writes what stands for *record to *held, all but what the entry is. Returns 0, -ENOSPC or -ENOMEM. */
int trie_hold(struct trie *trie, const struct table_record *record, struct trie_held *held);

/* What is held, all but the length of the prefix. */
void trie_record(const struct trie *trie, struct trie_held held, struct table_record *record);

/* Brings an entry into the tree, or out of it. Doing it once more is no harm. Return 0, -ENOSPC or -ENOMEM. */
int trie_link(struct trie *trie, const struct trie_item *item);
int trie_unlink(struct trie *trie, const struct trie_item *item);

/*
 * Makes a tree of items that are in order and all begin with the same `depth` bits, no prefix shorter than that; *step
 * leads there. The items are overwritten. Returns 0, -ENOSPC or -ENOMEM.
 */
int trie_build(struct trie *trie, struct trie_item *items, size_t count, unsigned int depth, __u32 *step);

/*
 * Has packets go on with `step` where they find the step at this byte of the memory, and lets them see all that was
 * written before it.
 */
#define TRIE_AT_ROOT offsetof(struct trie_header, root)
void trie_store_step(struct trie *trie, size_t at, __u32 step);

/* An entry as leaves and cells below `depth` bits have it. */
struct trie_leaf trie_leaf_entry(const struct trie_item *item, unsigned int depth);

/* Writes a leaf below `depth` bits. Returns 0, -ENOSPC or -ENOMEM. */
int trie_build_leaf(struct trie *trie, struct trie_item *items, size_t count, unsigned int depth, __u32 *step);

/* The head of the node that a step leads to. */
const struct trie_node *trie_node(const struct trie *trie, __u32 step);

/* Of the slot or cell with a number: the step to what is below, the cover, where the cell is as an offset in memory. */
__u32 *trie_child(const struct trie *trie, __u32 step, __u32 number);
__u32 *trie_cover(const struct trie *trie, __u32 step, __u32 number);
size_t trie_cell_at(const struct trie *trie, __u32 step, __u32 number);

/*
 * The entries of the cell at an offset, by their number (maps/table_trie_cell.c): how many there can be; the reference
 * of one, 0: there is none; writes one below `depth` bits where there is none; removes it.
 */
unsigned int trie_cell_max(const struct trie *trie);
__u32 trie_cell_reference(const struct trie *trie, size_t at, unsigned int number);
void trie_cell_write(const struct trie *trie, size_t at, unsigned int number, const struct trie_item *item,
		     unsigned int depth);
void trie_cell_clear(const struct trie *trie, size_t at, unsigned int number);

/* Where a digest is, as an offset in memory, and how many bits lead to it. */
struct trie_digest_place {
	size_t at; /* 0: there is none */
	unsigned int depth;
};

/* The digest that has an item which is below a node with `depth` bits in front of it (maps/table_trie_digest.c). */
struct trie_digest_place trie_digest_of(const struct trie *trie, const struct trie_item *item, __u32 step,
					unsigned int depth);

/* Notes an entry that is in the tree now, or forgets one that is not there any more. Once each. */
void trie_digest_add(const struct trie *trie, const struct trie_digest_place *place, const struct trie_item *item);
void trie_digest_remove(const struct trie *trie, const struct trie_digest_place *place, const struct trie_item *item);

/* Has packets ask the cells until the trie is rebuilt: nobody knows whether the digest has all entries. */
void trie_digest_lose(const struct trie *trie, const struct trie_digest_place *place);

/*
 * Makes a node for what begins with the first `depth` bits of *key; *step leads there from `above` bits. Nothing is
 * below it. Returns 0, -ENOSPC or -ENOMEM.
 */
int trie_build_node(struct trie *trie, const struct trie_key *key, unsigned int depth, unsigned int above,
		    unsigned int bits, bool cells, __u32 *step);

/* Has *step lead to a copy whose covers can be changed; cells are shared with the old one. Returns as above. */
int trie_copy_node(struct trie *trie, __u32 *step);

/* Gives back that part of a node that a copy has taken the place of. */
void trie_retire_copied(struct trie *trie, __u32 step);

#endif
