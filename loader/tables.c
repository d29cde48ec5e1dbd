/* SPDX-License-Identifier: GPL-2.0-only */
#include "loader/tables.h"

#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "loader/generation.h"
#include "loader/interface.h"
#include "loader/state.h"
#include "loader/table_interfaces.h"
#include "maps/table_counters.h"

int firewall_tables(const struct firewall *firewall, struct tables *tables, struct error *error)
{
	int result = tables_read(tables, &firewall->lasting);

	return result ? error_set(error, EX_OSERR, -1, "cannot read the tables: %s", strerror(-result)) : 0;
}

int firewall_table_find(const struct firewall *firewall, const struct table *table, struct table_key *key, bool exact,
			struct table_entry *entry)
{
	return table_find(&firewall->lasting, table, key, exact, entry);
}

int firewall_table_each(const struct firewall *firewall, const struct table *table,
			int (*each)(void *argument, const struct table_key *key, const struct table_entry *entry),
			void *argument)
{
	return table_each(&firewall->lasting, table, each, argument);
}

int firewall_table_items(const struct firewall *firewall, struct table *table, __u32 items[2])
{
	return table_items(&firewall->lasting, table, items);
}

int firewall_table_counters_open(const struct firewall *firewall, const struct table *table,
				 struct table_counters *counters)
{
	if (!(table->info.flags & TABLE_COUNTED))
		return -ENOENT;
	return table_counters_open(&firewall->lasting, table, counters);
}

/* Nanoseconds that the wall clock is ahead of table_clock(). Both move on together. */
static __u64 clock_offset(void)
{
	struct timespec wall;
	__u64 before, after = table_clock();

	do {
		before = after;
		clock_gettime(CLOCK_REALTIME_COARSE, &wall);
		after = table_clock();
	} while (before != after);
	return (__u64)wall.tv_sec * 1000000000 + (__u64)wall.tv_nsec - after;
}

int firewall_table_counters(const struct firewall *firewall, const struct table_counters *from,
			    const struct table *table, const struct table_key *key, struct counters *counters)
{
	__u32 interface = table->info.type == TABLE_INTERFACE ? if_nametoindex(key->u.name) : 0;
	struct rule_counter counter = {0};
	int result = 0;

	if (!table->reset_all && !table_edits_find(&table->reset, key))
		result = table_counters_read(&firewall->lasting, from, table, key, interface, &counter);
	*counters = (struct counters){.packets = counter.packets, .bytes = counter.bytes};
	if (counter.last_match)
		counters->last_match = (time_t)((counter.last_match + clock_offset()) / 1000000000);
	return result;
}

static int list_present(const struct interface_list *interfaces, struct table_present **present)
{
	*present = calloc(interfaces->count + 1, sizeof(**present));
	if (!*present)
		return -ENOMEM;
	for (size_t i = 0; i < interfaces->count; i++)
		(*present)[i] =
			(struct table_present){(__u32)interfaces->interfaces[i].index, interfaces->interfaces[i].name};
	return 0;
}

int table_interfaces_refresh(const struct lasting *lasting, const struct interface_list *interfaces)
{
	struct table_present *present;
	struct tables *tables = calloc(1, sizeof(*tables));
	int result = tables ? tables_read(tables, lasting) : -ENOMEM;

	if (!result && tables->count) {
		result = list_present(interfaces, &present);
		if (!result) {
			result = tables_refresh(tables, lasting, present, interfaces->count);
			free(present);
		}
	}
	if (tables)
		tables_free(tables);
	free(tables);
	return result;
}

/* What all changes need: something to change, and the interfaces. Returns 0, or -1 with *error set. */
static int look_around(struct firewall *firewall, struct interface_list *interfaces, struct table_present **present,
		       struct error *error)
{
	int result;

	if (firewall_check_write(firewall, error) || firewall_make(firewall, error))
		return -1;
	result = interface_list_read(interfaces);
	if (!result)
		result = list_present(interfaces, present);
	return result ? error_set(error, EX_OSERR, -1, "cannot read the interfaces: %s", strerror(-result)) : 0;
}

static int change(struct firewall *firewall, struct tables *tables, bool prepare, struct error *error)
{
	struct interface_list interfaces = {0};
	struct table_present *present = NULL;
	/* What is prepared is complete. */
	int result = tables->epochs.after ? 0 : look_around(firewall, &interfaces, &present, error);

	if (!result && prepare)
		result = tables_prepare(tables, &firewall->lasting, present, interfaces.count,
					generation_next(firewall->lasting.control));
	else if (!result)
		result = tables_commit(tables, &firewall->lasting, present, interfaces.count);
	free(present);
	interface_list_free(&interfaces);
	firewall->table_epochs = prepare && !result ? tables->epochs : (struct table_epochs){0};
	return result ? error_set(error, EX_OSERR, -1, "cannot change the tables: %s", strerror(-result)) : 0;
}

int firewall_tables_prepare(struct firewall *firewall, struct tables *tables, struct error *error)
{
	return change(firewall, tables, true, error);
}

void firewall_tables_withdraw(struct firewall *firewall)
{
	firewall->table_epochs = (struct table_epochs){0};
	if (firewall->lasting.control)
		tables_recover(&firewall->lasting);
}

int firewall_tables_commit(struct firewall *firewall, struct tables *tables, struct error *error)
{
	return change(firewall, tables, false, error);
}
