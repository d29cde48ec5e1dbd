/* SPDX-License-Identifier: GPL-2.0-only */
#include "selftests/model/random_tables.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "selftests/model/random_packets.h"
#include "selftests/model/random_rules.h"

#define FLOW_ADDRESSES (FLOW_SOURCE | FLOW_DESTINATION)

/* Tables have fewer than `most' entries, which leaves more than enough other keys. */
static const struct {
	const char *name;
	__u8 type, flow_fields, most;
} rows[MODEL_TABLES] = {
	{"hosts", TABLE_ADDRESS, 0, MODEL_ENTRIES_MAX},
	{"nets", TABLE_ADDRESS, 0, MODEL_ENTRIES_MAX},
	{"cards", TABLE_INTERFACE, 0, 4},
	{"numbers", TABLE_NUMBER, 0, MODEL_ENTRIES_MAX},
	{"flows", TABLE_FLOW, FLOW_ADDRESSES | FLOW_PROTOCOL | FLOW_SOURCE_PORT | FLOW_DESTINATION_PORT,
	 MODEL_ENTRIES_MAX},
	{"pairs", TABLE_FLOW, FLOW_ADDRESSES, MODEL_ENTRIES_MAX},
	{"services", TABLE_FLOW, FLOW_PROTOCOL | FLOW_DESTINATION_PORT, MODEL_ENTRIES_MAX},
	{"links", TABLE_MAC, 0, 8},
};

static void keep_bits(__u8 *bytes, size_t size, unsigned int bits)
{
	for (unsigned int bit = bits; bit < size * 8; bit++)
		bytes[bit / 8] &= (__u8) ~(0x80 >> bit % 8);
}

static void choose_prefix(struct choices *choices, struct table_key *key)
{
	static const __u8 bits4[] = {0, 8, 9, 16, 17, 23, 24, 29, 30, 31, 32, 32, 32};
	static const __u8 bits6[] = {0, 16, 32, 33, 34, 64, 96, 125, 126, 127, 128, 128, 128};

	key->family = choose(choices, 2) ? 4 : 6;
	key->bits = key->family == 4 ? CHOOSE_FROM(choices, bits4) : CHOOSE_FROM(choices, bits6);
	random_address(choices, key->family, key->u.address);
	keep_bits((__u8 *)key->u.address, sizeof(key->u.address), key->bits);
}

static void choose_link(struct choices *choices, struct table_key *key)
{
	static const __u8 bits[] = {0, 8, 40, 46, 47, 48, 48};

	key->bits = CHOOSE_FROM(choices, bits);
	random_mac(choices, key->u.mac);
	keep_bits(key->u.mac, sizeof(key->u.mac), key->bits);
}

static void choose_flow(struct choices *choices, unsigned int fields, struct table_flow *flow)
{
	static const __u8 protocols[] = {IPPROTO_TCP, IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP, IPPROTO_GRE};

	if (fields & FLOW_ADDRESSES)
		flow->family = choose(choices, 2) ? 4 : 6;
	if (fields & FLOW_SOURCE)
		random_address(choices, flow->family, flow->source);
	if (fields & FLOW_DESTINATION)
		random_address(choices, flow->family, flow->destination);
	if (fields & FLOW_PROTOCOL)
		flow->protocol = CHOOSE_FROM(choices, protocols);
	if (fields & FLOW_SOURCE_PORT)
		flow->source_port = random_port(choices);
	if (fields & FLOW_DESTINATION_PORT)
		flow->destination_port = random_port(choices);
}

static void choose_key(struct choices *choices, const struct model_table *table, struct table_key *key)
{
	static const char *const names[] = {"lo", "em0", "em1", "tun0", "nosuch0", "em"};

	switch (table->type) {
	case TABLE_ADDRESS:
		choose_prefix(choices, key);
		break;
	case TABLE_INTERFACE:
		strcpy(key->u.name, CHOOSE_FROM(choices, names));
		break;
	case TABLE_NUMBER: /* ports, codepoints, marks, numbers of rules */
		key->u.number = choose(choices, 2) ? random_port(choices) : choose(choices, 64);
		break;
	case TABLE_FLOW:
		choose_flow(choices, table->flow_fields, &key->u.flow);
		break;
	default:
		choose_link(choices, key);
	}
}

static bool has_key(const struct model_table *table, const struct table_key *key)
{
	for (size_t i = 0; i < table->count; i++)
		if (!memcmp(&table->entries[i].key, key, sizeof(*key)))
			return true;
	return false;
}

/* An entry that the table does not have. */
static void choose_entry(struct choices *choices, const struct model_table *table, struct model_entry *entry)
{
	do {
		memset(entry, 0, sizeof(*entry));
		choose_key(choices, table, &entry->key);
	} while (has_key(table, &entry->key));
	for (int value = TABLE_VALUE_TAG; value < TABLE_VALUES; value++)
		entry->record.number[value] = choose(choices, 4);
	/* Rules ask for the values above, and go on at these. */
	if (choose(choices, 2))
		entry->record.number[TABLE_VALUE_SKIPTO] = choose(choices, 60);
}

void random_tables(struct choices *choices, struct model_tables *tables)
{
	for (size_t i = 0; i < MODEL_TABLES; i++) {
		struct model_table *table = tables->tables + i;

		table->name = rows[i].name;
		table->type = rows[i].type;
		table->flow_fields = rows[i].flow_fields;
		table->count = 0;
		for (unsigned int left = choose(choices, choose(choices, 4) ? rows[i].most : 3); left;
		     left--, table->count++)
			choose_entry(choices, table, table->entries + table->count);
		choose_entry(choices, table, &table->stranger);
	}
}

/* The index of the table with this name. */
static __u16 index_of(const char *name)
{
	for (__u16 i = 0; i < MODEL_TABLES; i++)
		if (!strcmp(rows[i].name, name))
			return i + 1;
	abort();
}

void random_tables_resolve(struct rule *rule)
{
	RULE_FOR_EACH_OPTION (option, rule) {
		struct table_match *table = &((struct option *)option)->u.table;

		if (!random_option_asks_table(option->code))
			continue;
		if (option->code == OPTION_LOOKUP) {
			((struct option *)option)->u.lookup.index = index_of(option->u.lookup.name);
			continue;
		}
		table->index = index_of(table->name);
		table->flow_fields = rows[table->index - 1].flow_fields;
	}
}
