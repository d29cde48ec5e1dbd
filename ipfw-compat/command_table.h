/* SPDX-License-Identifier: GPL-2.0-only */
/* The parts of the command `table'. */
#ifndef COMPAT_COMMAND_TABLE_H
#define COMPAT_COMMAND_TABLE_H

#include "ipfw-compat/command.h"
#include "ipfw-compat/rule_tables.h"
#include "ipfw-compat/table_text.h"

/* One `table NAME ...` that is being run. */
struct table_call {
	struct command_call *call;
	const char *name; /* "all": every table */
	unsigned int set;
	int next; /* index of the argument behind the subcommand */
	bool all;
	bool atomic;
	bool counters, json; /* how to list */
};

/*
 * Opens the tables for reading or for a change, into call->transaction->tables. Returns 0 or an exit code, with the
 * message printed.
 */
int table_open(const struct table_call *table, enum firewall_access access);

/* The table that the call names, or NULL. The tables have been opened. */
struct table *table_named(const struct table_call *table);

/* Makes a table with the type and properties of *info. Returns it, or NULL with *code an exit code and the message
 * printed. */
struct table *table_create(const struct table_call *table, const struct table_info *info, int *code);

/* Subcommands. Return an exit code, with the message printed. */
int table_run_create(struct table_call *table);
int table_run_modify(struct table_call *table);
int table_run_add(struct table_call *table);
int table_run_delete(struct table_call *table);
int table_run_list(struct table_call *table);
int table_run_info(struct table_call *table);
int table_run_detail(struct table_call *table);
int table_run_lookup(struct table_call *table);
int table_run_zero(struct table_call *table);

/* Whether a word in place of a key names a file of entries: a path, or "-" for standard input. */
bool table_file_named(const char *word);
/* add, delete: the entries of the file that stands at call->next. */
int table_file_run(const struct table_call *call, bool add);

#endif
