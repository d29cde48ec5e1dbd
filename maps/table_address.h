/* SPDX-License-Identifier: GPL-2.0-only */
/* Entries of tables of type addr, in tries. */
#ifndef MAPS_TABLE_ADDRESS_H
#define MAPS_TABLE_ADDRESS_H

#include "maps/table_edits.h"
#include "maps/table_trie.h"

/* What the entry with exactly this key holds. Returns 0 or -ENOENT. */
int table_address_find(const struct trie *trie, const struct table_key *key, struct table_record *record);

/* Calls `each` for every entry until it returns another value than 0, which is returned. */
int table_address_each(const struct trie *trie,
		       int (*each)(void *argument, const struct table_key *key, const struct table_entry *entry),
		       void *argument);

/*
 * Makes those edits that are of the trie's family, one after the other, behind what an interrupted process has left.
 * Returns 0, -ENOSPC or another -errno.
 */
int table_address_edit(struct trie *trie, const struct table_edits *edits);

/* The index of an entry, 0: there is none. */
__u32 table_address_index(const struct trie *trie, const struct table_key *key);

/*
 * Makes a map of what is in `old` (NULL: nothing) after the edits of one family. Returns a descriptor, -ENOENT if there
 * is nothing at all, or another -errno.
 */
int table_address_build(struct trie *old, const struct table_edits *edits, bool wide);

#endif
