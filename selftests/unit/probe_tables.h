/* SPDX-License-Identifier: GPL-2.0-only */
/* The model's tables in maps of the kernel, brought there by the code that commands use. */
#ifndef UNIT_PROBE_TABLES_H
#define UNIT_PROBE_TABLES_H

#include "maps/create.h"
#include "maps/tables.h"
#include "selftests/model/random_packets.h"
#include "selftests/unit/probe.h"

#define PROBE_INTERFACES_MAX 8

struct probe_tables {
	struct lasting lasting; /* only the maps of tables are open */
	struct tables tables;
	struct table_present present[PROBE_INTERFACES_MAX];
};

static inline void probe_tables_commit(struct probe_tables *probe)
{
	assert_int_equal(tables_commit(&probe->tables, &probe->lasting, probe->present, random_interfaces.count), 0);
}

/* Makes the maps, which programs use from now on, and the tables, which are empty. */
static inline void probe_tables_open(struct probe_tables *probe, const struct model_tables *model)
{
	struct map_order orders[LASTING_TYPED_MAPS - LASTING_TABLES] = {0};
	const size_t count = sizeof(orders) / sizeof(*orders);

	memset(probe, 0, sizeof(*probe));
	for (int i = 0; i < LASTING_MAPS; i++)
		probe->lasting.fds[i] = -1;
	for (size_t i = 0; i < count; i++)
		orders[i].name = lasting_names[LASTING_TABLES + i];
	assert_int_equal(maps_create(probe_path("../bpf/store.bpf.o"), orders, count), 0);
	for (size_t i = 0; i < count; i++)
		probe->lasting.fds[LASTING_TABLES + i] = orders[i].fd;
	for (size_t i = 0; i < random_interfaces.count; i++)
		probe->present[i] = (struct table_present){(__u32)random_interfaces.interfaces[i].index,
							   random_interfaces.interfaces[i].name};
	for (size_t i = 0; i < MODEL_TABLES; i++) {
		struct table_info info = {.type = model->tables[i].type,
					  .flow_fields = model->tables[i].flow_fields,
					  .values = TABLE_VALUES_ALL};

		strcpy(info.name, model->tables[i].name);
		assert_int_equal(tables_make(&probe->tables, &info)->index, i + 1);
	}
	assert_int_equal(tables_install(&probe->tables, &probe->lasting, probe->present, random_interfaces.count), 0);
	probe_lasting = &probe->lasting;
}

static inline void probe_tables_set(struct table *table, const struct model_entry *entry, bool present)
{
	struct table_record record = entry->record;

	if (table->info.type == TABLE_ADDRESS || table->info.type == TABLE_MAC)
		record.number[0] = entry->key.bits;
	assert_int_equal(table_set(table, &entry->key, present ? &record : NULL, present), 0);
}

/* Adds or removes one entry, in place. */
static inline void probe_tables_edit(struct probe_tables *probe, size_t place, const struct model_entry *entry,
				     bool present)
{
	probe_tables_set(probe->tables.tables + place, entry, present);
	probe_tables_commit(probe);
}

/*
 * Gives the tables these contents: all at once, which replaces what was there, but for the first entry of each, which
 * is added to them, and with the stranger, which is taken out.
 */
static inline void probe_tables_fill(struct probe_tables *probe, const struct model_tables *model)
{
	for (size_t i = 0; i < MODEL_TABLES; i++) {
		table_clear(probe->tables.tables + i);
		probe_tables_set(probe->tables.tables + i, &model->tables[i].stranger, true);
		for (size_t n = 1; n < model->tables[i].count; n++)
			probe_tables_set(probe->tables.tables + i, model->tables[i].entries + n, true);
	}
	probe_tables_commit(probe);
	for (size_t i = 0; i < MODEL_TABLES; i++) {
		probe_tables_edit(probe, i, &model->tables[i].stranger, false);
		if (model->tables[i].count)
			probe_tables_edit(probe, i, model->tables[i].entries, true);
	}
}

static inline void probe_tables_close(struct probe_tables *probe)
{
	probe_lasting = NULL;
	tables_free(&probe->tables);
	lasting_close(&probe->lasting);
}

#endif
