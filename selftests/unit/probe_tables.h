/* SPDX-License-Identifier: GPL-2.0-only */
/* The model's tables in maps of the kernel, brought there by the code that commands use. */
#ifndef UNIT_PROBE_TABLES_H
#define UNIT_PROBE_TABLES_H

#include "maps/create.h"
#include "maps/tables.h"
#include "selftests/model/random_packets.h"
#include "selftests/unit/probe.h"
#include "selftests/unit/table_maps.h"

#define PROBE_INTERFACES_MAX 8

struct probe_tables {
	struct lasting lasting; /* open: `control' and the maps of tables */
	struct tables tables;	/* while they are being changed */
	struct table_present present[PROBE_INTERFACES_MAX];
};

/* Changes begin with what there is. */
static inline void probe_tables_begin(struct probe_tables *probe)
{
	assert_int_equal(tables_read(&probe->tables, &probe->lasting), 0);
}

static inline void probe_tables_commit(struct probe_tables *probe)
{
	assert_int_equal(tables_commit(&probe->tables, &probe->lasting, probe->present, random_interfaces.count), 0);
	tables_free(&probe->tables);
}

/* Makes the maps, which programs use from now on, and the tables, which are empty. */
static inline void probe_tables_open(struct probe_tables *probe, const struct model_tables *model)
{
	table_maps_open(&probe->lasting);
	for (size_t i = 0; i < random_interfaces.count; i++)
		probe->present[i] = (struct table_present){(__u32)random_interfaces.interfaces[i].index,
							   random_interfaces.interfaces[i].name};
	probe_tables_begin(probe);
	for (size_t i = 0; i < MODEL_TABLES; i++) {
		struct table_info info = {.type = model->tables[i].type,
					  .flow_fields = model->tables[i].flow_fields,
					  .values = TABLE_VALUES_ALL};

		strcpy(info.name, model->tables[i].name);
		assert_int_equal(tables_make(&probe->tables, &info)->index, i + 1);
	}
	probe_tables_commit(probe);
	probe_lasting = &probe->lasting;
}

static inline void probe_tables_set(struct probe_tables *probe, const struct model_table *model,
				    const struct model_entry *entry, bool present)
{
	struct table *table = tables_find(&probe->tables, model->name, 0);
	struct table_entry fresh = {.record = entry->record}, old;
	struct table_key key = entry->key;
	bool found = !table_find(&probe->lasting, table, &key, true, &old);

	if (model->type == TABLE_ADDRESS || model->type == TABLE_MAC)
		fresh.record.number[0] = entry->key.bits;
	assert_int_equal(table_set(table, &entry->key, present ? &fresh : NULL, found ? &old : NULL), 0);
}

/* Adds or removes one entry, in place. */
static inline void probe_tables_edit(struct probe_tables *probe, const struct model_table *model,
				     const struct model_entry *entry, bool present)
{
	probe_tables_begin(probe);
	probe_tables_set(probe, model, entry, present);
	probe_tables_commit(probe);
}

/*
 * Gives the tables these contents: all at once, which replaces what was there, but for the first entry of each, which
 * is added to them, and with the stranger, which is taken out.
 */
static inline void probe_tables_fill(struct probe_tables *probe, const struct model_tables *model)
{
	const struct model_table *table;

	probe_tables_begin(probe);
	for (table = model->tables; table < model->tables + MODEL_TABLES; table++) {
		table_clear(tables_find(&probe->tables, table->name, 0));
		probe_tables_set(probe, table, &table->stranger, true);
		for (size_t n = 1; n < table->count; n++)
			probe_tables_set(probe, table, table->entries + n, true);
	}
	probe_tables_commit(probe);
	for (table = model->tables; table < model->tables + MODEL_TABLES; table++) {
		probe_tables_edit(probe, table, &table->stranger, false);
		if (table->count)
			probe_tables_edit(probe, table, table->entries, true);
	}
}

static inline void probe_tables_close(struct probe_tables *probe)
{
	probe_lasting = NULL;
	lasting_close(&probe->lasting);
}

#endif
