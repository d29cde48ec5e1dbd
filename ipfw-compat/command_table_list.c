/* SPDX-License-Identifier: GPL-2.0-only */
/* table list, info, detail, lookup. */
#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "ipfw-compat/command_table.h"

struct entry {
	struct table_key key;
	struct table_record record;
};

/* The entries of a table, to be sorted. */
struct entries {
	struct entry *entries;
	size_t count, capacity;
};

static int collect(void *argument, const struct table_key *key, const struct table_record *record)
{
	struct entries *entries = argument;

	if (entries->count == entries->capacity) {
		size_t capacity = entries->capacity ? entries->capacity * 2 : 64;
		struct entry *larger = reallocarray(entries->entries, capacity, sizeof(*larger));

		if (!larger)
			return -ENOMEM;
		entries->entries = larger;
		entries->capacity = capacity;
	}
	entries->entries[entries->count++] = (struct entry){*key, *record};
	return 0;
}

static int compare(const void *left, const void *right, void *type)
{
	return table_key_compare(*(unsigned int *)type, &((const struct entry *)left)->key,
				 &((const struct entry *)right)->key);
}

/* Fetches the entries in the order of listings. Returns 0 or an exit code. */
static int fetch(const struct table_call *call, const struct table *table, struct entries *entries)
{
	unsigned int type = table->info.type;
	int result;

	memset(entries, 0, sizeof(*entries));
	result = firewall_table_each(call->call->transaction->firewall, table, collect, entries);
	if (result) {
		free(entries->entries);
		return command_refuse(call->call, EX_OSERR, 0, NULL, "failed to request table entries: %s",
				      strerror(-result));
	}
	if (entries->count)
		qsort_r(entries->entries, entries->count, sizeof(*entries->entries), compare, &type);
	return 0;
}

static int print_entries(const struct table_call *call, const struct table *table)
{
	FILE *out = call->call->transaction->out;
	struct entries entries;
	int code = fetch(call, table, &entries);

	if (code)
		return code;
	if (call->all)
		table_heading_print(out, &table->info);
	for (size_t i = 0; i < entries.count; i++)
		table_entry_print(out, &table->info, &entries.entries[i].key, &entries.entries[i].record,
				  call->call->options->addresses);
	free(entries.entries);
	return 0;
}

static int print_info(const struct table_call *call, const struct table *table)
{
	const struct transaction *transaction = call->call->transaction;

	table_info_print(transaction->out, table, ruleset_table_references(&transaction->ruleset, table->index));
	return 0;
}

static int print_detail(const struct table_call *call, const struct table *table)
{
	struct entries entries = {0};
	unsigned int present = 0;
	int code = table->info.type == TABLE_INTERFACE ? fetch(call, table, &entries) : 0;

	if (code)
		return code;
	for (size_t i = 0; i < entries.count; i++)
		present += if_nametoindex(entries.entries[i].key.u.name) != 0;
	free(entries.entries);
	print_info(call, table);
	table_detail_print(call->call->transaction->out, &table->info, present);
	return 0;
}

/* By length of the name first, so that numbers are in order. */
static int compare_tables(const void *left, const void *right)
{
	const struct table_info *first = &(*(const struct table *const *)left)->info;
	const struct table_info *second = &(*(const struct table *const *)right)->info;
	size_t first_length = strlen(first->name), second_length = strlen(second->name);
	int order;

	if (first_length != second_length)
		return first_length < second_length ? -1 : 1;
	order = strcmp(first->name, second->name);
	return order ? order : first->set - second->set;
}

typedef int (*printer)(const struct table_call *call, const struct table *table);

static int print_all(const struct table_call *call, printer print)
{
	const struct tables *tables = call->call->transaction->tables;
	const struct table **order = calloc(tables->count + 1, sizeof(*order));
	int code = 0;

	if (!order)
		return command_refuse(call->call, EX_OSERR, 0, NULL, "failed to request tables list: %s",
				      strerror(ENOMEM));
	for (size_t i = 0; i < tables->count; i++)
		order[i] = tables->tables + i;
	qsort(order, tables->count, sizeof(*order), compare_tables);
	for (size_t i = 0; !code && i < tables->count; i++)
		code = print(call, order[i]);
	free(order);
	return code;
}

static int print_one_or_all(const struct table_call *call, printer print)
{
	const struct table *named;
	int code = table_open(call, FIREWALL_READ);

	if (code)
		return code;
	if (call->all)
		return print_all(call, print);
	named = table_named(call);
	if (!named)
		return command_refuse(call->call, EX_OSERR, 0, NULL, "failed to request table info: %s",
				      strerror(ESRCH));
	return print(call, named);
}

int table_run_list(struct table_call *table)
{
	return print_one_or_all(table, print_entries);
}

int table_run_info(struct table_call *table)
{
	return print_one_or_all(table, print_info);
}

int table_run_detail(struct table_call *table)
{
	return print_one_or_all(table, print_detail);
}

int table_run_lookup(struct table_call *table)
{
	struct command_call *call = table->call;
	const char *word = command_argument(call, table->next);
	struct table_record record;
	struct table_key key;
	struct error error;
	struct table *named;
	int code, result;

	if (!word)
		return command_refuse(call, EX_USAGE, -1, NULL, "address required");
	code = table_open(table, FIREWALL_READ);
	if (code)
		return code;
	named = table_named(table);
	if (!named)
		return command_refuse(call, EX_DATAERR, 0, NULL, "Table %s does not exist", table->name);
	error_clear(&error);
	if (table_key_parse(&key, &named->info, word, call->verb + 1 + table->next, &error))
		return command_fail(call, &error);
	result = firewall_table_find(call->transaction->firewall, named, &key, false, &record);
	if (result == -ENOENT)
		return command_refuse(call, EX_UNAVAILABLE, table->next, NULL, "Entry %s not found", word);
	if (result)
		return command_refuse(call, EX_OSERR, table->next, NULL, "getsockopt(IP_FW_TABLE_XFIND): %s",
				      strerror(-result));
	table_entry_print(call->transaction->out, &named->info, &key, &record, call->options->addresses);
	return 0;
}
