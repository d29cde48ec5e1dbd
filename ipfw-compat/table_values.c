/* SPDX-License-Identifier: GPL-2.0-only */
/* What entries hold, and what tables are like. */
#include <arpa/inet.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "ipfw-compat/language.h"
#include "ipfw-compat/names.h"
#include "ipfw-compat/parser_syntax.h"
#include "ipfw-compat/table_text.h"

/* In the order in which ipfw lists them. */
static const struct name_value value_types[] = {
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

static const struct name_value flow_fields[] = {
	{"src-ip", FLOW_SOURCE},
	{"proto", FLOW_PROTOCOL},
	{"src-port", FLOW_SOURCE_PORT},
	{"dst-ip", FLOW_DESTINATION},
	{"dst-port", FLOW_DESTINATION_PORT},
	{NULL, 0},
};

static const struct name_value table_types[] = {
	{"addr", TABLE_ADDRESS}, {"iface", TABLE_INTERFACE}, {"number", TABLE_NUMBER},
	{"flow", TABLE_FLOW},	 {"mac", TABLE_MAC},	     {NULL, 0},
};
#define TYPES_OF_13 "addr, iface, number, flow"

#define VALUE_MAX 256

int table_type_parse(struct table_info *info, const char *text, int word, struct error *error)
{
	size_t length = strcspn(text, ":");
	int type = names_value(table_types, text, length), field;

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
		field = names_value(flow_fields, text, length);
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
		type = names_value(value_types, text, length);
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

/* Reads one of several. Returns whether it is a value of that type. */
static bool parse_one(struct table_record *record, unsigned int type, const char *text)
{
	__u32 address;
	char *end;
	int dscp;

	switch (type) {
	case TABLE_VALUE_IPV6:
		return inet_pton(AF_INET6, text, record->address6) == 1;
	case TABLE_VALUE_IPV4:
		if (inet_pton(AF_INET, text, &address) != 1 && !host_address4(text, &address))
			return false;
		record->number[type] = ntohl(address);
		return true;
	case TABLE_VALUE_DSCP:
		dscp = isalpha((unsigned char)*text) ? names_value(names_dscp, text, strlen(text)) : -1;
		record->number[type] = dscp < 0 ? (__u32)strtoul(text, &end, 10) : (__u32)dscp;
		return dscp >= 0 || (!*end && record->number[type] <= 63);
	default:
		record->number[type] = (__u32)strtoul(text, &end, type == TABLE_VALUE_MARK ? 0 : 10);
		return !*end;
	}
}

int table_record_parse(struct table_record *record, const struct table_info *info, const char *text, int word,
		       struct error *error)
{
	char copy[VALUE_MAX], *next = copy, *comma;

	if (info->values == TABLE_VALUES_ALL)
		return parse_single(record, text, word, error);
	copy_text(copy, sizeof(copy), text, strlen(text));
	for (const struct name_value *type = value_types; type->name && next; type++) {
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

static void print_record(FILE *out, const struct table_info *info, const struct table_record *record, bool addresses)
{
	char address[INET6_ADDRSTRLEN];
	const char *comma = "";
	__u32 number;

	if (info->values == TABLE_VALUES_ALL) {
		number = htonl(record->number[TABLE_VALUE_TAG]);
		if (addresses)
			fprintf(out, "%s", inet_ntop(AF_INET, &number, address, sizeof(address)));
		else
			fprintf(out, "%u", record->number[TABLE_VALUE_TAG]);
		return;
	}
	for (const struct name_value *type = value_types; type->name; type++) {
		if (!(info->values & 1u << type->value))
			continue;
		fputs(comma, out);
		comma = ",";
		number = type->value == TABLE_VALUE_IPV6 ? 0 : htonl(record->number[type->value]);
		if (type->value == TABLE_VALUE_IPV6)
			fputs(inet_ntop(AF_INET6, record->address6, address, sizeof(address)), out);
		else if (type->value == TABLE_VALUE_IPV4)
			fputs(inet_ntop(AF_INET, &number, address, sizeof(address)), out);
		else
			fprintf(out, type->value == TABLE_VALUE_MARK ? "%#x" : "%u", record->number[type->value]);
	}
}

static void print_flow(FILE *out, unsigned int fields, const struct table_flow *flow)
{
	int family = flow->family == 6 ? AF_INET6 : AF_INET;
	char source[INET6_ADDRSTRLEN], destination[INET6_ADDRSTRLEN], number[3][8], text[160] = "";
	const char *const part[] = {source, number[0], number[1], destination, number[2]};

	inet_ntop(family, flow->source, source, sizeof(source));
	inet_ntop(family, flow->destination, destination, sizeof(destination));
	snprintf(number[0], sizeof(number[0]), "%u", flow->protocol);
	snprintf(number[1], sizeof(number[1]), "%u", flow->source_port);
	snprintf(number[2], sizeof(number[2]), "%u", flow->destination_port);
	for (unsigned int i = 0; i < sizeof(part) / sizeof(*part); i++)
		if (fields & 1u << i) {
			if (*text)
				strcat(text, ",");
			strcat(text, part[i]);
		}
	fputs(text, out);
}

void table_entry_print(FILE *out, const struct table_info *info, const struct table_key *key,
		       const struct table_record *record, bool addresses)
{
	char text[INET6_ADDRSTRLEN];

	switch (info->type) {
	case TABLE_ADDRESS:
		inet_ntop(key->family == 6 ? AF_INET6 : AF_INET, key->u.address, text, sizeof(text));
		fprintf(out, "%s/%u ", text, key->bits);
		break;
	case TABLE_INTERFACE:
		fprintf(out, "%s ", key->u.name);
		break;
	case TABLE_NUMBER:
		fprintf(out, "%u ", key->u.number);
		break;
	case TABLE_MAC:
		fprintf(out, "%02x:%02x:%02x:%02x:%02x:%02x/%u ", key->u.mac[0], key->u.mac[1], key->u.mac[2],
			key->u.mac[3], key->u.mac[4], key->u.mac[5], key->bits);
		break;
	default:
		print_flow(out, info->flow_fields, &key->u.flow);
		fputc(' ', out);
	}
	print_record(out, info, record, addresses);
	fputc('\n', out);
}

/* The names of `table` that have their bit in `set` (`bits`: values are numbers of bits), separated by commas. */
static void print_names(FILE *out, const struct name_value *table, __u32 set, bool bits)
{
	const char *comma = "";

	for (; table->name; table++)
		if (set & (bits ? 1u << table->value : table->value)) {
			fprintf(out, "%s%s", comma, table->name);
			comma = ",";
		}
}

void table_heading_print(FILE *out, const struct table_info *info)
{
	fprintf(out, "--- table(%s), set(%u) ---\n", info->name, info->set);
}

void table_info_print(FILE *out, const struct table *table, unsigned int references)
{
	const struct table_info *info = &table->info;
	__u32 items = info->items[0] + info->items[1];

	table_heading_print(out, info);
	fprintf(out, " kindex: %u, type: %s", table->index, names_name(table_types, info->type));
	if (info->type == TABLE_FLOW) {
		fputc(':', out);
		print_names(out, flow_fields, info->flow_fields, false);
	}
	fprintf(out, "%s\n references: %u, valtype: ", info->flags & TABLE_LOCKED ? ", locked" : "", references);
	if (info->values == TABLE_VALUES_ALL)
		fputs("legacy", out);
	else
		print_names(out, value_types, info->values, true);
	fprintf(out, "\n algorithm: %s\n items: %u, size: %u\n", info->algorithm, items,
		TABLE_BYTES + items * TABLE_ENTRY_BYTES);
	if (info->limit)
		fprintf(out, " limit: %u\n", info->limit);
}

/* ipfw tells sizes of its own structures here; programs read the numbers of items. */
void table_detail_print(FILE *out, const struct table_info *info, unsigned int present)
{
	__u32 items = info->items[0] + info->items[1], size;

	switch (info->type) {
	case TABLE_ADDRESS:
		if (info->flags & TABLE_HASH)
			fprintf(out,
				" IPv4 algorithm hash info\n  size: 128 items: %u itemsize: 32\n"
				" IPv6 algorithm hash info\n  size: 128 items: %u itemsize: 32\n",
				info->items[0], info->items[1]);
		else
			fprintf(out,
				" IPv4 algorithm radix info\n  items: %u itemsize: 120\n"
				" IPv6 algorithm radix info\n  items: %u itemsize: 128\n",
				info->items[0], info->items[1]);
		break;
	case TABLE_INTERFACE:
		fprintf(out, " algorithm array info\n  size: 64 items: %u itemsize: 8\n", present);
		break;
	case TABLE_NUMBER:
		for (size = 16; size < items; size *= 2)
			;
		fprintf(out, " algorithm array info\n  size: %u items: %u itemsize: 8\n", size, items);
		break;
	case TABLE_FLOW:
		fprintf(out, " algorithm hash info\n  size: 512 items: %u itemsize4: 32 itemsize6: 56\n", items);
		break;
	case TABLE_MAC:
		fprintf(out, " algorithm radix info\n  items: %u itemsize: 120\n", items);
		break;
	}
}
