/* SPDX-License-Identifier: GPL-2.0-only */
#include "ipfw-compat/table_listing.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "ipfw-compat/listing.h"

int table_unreadable(const struct table_call *call, int result)
{
	return command_refuse(call->call, EX_OSERR, 0, NULL, "failed to request table entries: %s", strerror(-result));
}

int table_uncounted(const struct table_call *call)
{
	return command_refuse(call->call, EX_UNAVAILABLE, 0, "`modify counters' has its entries counted",
			      "table %s has no counters", call->name);
}

static int collect(void *argument, const struct table_key *key, const struct table_entry *entry)
{
	struct table_listing *listing = argument;

	if (listing->count == listing->capacity) {
		size_t capacity = listing->capacity ? listing->capacity * 2 : 64;
		struct table_listed *larger = reallocarray(listing->entries, capacity, sizeof(*larger));

		if (!larger)
			return -ENOMEM;
		listing->entries = larger;
		listing->capacity = capacity;
	}
	listing->entries[listing->count++] = (struct table_listed){*key, *entry};
	return 0;
}

static int compare(const void *left, const void *right, void *type)
{
	return table_key_compare(*(unsigned int *)type, &((const struct table_listed *)left)->key,
				 &((const struct table_listed *)right)->key);
}

/* Reads the counters of all entries; tables of `all' that have none are listed without. Returns 0 or an exit code. */
static int fetch_counters(struct table_listing *listing, const struct table_call *call, const struct table *table)
{
	const struct firewall *firewall = call->call->transaction->firewall;
	struct table_counters counters;
	int result = firewall_table_counters_open(firewall, table, &counters);

	if (result == -ENOENT)
		return call->all ? 0 : table_uncounted(call);
	if (result)
		return table_unreadable(call, result);
	listing->counters = calloc(listing->count + 1, sizeof(*listing->counters));
	if (!listing->counters)
		result = -ENOMEM;
	for (size_t i = 0; !result && i < listing->count; i++)
		result = firewall_table_counters(firewall, &counters, table, &listing->entries[i].key,
						 listing->counters + i);
	table_counters_close(&counters);
	return result ? table_unreadable(call, result) : 0;
}

int table_listing_fetch(struct table_listing *listing, const struct table_call *call, const struct table *table)
{
	unsigned int type = table->info.type;
	int result;

	memset(listing, 0, sizeof(*listing));
	result = firewall_table_each(call->call->transaction->firewall, table, collect, listing);
	if (result)
		return table_unreadable(call, result);
	if (listing->count)
		qsort_r(listing->entries, listing->count, sizeof(*listing->entries), compare, &type);
	return call->counters ? fetch_counters(listing, call, table) : 0;
}

void table_listing_free(struct table_listing *listing)
{
	free(listing->entries);
	free(listing->counters);
	memset(listing, 0, sizeof(*listing));
}

static void print_json(const struct table_listing *listing, FILE *out, const struct table *table)
{
	for (size_t i = 0; i < listing->count; i++)
		table_entry_json(out, &table->info, &listing->entries[i].key, &listing->entries[i].entry,
				 listing->counters ? listing->counters + i : NULL);
}

void table_listing_print(const struct table_listing *listing, const struct table_call *call, const struct table *table)
{
	const struct options *options = call->call->options;
	FILE *out = call->call->transaction->out;
	struct print_options format = {
		.counters = true,
		.timestamp = !options->timestamp_raw,
		.timestamp_raw = options->timestamp_raw,
	};

	if (call->json) {
		print_json(listing, out, table);
		return;
	}
	if (call->all)
		table_heading_print(out, &table->info);
	for (size_t i = 0; listing->counters && i < listing->count; i++)
		listing_fit(&format, listing->counters + i);
	for (size_t i = 0; i < listing->count; i++) {
		if (listing->counters)
			listing_counters_print(out, listing->counters + i, &format);
		table_entry_print(out, &table->info, &listing->entries[i].key, &listing->entries[i].entry,
				  options->addresses);
	}
}
