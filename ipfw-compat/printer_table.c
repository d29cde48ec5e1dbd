/* SPDX-License-Identifier: GPL-2.0-only */
/* Lookups in tables, and limits. */
#include <arpa/inet.h>
#include <string.h>

#include "ipfw-compat/names.h"
#include "ipfw-compat/printer.h"

void print_table(struct text *text, const struct table_match *table)
{
	text_add(text, " table(");
	text_add(text, table->name);
	if (table->value_type != TABLE_VALUE_ANY) {
		text_character(text, ',');
		if (table->value_type != TABLE_VALUE_TAG) {
			text_add(text, names_name(names_table_values, table->value_type));
			text_character(text, '=');
		}
		if (table->value_type == TABLE_VALUE_IPV4)
			print_dotted(text, htonl(table->value));
		else
			text_number(text, table->value);
	}
	text_character(text, ')');
}

static void print_mask(struct text *text, const struct lookup_match *lookup)
{
	char address[INET6_ADDRSTRLEN];
	__u32 number;

	memcpy(&number, lookup->mask, sizeof(number));
	switch (lookup->key) {
	case LOOKUP_DESTINATION_MAC:
	case LOOKUP_SOURCE_MAC:
		print_bytes(text, lookup->mask);
		break;
	case LOOKUP_DESTINATION_IP6:
	case LOOKUP_SOURCE_IP6:
		text_add(text, inet_ntop(AF_INET6, lookup->mask, address, sizeof(address)));
		break;
	case LOOKUP_DESTINATION_IP4:
	case LOOKUP_SOURCE_IP4:
		print_dotted(text, number);
		break;
	default:
		text_hexadecimal(text, number);
	}
}

void print_lookup(struct text *text, const struct lookup_match *lookup)
{
	text_character(text, ' ');
	text_add(text, names_name(names_lookup_keys, lookup->key));
	if (lookup->masked) {
		text_character(text, ':');
		print_mask(text, lookup);
	}
	text_character(text, ' ');
	text_add(text, lookup->name);
}

void print_limit(struct text *text, const struct option *option)
{
	const struct state_limit *limit = &option->u.limit;
	unsigned int left = limit->fields;

	for (const struct name_value *field = names_limit_fields; field->name; field++) {
		if (!left || (left & field->value) != field->value)
			continue;
		text_character(text, ' ');
		text_add(text, field->name);
		left &= ~field->value;
	}
	text_character(text, ' ');
	if (option->flags & OPTION_TABLEARG)
		text_add(text, "tablearg");
	else
		text_number(text, limit->connections);
	text_add(text, " :");
	text_add(text, limit->name);
}
