/* SPDX-License-Identifier: GPL-2.0-only */
/* Which tables rules mean: they name them, programs know their indexes. */
#ifndef COMPAT_RULE_TABLES_H
#define COMPAT_RULE_TABLES_H

#include "ipfw-compat/transaction.h"

/* The type of table that `lookup' asks for a key (enum lookup_key): enum table_type. */
int lookup_table_type(unsigned int key);

/*
 * Writes into the options of `rule' which tables they mean, and makes those that are missing. *result is 0, -EINVAL if
 * a table is of another type, or -ENOSPC. Returns 0, or -1 with *error set if the tables cannot be read.
 */
int rule_find_tables(struct transaction *transaction, struct rule *rule, struct error *error, int *result);

/* Whether rules of other sets than 0 refer to tables. */
bool ruleset_tables_in_sets(const struct ruleset *ruleset);

/*
 * Has tables go along with rules that change their sets, before they do, where rules refer to tables of their own set
 * (net.inet.ip.fw.tables_sets); the tables have been opened. Those that rules refer to go with them, and with a whole
 * set all that it has. tables_move() returns 0 or, with nothing changed, -EEXIST if the set has a table of that name,
 * -EBUSY if rules that stay refer to one that would go.
 */
void tables_swap_sets(struct transaction *transaction, unsigned int first, unsigned int second);
int tables_move(struct transaction *transaction, const struct selection *selection, unsigned int set);

/* How many times rules refer to the table with this index. */
unsigned int ruleset_table_references(const struct ruleset *ruleset, __u32 index);

#endif
