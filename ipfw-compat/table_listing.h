/* SPDX-License-Identifier: GPL-2.0-only */
/* The entries of a table, in the order of listings. */
#ifndef COMPAT_TABLE_LISTING_H
#define COMPAT_TABLE_LISTING_H

#include "ipfw-compat/command_table.h"

struct table_listing {
	struct table_listed {
		struct table_key key;
		struct table_entry entry;
	} * entries;
	size_t count, capacity;
	struct counters *counters; /* of each, NULL: not asked for, or not kept */
};

/* Fetches the entries, with the counters if the call asks for them. Returns 0 or an exit code; to be freed always. */
int table_listing_fetch(struct table_listing *listing, const struct table_call *call, const struct table *table);
void table_listing_free(struct table_listing *listing);

/* Prints them as the call asks for: lines or JSON. */
void table_listing_print(const struct table_listing *listing, const struct table_call *call, const struct table *table);

/* Say what is wrong; return an exit code. */
int table_unreadable(const struct table_call *call, int result);
int table_uncounted(const struct table_call *call);

#endif
