/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Counters of entries (maps/layout.h): arrays for addresses that stay, by index, and a hash for all else, by key. An
 * address that first expires and then stays has some in both: what counts is the sum.
 */
#ifndef MAPS_TABLE_COUNTERS_H
#define MAPS_TABLE_COUNTERS_H

#include "maps/table_counts.h"
#include "maps/tables.h"

/* What a table's slot has of them. */
struct table_counters {
	int hash;		       /* -1: there is none */
	struct table_counts counts[2]; /* of IPv4 and IPv6 */
};

/* Returns 0 or -errno with nothing to close. */
int table_counters_open(const struct lasting *lasting, const struct table *table, struct table_counters *counters);
void table_counters_close(struct table_counters *counters);

/*
 * Has the entries of `slot`, which holds what `table` is to contain, counted where those of the table's present slot
 * are, if they are to be counted and to keep their counters. Returns 0 or -errno.
 */
int table_counters_carry(const struct lasting *lasting, const struct table *table, __u32 slot);

/*
 * Before the edits of a table are made: takes the counters of addresses that are to expire along to where those are
 * counted. Returns 0 or -errno.
 */
int table_counters_move(const struct lasting *lasting, const struct table *table);

int table_counters_drop(const struct lasting *lasting, unsigned int type, __u32 slot);

/*
 * Gives the slot of a table the counters that table->info asks for, or none, and sets back what table->reset and
 * ->reset_all name. `present' is all interfaces. Returns 0 or -errno.
 */
int table_counters_settle(const struct lasting *lasting, const struct table *table, const struct table_present *present,
			  size_t present_count);

/* The counters of an entry; for type iface, of the interface with this index. Returns 0 or -errno. */
int table_counters_read(const struct lasting *lasting, const struct table_counters *counters, const struct table *table,
			const struct table_key *key, __u32 interface, struct rule_counter *counter);

/* Sets back those of an entry that is in the hash. */
void table_counters_remove(const struct table_counters *counters, const struct table *table,
			   const struct table_key *key, __u32 interface);

#endif
