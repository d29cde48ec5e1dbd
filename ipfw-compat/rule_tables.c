/* SPDX-License-Identifier: GPL-2.0-only */
/* Which tables a rule means: from names to indexes. */
#include "ipfw-compat/rule_tables.h"

#include <errno.h>
#include <string.h>

#include "ipfw-compat/table_text.h"

/* The type of table that the option looks into (enum table_type), or -1. */
static int option_type(const struct option *option)
{
	switch (option->code) {
	case OPTION_SOURCE_TABLE:
	case OPTION_DESTINATION_TABLE:
		return TABLE_ADDRESS;
	case OPTION_RECV_TABLE:
	case OPTION_XMIT_TABLE:
	case OPTION_VIA_TABLE:
		return TABLE_INTERFACE;
	case OPTION_FLOW:
		return TABLE_FLOW;
	case OPTION_SOURCE_MAC:
	case OPTION_DESTINATION_MAC:
		return TABLE_MAC;
	case OPTION_LOOKUP:
		return lookup_table_type(option->u.lookup.key);
	default:
		return -1;
	}
}

int lookup_table_type(unsigned int key)
{
	switch (key) {
	case LOOKUP_DESTINATION_IP:
	case LOOKUP_SOURCE_IP:
	case LOOKUP_DESTINATION_IP4:
	case LOOKUP_SOURCE_IP4:
	case LOOKUP_DESTINATION_IP6:
	case LOOKUP_SOURCE_IP6:
		return TABLE_ADDRESS;
	case LOOKUP_DESTINATION_MAC:
	case LOOKUP_SOURCE_MAC:
		return TABLE_MAC;
	default:
		return TABLE_NUMBER;
	}
}

static const char *option_name(const struct option *option)
{
	return option->code == OPTION_LOOKUP ? option->u.lookup.name : option->u.table.name;
}

static __u32 option_index(const struct option *option)
{
	return option->code == OPTION_LOOKUP ? option->u.lookup.index : option->u.table.index;
}

/* Whether names in rules are those of their set's tables. */
static bool set_aware(const struct transaction *transaction)
{
	return transaction->variables.value[VARIABLE_TABLES_SETS];
}

static struct table *make(struct transaction *transaction, const char *name, unsigned int set, unsigned int type)
{
	struct table_info info = {.type = (__u8)type, .set = (__u8)set, .values = TABLE_VALUES_ALL};

	strncpy(info.name, name, sizeof(info.name) - 1);
	strcpy(info.algorithm, table_algorithm(type));
	return transaction_make_table(transaction, &info);
}

/* Writes into the option which table of the set it means. Returns 0 or -errno. */
static int resolve(struct transaction *transaction, struct option *option, unsigned int set, unsigned int type)
{
	struct table *table = tables_find(transaction->tables, option_name(option), set);

	if (!table)
		table = make(transaction, option_name(option), set, type);
	if (!table)
		return -ENOSPC;
	if (table->info.type != type)
		return -EINVAL;
	if (option->code == OPTION_LOOKUP) {
		option->u.lookup.index = (__u16)table->index;
	} else {
		option->u.table.index = (__u16)table->index;
		option->u.table.flow_fields = table->info.flow_fields;
	}
	return 0;
}

int rule_find_tables(struct transaction *transaction, struct rule *rule, struct error *error, int *result)
{
	*result = 0;
	RULE_FOR_EACH_OPTION (option, rule) {
		int type = option_type(option);

		if (type < 0)
			continue;
		if (transaction_open_tables(transaction, FIREWALL_WRITE, error))
			return -1;
		*result = resolve(transaction, (struct option *)option, set_aware(transaction) ? rule->set : 0,
				  (unsigned int)type);
		if (*result)
			return 0;
	}
	return 0;
}

/* How many times a rule refers to the table with this index; 0: to any. One that is gone does not. */
static unsigned int count_references(const struct rule *rule, __u32 index)
{
	unsigned int references = 0;

	if (rule->flags & RULE_GONE)
		return 0;
	RULE_FOR_EACH_OPTION (option, rule)
		references += option_type(option) >= 0 && (!index || option_index(option) == index);
	return references;
}

unsigned int ruleset_table_references(const struct ruleset *ruleset, __u32 index)
{
	unsigned int references = 0;

	for (size_t i = 0; i < ruleset->count; i++)
		references += count_references(ruleset->rules[i], index);
	return references;
}

bool ruleset_tables_in_sets(const struct ruleset *ruleset)
{
	for (size_t i = 0; i < ruleset->count; i++)
		if (ruleset->rules[i]->set && count_references(ruleset->rules[i], 0))
			return true;
	return false;
}

static void put(struct transaction *transaction, struct table *table, unsigned int set)
{
	table->info.set = (__u8)set;
	table->changed = true;
	transaction->tables_changed = true;
}

void tables_swap_sets(struct transaction *transaction, unsigned int first, unsigned int second)
{
	struct tables *tables = transaction->tables;

	for (size_t i = 0; set_aware(transaction) && i < tables->count; i++) {
		if (tables->tables[i].info.set == first)
			put(transaction, tables->tables + i, second);
		else if (tables->tables[i].info.set == second)
			put(transaction, tables->tables + i, first);
	}
}

/* Whether the table goes where the rules go that are selected: 1, 0, or -EBUSY if other rules refer to it as well. */
static int goes(const struct transaction *transaction, const struct selection *selection, const struct table *table)
{
	const struct ruleset *ruleset = &transaction->ruleset;
	unsigned int moved = 0;

	if (selection->set != ANY_SET)
		return table->info.set == selection->set;
	for (size_t i = 0; i < ruleset->count; i++)
		if (selection_matches(selection, ruleset->rules[i]))
			moved += count_references(ruleset->rules[i], table->index);
	if (!moved)
		return 0;
	return moved == ruleset_table_references(ruleset, table->index) ? 1 : -EBUSY;
}

int tables_move(struct transaction *transaction, const struct selection *selection, unsigned int set)
{
	struct tables *tables = transaction->tables;

	for (int check = 1; set_aware(transaction) && check >= 0; check--)
		for (size_t i = 0; i < tables->count; i++) {
			struct table *table = tables->tables + i;
			int result = table->info.set == set ? 0 : goes(transaction, selection, table);

			if (result < 0)
				return result;
			if (result && check && tables_find(tables, table->info.name, set))
				return -EEXIST;
			if (result && !check)
				put(transaction, table, set);
		}
	return 0;
}
