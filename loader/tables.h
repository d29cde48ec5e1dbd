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
 * New tables go into the kernel before the rules that refer to them, all other changes behind them; should the commit
 * in between fail, firewall_tables_withdraw() takes the new tables back. Return 0, or -1 with *error set.
 */
int firewall_tables_install(struct firewall *firewall, struct tables *tables, struct error *error);
void firewall_tables_withdraw(struct firewall *firewall, struct tables *tables);
int firewall_tables_commit(struct firewall *firewall, struct tables *tables, struct error *error);

#endif
