/* SPDX-License-Identifier: GPL-2.0-only */
/* Changes of a table that have not reached the kernel: a hash of keys, in memory. */
#ifndef MAPS_TABLE_EDITS_H
#define MAPS_TABLE_EDITS_H

#include <stddef.h>

#include "maps/table_kinds.h"

struct table_edit {
	struct table_key key;
	struct table_entry entry;
	bool present; /* the entry is there and is this; else it is gone */
};

struct table_edit_bucket {
	__u32 hash; /* of the key: others are hardly ever looked at */
	__u32 edit; /* index of an edit and 1, 0: free */
};

/* Whether the edit leaves an entry that does not expire. */
static inline bool table_edit_stays(const struct table_edit *edit)
{
	return edit->present && !edit->entry.expires;
}

struct table_edits {
	struct table_edit *edits; /* in the order in which the keys came */
	size_t count, capacity;
	struct table_edit_bucket *buckets; /* a power of two of them */
	size_t bucket_count;
};

/* The edit of this key, or NULL. */
struct table_edit *table_edits_find(const struct table_edits *edits, const struct table_key *key);

/* Notes what the entry with this key is to be; `entry` NULL: gone. Returns 0 or -ENOMEM. */
int table_edits_set(struct table_edits *edits, const struct table_key *key, const struct table_entry *entry);

/* A deep copy. Returns 0 or -ENOMEM with *copy empty. */
int table_edits_clone(struct table_edits *copy, const struct table_edits *edits);

/* *edits is empty afterwards. */
void table_edits_free(struct table_edits *edits);

#endif
