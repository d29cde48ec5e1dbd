/* SPDX-License-Identifier: GPL-2.0-only */
/* Look-up tables with contents from a stream of choices, near the values that random packets have. */
#ifndef MODEL_RANDOM_TABLES_H
#define MODEL_RANDOM_TABLES_H

#include "ipfw/rule.h"
#include "maps/table_kinds.h"
#include "selftests/model/choice.h"

#define MODEL_TABLES 8
#define MODEL_ENTRIES_MAX 30

struct model_entry {
	struct table_key key;
	struct table_record record;
};

struct model_table {
	const char *name;
	__u8 type; /* enum table_type */
	__u8 flow_fields;
	size_t count;
	struct model_entry entries[MODEL_ENTRIES_MAX]; /* in no order, no key twice */
	struct model_entry stranger;		       /* none of them */
};

/* The index by which rules know a table is its place here, and 1. */
struct model_tables {
	struct model_table tables[MODEL_TABLES];
};

/* Fills *tables: each has few entries or many, or none. */
void random_tables(struct choices *choices, struct model_tables *tables);

/* Writes into the options of `rule', which names no others, which tables they mean. */
void random_tables_resolve(struct rule *rule);

#endif
