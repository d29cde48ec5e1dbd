/* SPDX-License-Identifier: GPL-2.0-only */
/* Lookups in tables: `table(name[,[type=]value])`, `lookup key[:mask] name`, and values taken from there. */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "ipfw-compat/parser_keywords.h"
#include "ipfw-compat/parser_syntax.h"

bool parse_tablearg(struct parser *parser)
{
	if (!parser_at(parser, "tablearg"))
		return false;
	parser_next(parser);
	return true;
}

bool parser_at_table(const struct parser *parser)
{
	return parser->word && !strncmp(parser->word, "table(", strlen("table("));
}

static int fail_name(struct parser *parser, const char *name, size_t length)
{
	parser_fail(parser, EX_DATAERR, "Invalid table name: %.*s", (int)length, name);
	return error_advise(parser->error, "a name is 1 to %d letters, digits and any of - _ .", OBJECT_NAME_MAX - 1);
}

/* Copies a table's name. Returns the bytes it takes, or -1 with the error recorded. */
static int read_name(struct parser *parser, char *name, const char *text, size_t length)
{
	if (!object_name_valid(text, length))
		return fail_name(parser, text, length);
	memcpy(name, text, length);
	name[length] = '\0';
	return (int)length + 1;
}

/* The value behind the comma: `[type=]value`. As in ipfw it is read as far as it is a number. */
static int read_value(struct parser *parser, const char *text, struct table_match *table)
{
	const char *equals = strchr(text, '=');
	struct in_addr address;
	char list[128];
	int type;

	table->value_type = TABLE_VALUE_TAG;
	if (equals) {
		type = names_value(names_table_values, text, (size_t)(equals - text));
		if (type < 0) {
			names_list(names_table_values, list, sizeof(list));
			parser_fail(parser, EX_DATAERR, "Invalid table value type: %.*s", (int)(equals - text), text);
			return error_advise(parser->error, "types of values are %s", list);
		}
		table->value_type = (__u8)type;
		text = equals + 1;
	}
	if (table->value_type == TABLE_VALUE_IPV4 && strchr(text, '.') && inet_pton(AF_INET, text, &address) == 1)
		table->value = ntohl(address.s_addr);
	else
		table->value = (__u32)strtoul(text, NULL, 0);
	return 0;
}

int parse_table(struct parser *parser, unsigned int code)
{
	const char *text = parser->word + strlen("table("), *end = strchr(text, ')'), *comma;
	struct option *option = parser_option(parser, code);
	struct table_match *table = &option->u.table;
	char value[OBJECT_NAME_MAX];
	int size;

	if (!end) {
		parser_fail(parser, EX_DATAERR, "forgotten parenthesis: '%s'", parser->word);
		return error_advise(parser->error,
				    "a table is written without blanks, as in table(name) or table(name,5)");
	}
	memset(table, 0, offsetof(struct table_match, name));
	comma = memchr(text, ',', (size_t)(end - text));
	size = read_name(parser, table->name, text, (size_t)((comma ? comma : end) - text));
	if (size < 0)
		return -1;
	if (comma) {
		copy_text(value, sizeof(value), comma + 1, (size_t)(end - comma - 1));
		if (read_value(parser, value, table))
			return -1;
	}
	parser_needs(parser, option_rows[code].later);
	parser_next(parser);
	return parser_commit(parser, option, offsetof(struct table_match, name) + (size_t)size);
}

int parse_table_option(struct parser *parser, unsigned int code)
{
	if (parser_at_table(parser))
		return parse_table(parser, code);
	parser_fail(parser, EX_DATAERR, "enclose table name into \"table()\"");
	return error_advise(parser->error, "as in `%s table(name)'", option_rows[code].keyword);
}

static int fail_key(struct parser *parser, size_t length)
{
	char list[256];

	names_list(names_lookup_keys, list, sizeof(list));
	parser_fail(parser, EX_USAGE, "format: cannot lookup on %.*s", (int)length, parser->word);
	return error_advise(parser->error, "what can be looked up is %s", list);
}

/* A mask as the key is written: a link address, an IPv6 or IPv4 address, or a number. Returns whether it is one. */
static bool read_mask(unsigned int key, const char *text, __u8 mask[16])
{
	__u32 number;
	char *end;

	switch (key) {
	case LOOKUP_DESTINATION_MAC:
	case LOOKUP_SOURCE_MAC:
		return read_mac(text, mask);
	case LOOKUP_DESTINATION_IP6:
	case LOOKUP_SOURCE_IP6:
		return inet_pton(AF_INET6, text, mask) == 1;
	case LOOKUP_DESTINATION_IP4:
	case LOOKUP_SOURCE_IP4:
		if (inet_pton(AF_INET, text, mask) == 1)
			return true;
		number = htonl((__u32)strtoul(text, &end, 0));
		break;
	case LOOKUP_DESTINATION_IP: /* of which family would it be? */
	case LOOKUP_SOURCE_IP:
		return false;
	default:
		number = (__u32)strtoul(text, &end, 0);
	}
	memcpy(mask, &number, sizeof(number));
	return end != text && !*end;
}

static int parse_key(struct parser *parser, struct lookup_match *lookup)
{
	size_t length = strcspn(parser->word, ":");
	int key = names_value(names_lookup_keys, parser->word, length);

	if (key < 0)
		return fail_key(parser, length);
	lookup->key = (__u8)key;
	if (parser->word[length]) {
		lookup->masked = 1;
		if (!read_mask(lookup->key, parser->word + length + 1, lookup->mask)) {
			parser_fail(parser, EX_USAGE, "format: cannot mask lookup on %s", parser->word);
			return error_advise(parser->error,
					    "a mask is a number for numbers, an address for dst-ip4, src-ip6 and their "
					    "kin, a link address for dst-mac and src-mac");
		}
	}
	parser_next(parser);
	return 0;
}

int parse_lookup(struct parser *parser, unsigned int code)
{
	struct option *option = parser_option(parser, code);
	struct lookup_match *lookup = &option->u.lookup;
	int size;

	if (!parser->word || !parser->words->word[parser->position + 1]) {
		parser_fail(parser, EX_USAGE, "format: lookup argument tablenum");
		return error_advise(parser->error,
				    "what to look up follows, and the name of a table, as in `lookup dst-ip t'");
	}
	memset(lookup, 0, offsetof(struct lookup_match, name));
	if (parse_key(parser, lookup))
		return -1;
	size = read_name(parser, lookup->name, parser->word, strlen(parser->word));
	if (size < 0)
		return -1;
	parser_next(parser);
	return parser_commit(parser, option, offsetof(struct lookup_match, name) + (size_t)size);
}
