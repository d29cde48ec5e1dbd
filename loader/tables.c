/* SPDX-License-Identifier: GPL-2.0-only */
#include "loader/tables.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "loader/generation.h"
#include "loader/interface.h"
#include "loader/state.h"
#include "loader/table_interfaces.h"

int firewall_tables(const struct firewall *firewall, struct tables *tables, struct error *error)
{
	int result = tables_read(tables, &firewall->lasting);

	return result ? error_set(error, EX_OSERR, -1, "cannot read the tables: %s", strerror(-result)) : 0;
}

int firewall_table_find(const struct firewall *firewall, const struct table *table, struct table_key *key, bool exact,
			struct table_record *record)
{
	return table_find(&firewall->lasting, table, key, exact, record);
}

int firewall_table_each(const struct firewall *firewall, const struct table *table,
			int (*each)(void *argument, const struct table_key *key, const struct table_record *record),
			void *argument)
{
	return table_each(&firewall->lasting, table, each, argument);
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
