/* SPDX-License-Identifier: GPL-2.0-only */
/* What the rules that matched found in look-up tables. */
#include <string.h>

#include "ipfw-compat/explain.h"
#include "ipfw-compat/table_text.h"
#include "maps/table_flow.h"

void explain_tables_begin(struct explain_tables *tables, struct transaction *transaction,
			  const struct explain_pass *pass)
{
	*tables = (struct explain_tables){
		.transaction = transaction, .place = pass->place, .dscp = (__u8)pass->before->field[FIELD_DSCP]};
	if (pass->answer)
		tables->packet = pass->answer->packet;
}

static const struct table *find_table(const struct tables *tables, __u32 index)
{
	for (size_t i = 0; tables && i < tables->count; i++)
		if (tables->tables[i].index == index)
			return tables->tables + i;
	return NULL;
}

static bool ask_address(const struct packet *packet, const __u32 *address, unsigned int family, struct table_key *key)
{
	if (!packet->family || (family && packet->family != family))
		return false;
	key->family = packet->family;
	key->bits = packet->family == 4 ? 32 : 128;
	memcpy(key->u.address, address, packet->family == 4 ? 4 : 16);
	return true;
}

static bool ask_mac(bool layer2, const __u8 mac[6], struct table_key *key)
{
	key->bits = 48;
	memcpy(key->u.mac, mac, sizeof(key->u.mac));
	return layer2;
}

static bool ask_interface(const char name[INTERFACE_NAME_MAX], struct table_key *key)
{
	memcpy(key->u.name, name, sizeof(key->u.name));
	return *name;
}

static bool ask_flow(const struct packet *packet, unsigned int fields, struct table_key *key)
{
	table_flow_read(&key->u.flow, packet, fields);
	return packet->family;
}

/* What `lookup' asks for, before it is masked. */
static bool ask_lookup(const struct explain_tables *tables, const struct explain_match *match, unsigned int what,
		       struct table_key *key)
{
	const struct packet *packet = &tables->packet;

	switch (what) {
	case LOOKUP_DESTINATION_IP:
		return ask_address(packet, packet->destination, 0, key);
	case LOOKUP_SOURCE_IP:
		return ask_address(packet, packet->source, 0, key);
	case LOOKUP_DESTINATION_IP4:
		return ask_address(packet, packet->destination, 4, key);
	case LOOKUP_SOURCE_IP4:
		return ask_address(packet, packet->source, 4, key);
	case LOOKUP_DESTINATION_IP6:
		return ask_address(packet, packet->destination, 6, key);
	case LOOKUP_SOURCE_IP6:
		return ask_address(packet, packet->source, 6, key);
	case LOOKUP_DESTINATION_MAC:
		return ask_mac(match->layer2, packet->destination_mac, key);
	case LOOKUP_SOURCE_MAC:
		return ask_mac(match->layer2, packet->source_mac, key);
	case LOOKUP_DESTINATION_PORT:
		key->u.number = packet->destination_port;
		return packet->flags & PACKET_PORTS;
	case LOOKUP_SOURCE_PORT:
		key->u.number = packet->source_port;
		return packet->flags & PACKET_PORTS;
	case LOOKUP_DSCP:
		key->u.number = tables->dscp;
		return packet->family;
	case LOOKUP_MARK:
		key->u.number = tables->mark;
		return true;
	case LOOKUP_RULE_NUMBER:
		key->u.number = match->rule->number;
		return true;
	default: /* whose packet it is, programs alone find out */
		return false;
	}
}

static void mask_key(const struct lookup_match *lookup, struct table_key *key)
{
	__u8 *bytes = (__u8 *)&key->u;

	for (size_t i = 0; lookup->masked && i < sizeof(lookup->mask); i++)
		bytes[i] &= lookup->mask[i];
}

/* The key that an option of the rule looked up, and the index of the table. False if it looked nothing up. */
static bool ask(const struct explain_tables *tables, const struct explain_match *match, const struct option *option,
		struct table_key *key, __u32 *index)
{
	const struct packet *packet = &tables->packet;
	const struct explain_place *place = tables->place;
	bool asked;

	memset(key, 0, sizeof(*key));
	*index = option->u.table.index;
	switch (option->code) {
	case OPTION_SOURCE_TABLE:
		return ask_address(packet, packet->source, 0, key);
	case OPTION_DESTINATION_TABLE:
		return ask_address(packet, packet->destination, 0, key);
	case OPTION_RECV_TABLE:
		return ask_interface(place->receive_name, key);
	case OPTION_XMIT_TABLE:
		return !place->input && ask_interface(place->name, key);
	case OPTION_VIA_TABLE:
		return ask_interface(place->name, key);
	case OPTION_FLOW:
		return ask_flow(packet, option->u.table.flow_fields, key);
	case OPTION_SOURCE_MAC:
		return ask_mac(match->layer2, packet->source_mac, key);
	case OPTION_DESTINATION_MAC:
		return ask_mac(match->layer2, packet->destination_mac, key);
	case OPTION_LOOKUP:
		*index = option->u.lookup.index;
		asked = ask_lookup(tables, match, option->u.lookup.key, key);
		mask_key(&option->u.lookup, key);
		return asked;
	default:
		return false;
	}
}

static void write_value(char text[EXPLAIN_ENTRY_MAX], const struct table_info *info, const struct table_record *record)
{
	FILE *out = fmemopen(text, EXPLAIN_ENTRY_MAX, "w");

	*text = '\0';
	if (!out)
		return;
	table_record_print(out, info, record, false);
	fclose(out);
}

/* Looks up once more what the rules looked up; the tables have not changed meanwhile, as the firewall is open. */
static void look_up(const struct explain_tables *tables, const struct table *table, struct table_key *key,
		    explain_each_lookup each, void *argument)
{
	struct explain_lookup lookup = {.table = table->info.name};
	struct table_entry entry;

	table_key_text(lookup.asked, sizeof(lookup.asked), &table->info, key);
	if (!firewall_table_find(tables->transaction->firewall, table, key, false, &entry)) {
		table_key_text(lookup.entry, sizeof(lookup.entry), &table->info, key);
		write_value(lookup.value, &table->info, &entry.record);
	}
	each(argument, &lookup);
}

/* The argument of an action that may take a value of this kind out of a table. */
static __u32 argument_of(const struct explain_match *match, unsigned int kind)
{
	const struct action *action = rule_action(match->rule);

	for (size_t i = 0; action->flags & ACTION_TABLEARG && i < EXPLAIN_VALUES; i++)
		if (match->values[i].kind == kind)
			return match->values[i].value;
	return action->argument;
}

void explain_lookups(struct explain_tables *tables, const struct explain_match *match, explain_each_lookup each,
		     void *argument)
{
	struct table_key key;
	__u32 index;

	if (match->layer2 != tables->layer2)
		tables->mark = 0;
	tables->layer2 = match->layer2;
	RULE_FOR_EACH_OPTION (option, match->rule) {
		const struct table *table = NULL;

		if (ask(tables, match, option, &key, &index))
			table = find_table(tables->transaction->tables, index);
		if (table)
			look_up(tables, table, &key, each, argument);
	}
	if (rule_action(match->rule)->code == ACTION_SETMARK)
		tables->mark = argument_of(match, TABLE_VALUE_MARK);
	if (rule_action(match->rule)->code == ACTION_SETDSCP)
		tables->dscp = (__u8)argument_of(match, TABLE_VALUE_DSCP) & 0x3f;
}
