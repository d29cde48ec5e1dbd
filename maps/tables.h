/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Look-up tables: a copy in memory that is edited, with what the kernel has as its ground, and the way back there.
 *
 * Rules know a table by its index. Its contents are in maps that a slot of the outer maps holds; which slot,
 * "table_slots" says. What is replaced as a whole is made beside the old contents, in a free slot, and comes into
 * force, together with all else that a transaction did to tables and rules, by one store: of control.generation if
 * rules change, else of table_slots.epoch. What is to be done behind it stands in a journal. A single entry is changed
 * in place.
 */
#ifndef MAPS_TABLES_H
#define MAPS_TABLES_H

#include <stdbool.h>
#include <stddef.h>

#include "maps/lasting.h"
#include "maps/table_edits.h"

struct table_view;

struct table {
	__u32 index;		/* 1..TABLES_MAX - 1 */
	struct table_info info; /* as it is to be */
	__u32 slot;		/* of the outer maps of its type */
	bool known;		/* the kernel has a table of this index */
	bool stored;		/* the slot has contents, on which the edits are made */
	bool changed;		/* `info' has to be written */
	struct table_edits edits;
	bool timed_known;	  /* the next is set */
	__u32 timed[2];		  /* entries that expire, as table_info.items */
	bool reset_all;		  /* the counters of all entries are to start from 0 */
	struct table_edits reset; /* those of these keys; the rest does not matter */
	struct table_view *view;  /* the maps of the slot, as far as they are open */
};

struct tables {
	struct table *tables;
	size_t count;
	struct table_epochs epochs;	     /* tables_prepare() has made `after'; zeros: nothing prepared */
	bool gone[TABLES_MAX];		     /* known ones that are to go, by index */
	bool slots[TABLE_TYPES][TABLES_MAX]; /* in use in the kernel, or by a table here */
};

/* An interface that exists. */
struct table_present {
	__u32 index;
	const char *name;
};

/* Reads what there is; nothing where there is no firewall. Returns 0 or -errno with nothing to free. */
int tables_read(struct tables *tables, const struct lasting *lasting);
void tables_free(struct tables *tables);

/* The table with this name in a set, or NULL. Valid until one is made or removed. */
struct table *tables_find(const struct tables *tables, const char *name, unsigned int set);

/*
 * Adds a table with the name, set, type and properties of *info; it gets the lowest free index. Returns it, or NULL
 * when there are too many or memory is out.
 */
struct table *tables_make(struct tables *tables, const struct table_info *info);
void tables_remove(struct tables *tables, struct table *table);

/* Exchanges the contents of two tables of one type. */
void tables_swap(struct table *left, struct table *right);

/* Removes all entries of the table. */
void table_clear(struct table *table);

/*
 * Looks an entry up: with `exact` by its key, else the one that packets with this key find (the longest prefix), whose
 * key is written to *key. *entry is set. What has expired is not there. Returns 0, -ENOENT, or another -errno.
 */
int table_find(const struct lasting *lasting, const struct table *table, struct table_key *key, bool exact,
	       struct table_entry *entry);

/*
 * Writes or (`entry` NULL) removes an entry, in place of `old`, as table_find() has found it (NULL: none). Returns 0 or
 * -ENOMEM.
 */
int table_set(struct table *table, const struct table_key *key, const struct table_entry *entry,
	      const struct table_entry *old);

/* Sets back the counters of an entry, or (`key' NULL) of all. Returns 0 or -ENOMEM. */
int table_reset(struct table *table, const struct table_key *key);

/* Calls `each` for every entry, in no order, until it returns another value than 0, which is returned. -errno else. */
int table_each(const struct lasting *lasting, const struct table *table,
	       int (*each)(void *argument, const struct table_key *key, const struct table_entry *entry),
	       void *argument);

/* Counts the entries: IPv4 and IPv6, or all in items[0]. Returns 0 or -errno. */
int table_items(const struct lasting *lasting, struct table *table, __u32 items[2]);

/*
 * Makes all that was changed without bringing it into force yet. If rules change as well, `generation' is theirs: that
 * it becomes the active one also brings the tables into force, for programs that were given tables->epochs. `present'
 * is all interfaces. Returns 0 or -errno; tables_recover() undoes it.
 */
int tables_prepare(struct tables *tables, const struct lasting *lasting, const struct table_present *present,
		   size_t present_count, __u32 generation);

/*
 * Brings what was changed into force by one store, unless the rules have, and removes what it replaces; prepares it
 * first if that has not been done. Returns 0 or -errno.
 */
int tables_commit(struct tables *tables, const struct lasting *lasting, const struct table_present *present,
		  size_t present_count);

/*
 * For a writer that finds a change of tables which did not come to its end: completes it if it is in force, else
 * removes what there is of it. Returns 0 or -errno.
 */
int tables_recover(const struct lasting *lasting);

/* Has all entries of type iface mean the interfaces that exist now. Returns 0 or -errno. */
int tables_refresh(const struct tables *tables, const struct lasting *lasting, const struct table_present *present,
		   size_t present_count);

#endif
