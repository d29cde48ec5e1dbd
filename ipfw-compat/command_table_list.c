/* SPDX-License-Identifier: GPL-2.0-only */
/* table list, info, detail, lookup, zero. */
#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "ipfw-compat/command_table.h"
#include "ipfw-compat/table_listing.h"

static int print_entries(const struct table_call *call, struct table *table)
{
	struct table_listing listing;
	int code = table_listing_fetch(&listing, call, table);

	if (!code)
		table_listing_print(&listing, call, table);
	table_listing_free(&listing);
	return code;
}

/* Counts the entries. Returns 0 or an exit code. */
static int count(const struct table_call *call, struct table *table, __u32 items[2])
{
	int result = firewall_table_items(call->call->transaction->firewall, table, items);

	return result ? table_unreadable(call, result) : 0;
}

static int print_info(const struct table_call *call, struct table *table)
{
	const struct transaction *transaction = call->call->transaction;
	__u32 items[2];
	int code = count(call, table, items);

	if (!code)
		table_info_print(transaction->out, table, items[0] + items[1],
				 ruleset_table_references(&transaction->ruleset, table->index));
	return code;
}

static int print_detail(const struct table_call *call, struct table *table)
{
	struct table_listing listing = {0};
	unsigned int present = 0;
	__u32 items[2];
	int code = count(call, table, items);

	if (!code && table->info.type == TABLE_INTERFACE)
		code = table_listing_fetch(&listing, call, table);
	for (size_t i = 0; i < listing.count; i++)
		present += if_nametoindex(listing.entries[i].key.u.name) != 0;
	table_listing_free(&listing);
	if (!code)
		code = print_info(call, table);
	if (!code)
		table_detail_print(call->call->transaction->out, &table->info, items, present);
	return code;
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

typedef int (*printer)(const struct table_call *call, struct table *table);

static int print_all(const struct table_call *call, printer print)
{
	struct tables *tables = call->call->transaction->tables;
	struct table **order = calloc(tables->count + 1, sizeof(*order));
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
	struct table *named;
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

/* -c and -j, together or one by one. Returns 0 or an exit code. */
static int read_list_options(struct table_call *table)
{
	const char *word;

	for (int index = table->next; (word = command_argument(table->call, index)) && *word == '-'; index++)
		for (const char *letter = word + 1; *letter; letter++) {
			if (*letter != 'c' && *letter != 'j')
				return command_refuse(table->call, EX_USAGE, index, "list [-c] [-j]",
						      "unknown option %s", word);
			table->counters |= *letter == 'c';
			table->json |= *letter == 'j';
		}
	return 0;
}

int table_run_list(struct table_call *table)
{
	int code = read_list_options(table);

	return code ? code : print_one_or_all(table, print_entries);
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
	struct table_entry entry;
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
	result = firewall_table_find(call->transaction->firewall, named, &key, false, &entry);
	if (result == -ENOENT)
		return command_refuse(call, EX_UNAVAILABLE, table->next, NULL, "Entry %s not found", word);
	if (result)
		return command_refuse(call, EX_OSERR, table->next, NULL, "getsockopt(IP_FW_TABLE_XFIND): %s",
				      strerror(-result));
	table_entry_print(call->transaction->out, &named->info, &key, &entry, call->options->addresses);
	return 0;
}

/* Sets back the counters of the entries that are named. Returns 0 or an exit code. */
static int reset_named(const struct table_call *table, struct table *named)
{
	struct command_call *call = table->call;
	struct table_entry entry;
	struct table_key key;
	struct error error;
	const char *word;

	error_clear(&error);
	for (int index = table->next; (word = command_argument(call, index)); index++) {
		if (table_key_parse(&key, &named->info, word, call->verb + 1 + index, &error))
			return command_fail(call, &error);
		if (firewall_table_find(call->transaction->firewall, named, &key, true, &entry))
			return command_refuse(call, EX_UNAVAILABLE, index, NULL, "Entry %s not found", word);
		if (table_reset(named, &key))
			return command_refuse(call, EX_OSERR, index, NULL, "%s", strerror(ENOMEM));
	}
	return 0;
}

int table_run_zero(struct table_call *table)
{
	struct transaction *transaction = table->call->transaction;
	struct table *named;
	int code = table_open(table, FIREWALL_WRITE);

	if (code)
		return code;
	for (size_t i = 0; table->all && i < transaction->tables->count; i++)
		table_reset(transaction->tables->tables + i, NULL);
	transaction->tables_changed = true;
	if (table->all)
		return 0;
	named = table_named(table);
	if (!named)
		return command_refuse(table->call, EX_DATAERR, 0, NULL, "Table %s does not exist", table->name);
	if (!(named->info.flags & TABLE_COUNTED))
		return table_uncounted(table);
	if (command_argument(table->call, table->next))
		return reset_named(table, named);
	return table_reset(named, NULL);
}
