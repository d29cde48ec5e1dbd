/* SPDX-License-Identifier: GPL-2.0-only */
/* Counters of entries (maps/layout.h): one map for each slot of a table that has them. */
#ifndef MAPS_TABLE_COUNTERS_H
#define MAPS_TABLE_COUNTERS_H

#include "maps/tables.h"

/* A descriptor of the map of a slot, or -errno; -ENOENT: its entries are not counted. */
int table_counters_open(const struct lasting *lasting, unsigned int type, __u32 slot);

/* Has the entries of one slot counted in the map of another one, if that has one. Returns 0 or -errno. */
int table_counters_share(const struct lasting *lasting, unsigned int type, __u32 from, __u32 to);

int table_counters_drop(const struct lasting *lasting, unsigned int type, __u32 slot);

/*
 * Gives the slot of a table the map that table->info asks for, or none, and sets back what table->reset and ->reset_all
 * name. `present' is all interfaces. Returns 0 or -errno.
 */
int table_counters_settle(const struct lasting *lasting, const struct table *table, const struct table_present *present,
			  size_t present_count);

/* The counters of an entry; for type iface, of the interface with this index. Returns 0 or -errno. */
int table_counters_read(int fd, const struct table *table, const struct table_key *key, __u32 interface,
			struct rule_counter *counter);

/* Sets them back. */
void table_counters_remove(int fd, const struct table *table, const struct table_key *key, __u32 interface);

#endif
