/* SPDX-License-Identifier: GPL-2.0-only */
/* What entries hold, and what tables are like, read. */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "ipfw-compat/language.h"
#include "ipfw-compat/names.h"
#include "ipfw-compat/parser_syntax.h"
#include "ipfw-compat/table_text.h"

/* In the order in which ipfw lists them. */
const struct name_value table_value_names[] = {
	{"skipto", TABLE_VALUE_SKIPTO},
	{"pipe", TABLE_VALUE_PIPE},
	{"fib", TABLE_VALUE_FIB},
	{"nat", TABLE_VALUE_NAT},
	{"dscp", TABLE_VALUE_DSCP},
	{"tag", TABLE_VALUE_TAG},
	{"divert", TABLE_VALUE_DIVERT},
	{"netgraph", TABLE_VALUE_NETGRAPH},
	{"limit", TABLE_VALUE_LIMIT},
	{"ipv4", TABLE_VALUE_IPV4},
	{"ipv6", TABLE_VALUE_IPV6},
	{"mark", TABLE_VALUE_MARK},
	{NULL, 0},
};
#define VALUES_OF_13 "skipto, pipe, fib, nat, dscp, tag, divert, netgraph, limit, ipv4, ipv6"

const struct name_value table_flow_names[] = {
	{"src-ip", FLOW_SOURCE},
	{"proto", FLOW_PROTOCOL},
	{"src-port", FLOW_SOURCE_PORT},
	{"dst-ip", FLOW_DESTINATION},
	{"dst-port", FLOW_DESTINATION_PORT},
	{NULL, 0},
};

const struct name_value table_type_names[] = {
	{"addr", TABLE_ADDRESS}, {"iface", TABLE_INTERFACE}, {"number", TABLE_NUMBER},
	{"flow", TABLE_FLOW},	 {"mac", TABLE_MAC},	     {NULL, 0},
};
#define TYPES_OF_13 "addr, iface, number, flow"

#define VALUE_MAX 256
#define TAG_MAX 65534 /* as in the modifier `tag' */

int table_type_parse(struct table_info *info, const char *text, int word, struct error *error)
{
	size_t length = strcspn(text, ":");
	int type = names_value(table_type_names, text, length), field;

	if (type < 0) {
		error_set(error, EX_USAGE, word, "Unknown tabletype: %.*s. Supported: %s", (int)length, text,
			  TYPES_OF_13);
		return error_advise(error, "and mac");
	}
	info->type = (__u8)type;
	text += length;
	if (*text && type != TABLE_FLOW)
		return error_set(error, EX_USAGE, word, "Unsupported suboptions: %s", text + 1);
	for (; *text; text += length) {
		length = strcspn(++text, ",");
		field = names_value(table_flow_names, text, length);
		if (field < 0)
			return error_set(error, EX_USAGE, word, "unable to parse flow option %.*s", (int)length, text);
		info->flow_fields |= (__u8)field;
	}
	return 0;
}

int table_values_parse(struct table_info *info, const char *text, int word, struct error *error)
{
	size_t length;
	int type;

	for (info->values = 0;; text += length + 1) {
		length = strcspn(text, ",");
		type = names_value(table_value_names, text, length);
		if (type < 0) {
			error_set(error, EX_USAGE, word, "Unknown value type: %.*s. Supported: %s", (int)length, text,
				  VALUES_OF_13);
			return error_advise(error, "and mark");
		}
		info->values |= 1u << type;
		if (!text[length])
			return 0;
	}
}

const char *table_algorithm(unsigned int type)
{
	static const char *const names[TABLE_TYPES] = {
		[TABLE_ADDRESS] = "addr:radix", [TABLE_INTERFACE] = "iface:array", [TABLE_NUMBER] = "number:array",
		[TABLE_FLOW] = "flow:hash",	[TABLE_MAC] = "mac:radix",
	};

	return names[type];
}

/* A single number that stands for all kinds: also an IPv4 address. */
static int parse_single(struct table_record *record, const char *text, int word, struct error *error)
{
	char *end;
	__u32 number = (__u32)strtoul(text, &end, 0), address;

	if (*end) {
		if (inet_pton(AF_INET, text, &address) != 1 && !host_address4(text, &address))
			return error_set(error, EX_OSERR, word, "Unable to parse value %s", text);
		number = ntohl(address);
	}
	for (int i = TABLE_VALUE_TAG; i < TABLE_VALUES; i++)
		record->number[i] = number;
	return 0;
}

/* A number that must not be higher than what it is for. Returns whether it is one. */
static bool parse_number(__u32 *number, const char *text, int base, unsigned long highest)
{
	unsigned long value;
	char *end;

	errno = 0;
	value = strtoul(text, &end, base);
	*number = (__u32)value;
	return !*end && !errno && *text != '-' && value <= highest;
}

/* The highest number that a kind of value can be; what the packet's number is brought into range for may be any. */
static unsigned long highest_number(unsigned int type)
{
	switch (type) {
	case TABLE_VALUE_SKIPTO:
	case TABLE_VALUE_DIVERT:
		return 0xffff;
	case TABLE_VALUE_TAG:
		return TAG_MAX;
	case TABLE_VALUE_DSCP:
		return 63;
	default:
		return 0xffffffff;
	}
}

/* Reads one of several. Returns whether it is a value of that type. */
static bool parse_one(struct table_record *record, unsigned int type, const char *text)
{
	__u32 address;
	int dscp = -1;

	switch (type) {
	case TABLE_VALUE_IPV6:
		return inet_pton(AF_INET6, text, record->address6) == 1;
	case TABLE_VALUE_IPV4:
		if (inet_pton(AF_INET, text, &address) != 1 && !host_address4(text, &address))
			return false;
		record->number[type] = ntohl(address);
		return true;
	case TABLE_VALUE_DSCP:
		if (isalpha((unsigned char)*text))
			dscp = names_value(names_dscp, text, strlen(text));
		record->number[type] = (__u32)dscp;
		return dscp >= 0 || parse_number(record->number + type, text, 10, highest_number(type));
	default:
		return parse_number(record->number + type, text, type == TABLE_VALUE_MARK ? 0 : 10,
				    highest_number(type));
	}
}

int table_record_parse(struct table_record *record, const struct table_info *info, const char *text, int word,
		       struct error *error)
{
	char copy[VALUE_MAX], *next = copy, *comma;

	if (info->values == TABLE_VALUES_ALL)
		return parse_single(record, text, word, error);
	copy_text(copy, sizeof(copy), text, strlen(text));
	for (const struct name_value *type = table_value_names; type->name && next; type++) {
		if (!(info->values & 1u << type->value))
			continue;
		comma = strchr(next, ',');
		if (comma)
			*comma++ = '\0';
		if (!parse_one(record, type->value, next))
			return error_set(error, EX_USAGE, word, "Unable to parse %s as %s", next, type->name);
		next = comma;
	}
	return 0;
}

int table_seconds_parse(__u32 *seconds, const char *text, int word, struct error *error)
{
	unsigned long long number = 0;
	char *end = (char *)text;

	if (isdigit((unsigned char)*text))
		number = strtoull(text, &end, 10);
	if (*end || end == text || number > UINT32_MAX)
		return error_set(error, EX_DATAERR, word, "invalid number of seconds %s", text);
	*seconds = (__u32)number;
	return 0;
}
