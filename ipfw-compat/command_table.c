/* SPDX-License-Identifier: GPL-2.0-only */
/* table: which subcommand, and those that need few words. */
#include "ipfw-compat/command_table.h"

#include <errno.h>
#include <string.h>
#include <sysexits.h>

#include "ipfw-compat/names.h"

int table_open(const struct table_call *table, enum firewall_access access)
{
	struct error error;

	error_clear(&error);
	if (transaction_open_tables(table->call->transaction, access, &error))
		return command_fail(table->call, &error);
	return 0;
}

struct table *table_named(const struct table_call *table)
{
	return tables_find(table->call->transaction->tables, table->name, table->set);
}

struct table *table_create(const struct table_call *table, const struct table_info *info, int *code)
{
	struct transaction *transaction = table->call->transaction;
	struct table_info named = *info;
	struct table *made;

	strncpy(named.name, table->name, sizeof(named.name) - 1);
	named.set = (__u8)table->set;
	made = transaction_make_table(transaction, &named);
	if (!made)
		*code = command_refuse(table->call, EX_OSERR, 0, "net.inet.ip.fw.tables_max is how many there may be",
				       "Table creation failed: %s", strerror(EFBIG));
	return made;
}

/* Refuses what needs a table that is not there. */
static int missing(const struct table_call *table, const char *what)
{
	return command_refuse(table->call, EX_OSERR, 0, NULL, "%s: %s", what, strerror(ESRCH));
}

static int run_lock(struct table_call *table, bool locked)
{
	struct table *named;
	int code = table_open(table, FIREWALL_WRITE);

	if (code)
		return code;
	named = table_named(table);
	if (!named)
		return missing(table, locked ? "Table lock failed" : "Table unlock failed");
	named->info.flags = (__u8)(locked ? named->info.flags | TABLE_LOCKED : named->info.flags & ~TABLE_LOCKED);
	named->changed = true;
	table->call->transaction->tables_changed = true;
	return 0;
}

static int run_lock_on(struct table_call *table)
{
	return run_lock(table, true);
}

static int run_lock_off(struct table_call *table)
{
	return run_lock(table, false);
}

static void warn_missing(const struct table_call *table, const char *what, const char *suffix)
{
	if (!table->call->options->quiet)
		fprintf(stderr, "%s: failed to %s table %s%s: %s\n", table->call->program, what, table->name, suffix,
			strerror(ESRCH));
}

static int run_destroy(struct table_call *table)
{
	struct transaction *transaction = table->call->transaction;
	struct table *named;
	int code = table_open(table, FIREWALL_WRITE);

	if (code)
		return code;
	named = table_named(table);
	if (!named) {
		warn_missing(table, "destroy", "");
		return 0;
	}
	if (ruleset_table_references(&transaction->ruleset, named->index))
		return command_refuse(table->call, EX_OSERR, 0, "rules refer to it", "failed to destroy table %s: %s",
				      table->name, strerror(EBUSY));
	tables_remove(transaction->tables, named);
	transaction->tables_changed = true;
	return 0;
}

static int run_flush(struct table_call *table)
{
	struct tables *tables;
	struct table *named;
	int code = table_open(table, FIREWALL_WRITE);

	if (code)
		return code;
	tables = table->call->transaction->tables;
	table->call->transaction->tables_changed = true;
	if (table->all) {
		for (size_t i = 0; i < tables->count; i++)
			table_clear(tables->tables + i);
		return 0;
	}
	named = table_named(table);
	if (named)
		table_clear(named);
	else
		warn_missing(table, "flush", " info");
	return 0;
}

/* Whether the entries of the one are more than the other table may have. */
static bool too_many(const struct table_call *call, const struct table *table, struct table *entries)
{
	__u32 items[2];

	return table->info.limit && (firewall_table_items(call->call->transaction->firewall, entries, items) ||
				     items[0] + items[1] > table->info.limit);
}

static int run_swap(struct table_call *table)
{
	const char *second = command_argument(table->call, table->next);
	struct table *left, *right;
	int code;

	if (!second)
		return command_refuse(table->call, EX_USAGE, -1, NULL, "second table name required");
	if (!object_name_valid(second, strlen(second)))
		return command_refuse(table->call, EX_USAGE, table->next, NULL, "table name %s is invalid", second);
	code = table->call->options->test_only ? 0 : table_open(table, FIREWALL_WRITE);
	if (code || table->call->options->test_only)
		return code;
	left = table_named(table);
	right = tables_find(table->call->transaction->tables, second, table->set);
	/* Here ipfw does nothing either, and does not complain. */
	if (!left || !right || left == right || (left->info.flags | right->info.flags) & TABLE_LOCKED)
		return 0;
	if (left->info.type != right->info.type || left->info.flow_fields != right->info.flow_fields ||
	    left->info.values != right->info.values || strcmp(left->info.algorithm, right->info.algorithm) != 0)
		return command_refuse(table->call, EX_USAGE, table->next, NULL, "Unable to swap table: check types");
	if (too_many(table, left, right) || too_many(table, right, left))
		return command_refuse(table->call, EX_USAGE, table->next, NULL, "Unable to swap table: check limits");
	tables_swap(left, right);
	table->call->transaction->tables_changed = true;
	return 0;
}

struct subcommand {
	const char *name;
	int (*run)(struct table_call *table);
	bool all;     /* may be for all tables */
	bool checked; /* takes `-n` itself; others do nothing then */
};

static const struct subcommand subcommands[] = {
	{"add", table_run_add, false, true},
	{"delete", table_run_delete, false, true},
	{"create", table_run_create, false, true},
	{"destroy", run_destroy, false, false},
	{"flush", run_flush, true, false},
	{"modify", table_run_modify, false, true},
	{"swap", run_swap, false, true},
	{"info", table_run_info, true, false},
	{"detail", table_run_detail, true, false},
	{"list", table_run_list, true, false},
	{"lookup", table_run_lookup, false, false},
	{"atomic", NULL, false, true},
	{"lock", run_lock_on, false, false},
	{"unlock", run_lock_off, false, false},
	{"zero", table_run_zero, true, false},
};

/* The one subcommand that begins with `word`, or NULL. */
static const struct subcommand *find(const char *word)
{
	const struct subcommand *found = NULL;

	for (size_t i = 0; *word && i < sizeof(subcommands) / sizeof(*subcommands); i++) {
		if (strncmp(subcommands[i].name, word, strlen(word)) != 0)
			continue;
		if (found)
			return NULL;
		found = subcommands + i;
	}
	return found;
}

/* Finds the subcommand at table->next and moves on. Returns 0 or an exit code. */
static int take_subcommand(struct table_call *table, const struct subcommand **subcommand, const char *missing_word)
{
	const char *word = command_argument(table->call, table->next);

	if (!word)
		return command_refuse(table->call, EX_USAGE, -1,
				      "add, atomic add, create, delete, destroy, detail, flush, info, list, lock, "
				      "lookup, modify, swap, unlock, zero",
				      "%s", missing_word);
	*subcommand = find(word);
	if (!*subcommand)
		return command_refuse(table->call, EX_USAGE, table->next, NULL, "ambiguous table command %s", word);
	table->next++;
	return 0;
}

static int take_name(struct table_call *table)
{
	table->name = command_argument(table->call, 0);
	if (!table->name)
		return command_refuse(table->call, EX_USAGE, -1, NULL, "table needs name");
	table->all = !strcmp(table->name, "all");
	if (!table->all && !object_name_valid(table->name, strlen(table->name)))
		return command_refuse(table->call, EX_USAGE, 0, "a name is up to 63 letters, digits and any of - _ .",
				      "table name %s is invalid", table->name);
	return 0;
}

int command_table(struct command_call *call)
{
	struct table_call table = {.call = call, .set = call->set == ANY_SET ? 0 : (unsigned int)call->set, .next = 1};
	const struct subcommand *subcommand;
	int code = take_name(&table);

	if (!code)
		code = take_subcommand(&table, &subcommand, "table needs command");
	if (!code && !subcommand->run) {
		table.atomic = true;
		code = take_subcommand(&table, &subcommand, "atomic needs command");
		if (!code && subcommand->run != table_run_add)
			return command_refuse(call, EX_USAGE, 2, "atomic add", "atomic is not compatible with %s",
					      command_argument(call, 2));
	}
	if (code)
		return code;
	if (table.all && !subcommand->all)
		return command_refuse(call, EX_USAGE, 0, NULL, "table name required");
	if (call->options->test_only && !subcommand->checked)
		return 0;
	return subcommand->run(&table);
}
