/* SPDX-License-Identifier: GPL-2.0-only */
/* Look-up tables of the firewall (maps/tables.h), for what lies above. */
#ifndef LOADER_TABLES_H
#define LOADER_TABLES_H

#include "ipfw/error.h"
#include "loader/firewall.h"
#include "maps/table_counters.h"

/* A copy of the tables, to be edited. Returns 0, or -1 with *error set and nothing to free. */
int firewall_tables(const struct firewall *firewall, struct tables *tables, struct error *error);

/* table_find(), table_each() and table_items() on what this firewall has in the kernel. */
int firewall_table_find(const struct firewall *firewall, const struct table *table, struct table_key *key, bool exact,
			struct table_entry *entry);
int firewall_table_each(const struct firewall *firewall, const struct table *table,
			int (*each)(void *argument, const struct table_key *key, const struct table_entry *entry),
			void *argument);
int firewall_table_items(const struct firewall *firewall, struct table *table, __u32 items[2]);

/*
 * The counters of the entries of a table, for table_counters_close() to close. Returns 0 or -errno; -ENOENT: they have
 * none.
 */
int firewall_table_counters_open(const struct firewall *firewall, const struct table *table,
				 struct table_counters *counters);
/* Reads those of one entry; what is set back in the transaction is 0 already. Returns 0 or -errno. */
int firewall_table_counters(const struct firewall *firewall, const struct table_counters *from,
			    const struct table *table, const struct table_key *key, struct counters *counters);

/*
 * Changes of tables and rules of one transaction come into force together: firewall_tables_prepare() stands before
 * firewall_commit(), and should that fail firewall_tables_withdraw() takes it back. firewall_tables_commit() completes
 * it, or does it all if no rules change. Return 0, or -1 with *error set.
 */
int firewall_tables_prepare(struct firewall *firewall, struct tables *tables, struct error *error);
void firewall_tables_withdraw(struct firewall *firewall);
int firewall_tables_commit(struct firewall *firewall, struct tables *tables, struct error *error);

#endif
