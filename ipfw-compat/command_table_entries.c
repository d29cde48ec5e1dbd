/* SPDX-License-Identifier: GPL-2.0-only */
/* table add, table delete: entries as words. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "ipfw-compat/table_batch.h"

static const char *const outcome_words[TABLE_OUTCOMES] = {
	[TABLE_IGNORED] = "ignored",	[TABLE_ADDED] = "added",   [TABLE_DELETED] = "deleted",
	[TABLE_UPDATED] = "updated",	[TABLE_LIMIT] = "limit",   [TABLE_FAILED] = "error",
	[TABLE_NOT_FOUND] = "notfound", [TABLE_EXISTS] = "exists",
};

/* All entries that one command names. */
struct entries {
	struct table_batch batch;
	struct table_request *requests;
	size_t count;
	int error; /* errno of the first one that failed, 0: none */
};

/* Returns 0 or an exit code. */
static int read_requests(struct entries *entries)
{
	const struct table_call *call = entries->batch.call;
	int index = call->next, code = 0;

	while (!code && command_argument(call->call, index))
		code = table_request_read(entries->requests + entries->count++, &entries->batch, call->call, &index);
	return code;
}

static void apply(struct entries *entries)
{
	bool atomic = entries->batch.call->atomic;

	for (size_t i = 0; i < entries->count && !(atomic && entries->error); i++) {
		int error = table_request_apply(&entries->batch, entries->requests + i);

		if (!entries->error)
			entries->error = error;
	}
}

/* Applies all or, should one fail, none. Returns 0 or -ENOMEM. */
static int apply_atomically(struct entries *entries)
{
	struct table saved;
	int result = table_batch_save(&saved, &entries->batch);

	if (result)
		return result;
	apply(entries);
	if (entries->error)
		table_batch_revert(&entries->batch, &saved);
	else
		table_batch_keep(&saved);
	return 0;
}

static int report(const struct entries *entries)
{
	const struct table_batch *batch = &entries->batch;
	const struct command_call *call = batch->call->call;
	bool reverted = batch->call->atomic && entries->error;

	if (call->options->quiet && (!entries->error || entries->error == (batch->add ? EEXIST : ENOENT)))
		return 0;
	for (size_t i = 0; i < entries->count; i++) {
		const struct table_request *request = entries->requests + i;

		fprintf(call->transaction->out, "%s%s: ", outcome_words[request->outcome],
			reverted && (request->outcome == TABLE_ADDED || request->outcome == TABLE_UPDATED)
				? "(reverted)"
				: "");
		table_entry_print(call->transaction->out, &batch->info, &request->key, &request->entry,
				  call->options->addresses);
	}
	if (!entries->error)
		return 0;
	return command_refuse(call, EX_OSERR, -1, NULL, "%s: %s",
			      batch->add ? "Adding record failed" : "Deleting record failed",
			      table_error_text(entries->error));
}

static int run(struct entries *entries)
{
	const struct table_call *call = entries->batch.call;
	int code = table_batch_open(&entries->batch, call->call, call->next);

	if (!code)
		code = read_requests(entries);
	if (code || !entries->batch.table)
		return code;
	if (!call->atomic)
		apply(entries);
	else if (apply_atomically(entries))
		return command_refuse(call->call, EX_OSERR, -1, NULL, "%s", strerror(ENOMEM));
	return report(entries);
}

static int change(const struct table_call *call, bool add)
{
	struct entries entries = {.batch = {.call = call, .add = add}};
	const char *word = command_argument(call->call, call->next);
	int code;

	if (!word)
		return command_refuse(call->call, EX_USAGE, -1, NULL, "address required");
	if (table_file_named(word))
		return table_file_run(call, add);
	entries.requests = calloc((size_t)call->call->words->count, sizeof(*entries.requests));
	if (!entries.requests)
		return command_refuse(call->call, EX_OSERR, -1, NULL, "%s", strerror(ENOMEM));
	code = run(&entries);
	free(entries.requests);
	return code;
}

int table_run_add(struct table_call *table)
{
	return change(table, true);
}

int table_run_delete(struct table_call *table)
{
	return change(table, false);
}
