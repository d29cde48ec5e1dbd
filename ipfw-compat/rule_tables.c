/* SPDX-License-Identifier: GPL-2.0-only */
/* Which tables a rule means: from names to indexes. */
#include "ipfw-compat/rule_tables.h"

#include <errno.h>
#include <string.h>

#include "ipfw-compat/table_text.h"

#define RULES_SET 0 /* of the tables that rules refer to (net.inet.ip.fw.tables_sets=0) */

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

static struct table *make(struct transaction *transaction, const char *name, unsigned int type)
{
	struct table_info info = {.type = (__u8)type, .set = RULES_SET, .values = TABLE_VALUES_ALL};

	strncpy(info.name, name, sizeof(info.name) - 1);
	strcpy(info.algorithm, table_algorithm(type));
	return transaction_make_table(transaction, &info);
}

/* Writes into the option which table it means. Returns 0 or -errno. */
static int resolve(struct transaction *transaction, struct option *option, unsigned int type)
{
	struct table *table = tables_find(transaction->tables, option_name(option), RULES_SET);

	if (!table)
		table = make(transaction, option_name(option), type);
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
		*result = resolve(transaction, (struct option *)option, (unsigned int)type);
		if (*result)
			return 0;
	}
	return 0;
}

unsigned int ruleset_table_references(const struct ruleset *ruleset, __u32 index)
{
	unsigned int references = 0;

	for (size_t i = 0; i < ruleset->count; i++)
		RULE_FOR_EACH_OPTION (option, ruleset->rules[i])
			references += !(ruleset->rules[i]->flags & RULE_GONE) && option_type(option) >= 0 &&
				      option_index(option) == index;
	return references;
}
