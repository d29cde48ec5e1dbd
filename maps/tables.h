/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Look-up tables: a copy in memory that is edited, with what the kernel has as its ground, and the way back there.
 *
 * Rules know a table by its index. Its contents are in maps that a slot of the outer maps holds; which slot,
 * "table_slots" says. What is replaced as a whole is made beside the old contents, in a free slot, and comes into
 * force, together with all else that a transaction did to tables, by one store of table_slots.epoch. A single entry is
 * changed in place.
 */
#ifndef MAPS_TABLES_H
#define MAPS_TABLES_H

#include <stdbool.h>
#include <stddef.h>

#include "maps/lasting.h"
#include "maps/table_edits.h"

struct table {
	__u32 index;		/* 1..TABLES_MAX - 1 */
	struct table_info info; /* as it is to be */
	__u32 slot;		/* of the outer maps of its type */
	bool known;		/* the kernel has a table of this index */
	bool stored;		/* the slot has contents, on which the edits are made */
	bool changed;		/* `info' has to be written */
	bool new;		/* tables_install() made it known */
	struct table_edits edits;
};

struct tables {
	struct table *tables;
	size_t count;
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
 * key is written to *key. *record is set. Returns 0, -ENOENT, or another -errno.
 */
int table_find(const struct lasting *lasting, const struct table *table, struct table_key *key, bool exact,
	       struct table_record *record);

/* Writes or (`record` NULL) removes an entry; the caller knows whether it is `new`. Returns 0 or -ENOMEM. */
int table_set(struct table *table, const struct table_key *key, const struct table_record *record, bool new);

/* Calls `each` for every entry, in no order, until it returns another value than 0, which is returned. -errno else. */
int table_each(const struct lasting *lasting, const struct table *table,
	       int (*each)(void *argument, const struct table_key *key, const struct table_record *record),
	       void *argument);

/*
 * Brings new tables, which no rule refers to yet, into the kernel, before the rules that do. `present` is all
 * interfaces. Returns 0 or -errno; tables_withdraw() undoes it.
 */
int tables_install(struct tables *tables, const struct lasting *lasting, const struct table_present *present,
		   size_t present_count);
void tables_withdraw(struct tables *tables, const struct lasting *lasting);

/* Brings all else that was changed into force, by one store. Returns 0 or -errno; then what was in force still is. */
int tables_commit(struct tables *tables, const struct lasting *lasting, const struct table_present *present,
		  size_t present_count);

/* Has all entries of type iface mean the interfaces that exist now. Returns 0 or -errno. */
int tables_refresh(const struct tables *tables, const struct lasting *lasting, const struct table_present *present,
		   size_t present_count);

#endif
