/* SPDX-License-Identifier: GPL-2.0-only */
/* The inner maps of tables: made, filled, read and put into slots. */
#ifndef MAPS_TABLE_CONTENTS_H
#define MAPS_TABLE_CONTENTS_H

#include "maps/table_counts.h"
#include "maps/table_trie.h"
#include "maps/tables.h"

/* The maps of a slot, opened when they are first needed. */
struct table_view {
	struct table_part {
		bool open;
		int fd;			    /* -1: there is no map, since there are no entries */
		struct trie trie;	    /* of a kind that is one; it owns `fd' */
		struct table_counts counts; /* of its entries */
	} parts[TABLE_KINDS_MAX];
};

/* A descriptor of the map that a slot holds, or -errno. */
int table_contents_open(const struct lasting *lasting, const struct table_kind *kind, __u32 slot);

/* The index by which an address that stays is counted, 0: there is no such entry. Returns 0 or -errno. */
int table_contents_index(const struct lasting *lasting, const struct table *table, const struct table_key *key,
			 __u32 *index);

/* The number of indexes that the trie of a slot may give to entries, or 0: there is none. Returns 0 or -errno. */
int table_contents_size(const struct lasting *lasting, bool wide, __u32 slot, __u32 *size);

/* Forgets what has been opened of the table. */
void table_contents_close(struct table *table);

/* Empties a slot. Returns 0 or -errno: then something may be left of it. */
int table_contents_drop(const struct lasting *lasting, unsigned int type, __u32 slot);

/* What the table's slot holds under exactly this key. Returns 0, -ENOENT, or another -errno. */
int table_contents_find(const struct lasting *lasting, const struct table *table, const struct table_key *key,
			struct table_entry *entry);

/*
 * Calls `each` for every entry of the table's slot, until it returns another value than 0, which is returned. -errno
 * on failure.
 */
int table_contents_each(const struct lasting *lasting, const struct table *table,
			int (*each)(void *argument, const struct table_key *key, const struct table_entry *entry),
			void *argument);

/*
 * Finishes a change of the slot's maps that was interrupted, and notes in table->info what there is of entries. Returns
 * 0 or -errno.
 */
int table_contents_recover(const struct lasting *lasting, struct table *table);

/*
 * Removes the entries of the slot that have expired, for which no packet looks any more; *left is the number of those
 * that will. Returns 0 or -errno.
 */
int table_contents_sweep(const struct lasting *lasting, const struct table *table, __u32 *left);

/*
 * Makes the edits of `table` in the maps of its slot. Returns 0, -E2BIG or -ENOSPC if one is
 * full, or another -errno.
 */
int table_contents_edit(const struct lasting *lasting, const struct table *table, const struct table_present *present,
			size_t present_count);

/* Makes new maps of the contents that `table` is to have and puts them into `slot`. Returns 0 or -errno. */
int table_contents_build(const struct lasting *lasting, const struct table *table, __u32 slot,
			 const struct table_present *present, size_t present_count);

/* Has the entries of a map of type iface mean the interfaces that are there. Returns 0 or -errno. */
int table_contents_refresh(int fd, const struct table_present *present, size_t present_count);

#endif
