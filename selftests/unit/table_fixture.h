/* SPDX-License-Identifier: GPL-2.0-only */
/* Look-up tables with fixed contents, one of each type, in maps of the kernel that all probes share. */
#ifndef UNIT_TABLE_FIXTURE_H
#define UNIT_TABLE_FIXTURE_H

#include "ipfw-compat/table_text.h"
#include "selftests/unit/probe.h"
#include "selftests/unit/table_maps.h"

static const struct {
	const char *name, *type, *entries[6][2]; /* key and value */
} table_fixtures[] = {
	{"a", "addr", {{"10.0.0.0/8", "5"}, {"10.1.0.0/16", "6"}, {"2001:db8::/32", "5"}, {"2001:db8::1", "6"}}},
	{"i", "iface", {{"em0", "5"}, {"nowhere0", "5"}}},
	{"n", "number", {{"22", "5"}, {"46", "5"}, {"100", "5"}, {"1000", "6"}}},
	{"f", "flow:src-ip,proto,dst-port", {{"10.0.0.1,6,80", "5"}, {"2001:db8::1,6,443", "6"}}},
	{"m", "mac", {{"02:00:00:00:00:01", "5"}, {"06:00:00:00:00:00/16", "6"}}},
};
#define TABLE_FIXTURES (sizeof(table_fixtures) / sizeof(*table_fixtures))

static struct lasting table_fixture_maps;
static struct tables table_fixture_tables;

static inline void table_fixture_fill(struct table *table, const char *const entries[][2])
{
	struct table_entry entry = {0};
	struct table_key key;
	struct error error;

	for (; (*entries)[0]; entries++) {
		error_clear(&error);
		if (table_key_parse(&key, &table->info, (*entries)[0], 0, &error) ||
		    table_record_parse(&entry.record, &table->info, (*entries)[1], 0, &error))
			fail_msg("%s %s: %s", (*entries)[0], (*entries)[1], error.message);
		entry.record.number[TABLE_VALUE_ANY] = key.bits;
		assert_int_equal(table_set(table, &key, &entry, NULL), 0);
	}
}

/* Makes the tables, with which probes work until table_fixture_close(). */
static inline void table_fixture_make(const struct table_present *present, size_t present_count)
{
	struct table_info info;
	struct error error;

	table_maps_open(&table_fixture_maps);
	probe_lasting = &table_fixture_maps;
	for (size_t i = 0; i < TABLE_FIXTURES; i++) {
		info = (struct table_info){.values = TABLE_VALUES_ALL};
		strcpy(info.name, table_fixtures[i].name);
		error_clear(&error);
		assert_int_equal(table_type_parse(&info, table_fixtures[i].type, 0, &error), 0);
		table_fixture_fill(tables_make(&table_fixture_tables, &info), table_fixtures[i].entries);
	}
	assert_int_equal(tables_commit(&table_fixture_tables, &table_fixture_maps, present, present_count), 0);
}

static inline void table_fixture_close(void)
{
	probe_lasting = NULL;
	tables_free(&table_fixture_tables);
	lasting_close(&table_fixture_maps);
}

/* Writes into the options of the rule which of these tables they mean. */
static inline void table_fixture_resolve(struct rule *rule)
{
	RULE_FOR_EACH_OPTION (option, rule) {
		struct option *writable = (struct option *)option;
		bool lookup = option->code == OPTION_LOOKUP;
		const struct table *table;

		if (option->code < OPTION_SOURCE_TABLE || option->code > OPTION_DESTINATION_MAC)
			continue;
		table = tables_find(&table_fixture_tables, lookup ? option->u.lookup.name : option->u.table.name, 0);
		assert_non_null(table);
		if (lookup) {
			writable->u.lookup.index = (__u16)table->index;
		} else {
			writable->u.table.index = (__u16)table->index;
			writable->u.table.flow_fields = table->info.flow_fields;
		}
	}
}

#endif
