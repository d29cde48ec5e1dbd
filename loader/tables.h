/* SPDX-License-Identifier: GPL-2.0-only */
/* Look-up tables of the firewall (maps/tables.h), for what lies above. */
#ifndef LOADER_TABLES_H
#define LOADER_TABLES_H

#include "ipfw/error.h"
#include "maps/tables.h"

struct firewall;

/* A copy of the tables, to be edited. Returns 0, or -1 with *error set and nothing to free. */
int firewall_tables(const struct firewall *firewall, struct tables *tables, struct error *error);

/* table_find() and table_each() on what this firewall has in the kernel. */
int firewall_table_find(const struct firewall *firewall, const struct table *table, struct table_key *key, bool exact,
			struct table_record *record);
int firewall_table_each(const struct firewall *firewall, const struct table *table,
			int (*each)(void *argument, const struct table_key *key, const struct table_record *record),
			void *argument);

/*
 * Changes of tables and rules of one transaction come into force together: firewall_tables_prepare() stands before
 * firewall_commit(), and should that fail firewall_tables_withdraw() takes it back. firewall_tables_commit() completes
 * it, or does it all if no rules change. Return 0, or -1 with *error set.
 */
int firewall_tables_prepare(struct firewall *firewall, struct tables *tables, struct error *error);
void firewall_tables_withdraw(struct firewall *firewall);
int firewall_tables_commit(struct firewall *firewall, struct tables *tables, struct error *error);

#endif
