/* SPDX-License-Identifier: GPL-2.0-only */
/* Entries, and what tables are like, printed. */
#include <arpa/inet.h>
#include <string.h>

#include "ipfw-compat/json.h"
#include "ipfw-compat/names.h"
#include "ipfw-compat/table_text.h"

void table_record_print(FILE *out, const struct table_info *info, const struct table_record *record, bool addresses)
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
	for (const struct name_value *type = table_value_names; type->name; type++) {
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

static void flow_text(char *text, size_t size, unsigned int fields, const struct table_flow *flow)
{
	int family = flow->family == 6 ? AF_INET6 : AF_INET;
	char source[INET6_ADDRSTRLEN], destination[INET6_ADDRSTRLEN], number[3][8];
	const char *const part[] = {source, number[0], number[1], destination, number[2]};

	inet_ntop(family, flow->source, source, sizeof(source));
	inet_ntop(family, flow->destination, destination, sizeof(destination));
	snprintf(number[0], sizeof(number[0]), "%u", flow->protocol);
	snprintf(number[1], sizeof(number[1]), "%u", flow->source_port);
	snprintf(number[2], sizeof(number[2]), "%u", flow->destination_port);
	*text = '\0';
	for (unsigned int i = 0; i < sizeof(part) / sizeof(*part); i++)
		if (fields & 1u << i) {
			size_t used = strlen(text);

			snprintf(text + used, size - used, "%s%s", used ? "," : "", part[i]);
		}
}

void table_key_text(char *text, size_t size, const struct table_info *info, const struct table_key *key)
{
	char address[INET6_ADDRSTRLEN];

	switch (info->type) {
	case TABLE_ADDRESS:
		inet_ntop(key->family == 6 ? AF_INET6 : AF_INET, key->u.address, address, sizeof(address));
		snprintf(text, size, "%s/%u", address, key->bits);
		break;
	case TABLE_INTERFACE:
		snprintf(text, size, "%s", key->u.name);
		break;
	case TABLE_NUMBER:
		snprintf(text, size, "%u", key->u.number);
		break;
	case TABLE_MAC:
		snprintf(text, size, "%02x:%02x:%02x:%02x:%02x:%02x/%u", key->u.mac[0], key->u.mac[1], key->u.mac[2],
			 key->u.mac[3], key->u.mac[4], key->u.mac[5], key->bits);
		break;
	default:
		flow_text(text, size, info->flow_fields, &key->u.flow);
	}
}

/* Seconds that an entry has left, a part of one taken for a whole. */
static unsigned long long seconds_left(const struct table_entry *entry)
{
	__u64 now = table_clock();

	return entry->expires > now ? (entry->expires - now + 999999999) / 1000000000 : 0;
}

void table_entry_print(FILE *out, const struct table_info *info, const struct table_key *key,
		       const struct table_entry *entry, bool addresses)
{
	char text[TABLE_KEY_TEXT_MAX];

	table_key_text(text, sizeof(text), info, key);
	fprintf(out, "%s ", text);
	table_record_print(out, info, &entry->record, addresses);
	if (entry->expires)
		fprintf(out, " timeout %llu", seconds_left(entry));
	fputc('\n', out);
}

/* One member for the single number, or an object with one for each kind. */
static void write_record(struct json *json, const struct table_info *info, const struct table_record *record)
{
	char address[INET6_ADDRSTRLEN];
	__u32 number;

	if (info->values == TABLE_VALUES_ALL) {
		json_number(json, "value", record->number[TABLE_VALUE_TAG]);
		return;
	}
	json_open(json, "value", '{');
	for (const struct name_value *type = table_value_names; type->name; type++) {
		if (!(info->values & 1u << type->value))
			continue;
		if (type->value == TABLE_VALUE_IPV6) {
			json_string(json, type->name, inet_ntop(AF_INET6, record->address6, address, sizeof(address)));
		} else if (type->value == TABLE_VALUE_IPV4) {
			number = htonl(record->number[type->value]);
			json_string(json, type->name, inet_ntop(AF_INET, &number, address, sizeof(address)));
		} else {
			json_number(json, type->name, record->number[type->value]);
		}
	}
	json_close(json, '}');
}

void table_entry_json(FILE *out, const struct table_info *info, const struct table_key *key,
		      const struct table_entry *entry, const struct counters *counters)
{
	struct json json = {.out = out};
	char text[TABLE_KEY_TEXT_MAX];

	json_open(&json, NULL, '{');
	json_string(&json, "table", info->name);
	json_number(&json, "set", info->set);
	table_key_text(text, sizeof(text), info, key);
	json_string(&json, "key", text);
	write_record(&json, info, &entry->record);
	if (entry->expires)
		json_number(&json, "timeout", seconds_left(entry));
	if (counters) {
		json_number(&json, "packets", counters->packets);
		json_number(&json, "bytes", counters->bytes);
		if (counters->last_match)
			json_number(&json, "last_match", (unsigned long long)counters->last_match);
		else
			json_string(&json, "last_match", NULL);
	}
	json_close(&json, '}');
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

void table_info_print(FILE *out, const struct table *table, __u32 items, unsigned int references)
{
	const struct table_info *info = &table->info;

	table_heading_print(out, info);
	fprintf(out, " kindex: %u, type: %s", table->index, names_name(table_type_names, info->type));
	if (info->type == TABLE_FLOW) {
		fputc(':', out);
		print_names(out, table_flow_names, info->flow_fields, false);
	}
	fprintf(out, "%s\n references: %u, valtype: ", info->flags & TABLE_LOCKED ? ", locked" : "", references);
	if (info->values == TABLE_VALUES_ALL)
		fputs("legacy", out);
	else
		print_names(out, table_value_names, info->values, true);
	fprintf(out, "\n algorithm: %s\n items: %u, size: %u\n", info->algorithm, items,
		TABLE_BYTES + items * TABLE_ENTRY_BYTES);
	if (info->limit)
		fprintf(out, " limit: %u\n", info->limit);
	if (info->timeout)
		fprintf(out, " timeout: %u\n", info->timeout);
	if (info->flags & TABLE_COUNTED)
		fputs(" counters\n", out);
}

/* ipfw tells sizes of its own structures here; programs read the numbers of items. */
void table_detail_print(FILE *out, const struct table_info *info, const __u32 items_of[2], unsigned int present)
{
	__u32 items = items_of[0] + items_of[1], size;

	switch (info->type) {
	case TABLE_ADDRESS:
		if (info->flags & TABLE_HASH)
			fprintf(out,
				" IPv4 algorithm hash info\n  size: 128 items: %u itemsize: 32\n"
				" IPv6 algorithm hash info\n  size: 128 items: %u itemsize: 32\n",
				items_of[0], items_of[1]);
		else
			fprintf(out,
				" IPv4 algorithm radix info\n  items: %u itemsize: 120\n"
				" IPv6 algorithm radix info\n  items: %u itemsize: 128\n",
				items_of[0], items_of[1]);
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
