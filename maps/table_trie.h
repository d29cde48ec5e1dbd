/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tries of addresses (include/ipfw/table_trie.h), from userland: in maps that packets search meanwhile, or as images in
 * memory, of which new maps are made. A trie knows nothing of tables.
 *
 * Only one process at a time may change a trie. Killed half-way it leaves the trie as it was for packets, or as it is
 * to be; trie_recover() does what is missing.
 */
#ifndef MAPS_TABLE_TRIE_H
#define MAPS_TABLE_TRIE_H

#include <stdbool.h>
#include <stddef.h>

#include "ipfw/table_trie.h"
#include "maps/layout.h"

struct trie {
	char *memory;
	size_t lines; /* there is room for */
	int fd;	      /* of the map; -1: an image, which grows as needed */
	bool *mapped; /* of a map: which chunks are in memory; the header always is */
	__u32 *rows;  /* of an image: hash of its rows, or NULL */
	size_t row_buckets, row_count;
	bool recovering; /* in trie_recover() */
	/* Called with the index of each new entry, before packets find it; NULL: not. Images made of a trie call it,
	 * too. */
	void (*fresh)(const void *argument, __u32 index);
	const void *fresh_argument;
};

/* An address with the length of its prefix; the bits behind that are 0. IPv4 is in the upper half of `high'. */
struct trie_key {
	__u64 high, low;
	__u8 bits;
};

/* Opens the trie in a map, which becomes the trie's to close, also on failure. Returns 0 or -errno. */
int trie_open(struct trie *trie, int fd);

/* Makes an empty image for so many entries at most. Returns 0 or -ENOMEM. */
int trie_create(struct trie *trie, bool wide, __u32 capacity);

/* Makes an image of a trie. Returns 0 or -ENOMEM. */
int trie_copy(struct trie *copy, const struct trie *trie);

void trie_close(struct trie *trie);

/*
 * Makes a map of an image, with room for some changes (maps/table_trie_build.c). Returns a descriptor, which the caller
 * owns, or -errno.
 */
int trie_publish(const struct trie *image);

static inline struct trie_header *trie_header(const struct trie *trie)
{
	return (struct trie_header *)trie->memory;
}

/* The index of the entry with this key, 0: there is none. */
__u32 trie_find(const struct trie *trie, const struct trie_key *key);

/* Whether an entry has this index; one that is being added has, one that is being removed has not. */
bool trie_has(const struct trie *trie, __u32 index);

/* What the entry with this index holds; number[0] is the length of its prefix. */
void trie_read(const struct trie *trie, __u32 index, struct trie_key *key, struct table_record *record);

/*
 * Adds an entry, or has the one with this key hold something else. Returns 0; -ENOSPC with nothing changed when the map
 * is full (trie_rebuild() makes a larger one), or -ENOMEM.
 */
int trie_set(struct trie *trie, const struct trie_key *key, const struct table_record *record);

/* Removes the entry with this key, if there is one. Returns as trie_set(). */
int trie_remove(struct trie *trie, const struct trie_key *key);

/* Whether whoever changed the trie last was interrupted. */
static inline bool trie_interrupted(const struct trie *trie)
{
	return trie_header(trie)->pending;
}

/* Finishes what was interrupted. Returns 0 or -errno. */
int trie_recover(struct trie *trie);

/*
 * Makes an image with the entries of `old` (NULL: none) under the same indexes, with no rows but those in use, and room
 * for `more` entries. It has no tree: trie_set() and trie_remove() only note entries, until trie_link_all() makes the
 * tree of all of them at once. Returns 0, -ENOSPC if that is more than a trie can hold, or -ENOMEM.
 */
int trie_unlinked(struct trie *image, const struct trie *old, bool wide, __u32 more);
int trie_link_all(struct trie *image);

#endif
