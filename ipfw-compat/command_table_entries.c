/* SPDX-License-Identifier: GPL-2.0-only */
/* table add, table delete. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "ipfw-compat/command_table.h"

enum outcome { IGNORED, ADDED, DELETED, UPDATED, LIMIT, FAILED, NOT_FOUND, EXISTS };

static const char *const outcome_words[] = {
	[IGNORED] = "ignored", [ADDED] = "added",  [DELETED] = "deleted",    [UPDATED] = "updated",
	[LIMIT] = "limit",     [FAILED] = "error", [NOT_FOUND] = "notfound", [EXISTS] = "exists",
};

struct request {
	struct table_key key;
	struct table_record record;
	enum outcome outcome;
};

/* All entries that one command is about. */
struct batch {
	const struct table_call *table;
	struct table *named; /* NULL with -n */
	bool add;
	struct request *requests;
	size_t count;
	int error; /* errno of the first one that failed, 0: none */
};

/* Makes the missing table of the type that `word` looks like. Returns 0 or an exit code. */
static int make_missing(struct batch *batch, int index, const char *word)
{
	const struct table_call *table = batch->table;
	struct table_info info = {.values = TABLE_VALUES_ALL};
	int type = table_key_guess(word), code = 0;

	if (!batch->add)
		return command_refuse(table->call, EX_DATAERR, 0, NULL, "Table %s does not exist", table->name);
	if (type < 0)
		return command_refuse(table->call, EX_USAGE, index, "`create' makes a table of a given type",
				      "Table %s does not exist, cannot guess key '%s' type", table->name, word);
	if (!table->call->options->quiet)
		fprintf(stderr, "%s: DEPRECATED: inserting data into non-existent table %s. (auto-created)\n",
			table->call->program, table->name);
	info.type = (__u8)type;
	strcpy(info.algorithm, table_algorithm((unsigned int)type));
	batch->named = table_create(table, &info, &code);
	return code;
}

/* What the table is like; with -n, what its first key makes it look like. Returns 0 or an exit code. */
static int find_table(struct batch *batch, struct table_info *info)
{
	const struct table_call *table = batch->table;
	const char *word = command_argument(table->call, table->next);
	int type, code;

	if (table->call->options->test_only) {
		type = table_key_guess(word);
		if (type < 0)
			return command_refuse(table->call, EX_USAGE, table->next, NULL, "Cannot guess key '%s' type",
					      word);
		*info = (struct table_info){.type = (__u8)type, .values = TABLE_VALUES_ALL};
		return 0;
	}
	code = table_open(table, FIREWALL_WRITE);
	if (code)
		return code;
	batch->named = table_named(table);
	code = batch->named ? 0 : make_missing(batch, table->next, word);
	if (!code)
		*info = batch->named->info;
	return code;
}

/* Reads the keys, and for `add' a value behind each but maybe the last. Returns 0 or an exit code. */
static int read_requests(struct batch *batch, const struct table_info *info)
{
	struct command_call *call = batch->table->call;
	struct error error;
	const char *word;

	error_clear(&error);
	for (int index = batch->table->next; (word = command_argument(call, index)); index++) {
		struct request *request = batch->requests + batch->count++;

		if (table_key_parse(&request->key, info, word, call->verb + 1 + index, &error))
			return command_fail(call, &error);
		word = batch->add ? command_argument(call, index + 1) : NULL;
		if (!word)
			continue;
		index++;
		if (table_record_parse(&request->record, info, word, call->verb + 1 + index, &error))
			return command_fail(call, &error);
	}
	return 0;
}

/* Notes how a request ended. */
static void conclude(struct batch *batch, struct request *request, enum outcome outcome, int error)
{
	request->outcome = outcome;
	if (error && !batch->error)
		batch->error = error;
}

/* Whether tables of this algorithm have entries of that length. */
static bool fits(const struct table_info *info, const struct table_key *key)
{
	return !(info->flags & TABLE_HASH) || key->bits == info->hash_bits[key->family == 6];
}

static void add_one(struct batch *batch, struct request *request)
{
	const struct transaction *transaction = batch->table->call->transaction;
	struct table *named = batch->named;
	struct table_record old;
	int result = firewall_table_find(transaction->firewall, named, &request->key, true, &old);

	request->record.number[TABLE_VALUE_ANY] = request->key.bits;
	if (!fits(&named->info, &request->key))
		conclude(batch, request, FAILED, EINVAL);
	else if (!result && !batch->table->call->options->quiet)
		conclude(batch, request, EXISTS, EEXIST);
	else if (result && result != -ENOENT)
		conclude(batch, request, FAILED, -result);
	else if (result && named->info.limit && named->info.items[0] + named->info.items[1] >= named->info.limit)
		conclude(batch, request, LIMIT, EFBIG);
	else if (table_set(named, &request->key, &request->record, result == -ENOENT))
		conclude(batch, request, FAILED, ENOMEM);
	else
		conclude(batch, request, result ? ADDED : UPDATED, 0);
}

static void delete_one(struct batch *batch, struct request *request)
{
	const struct transaction *transaction = batch->table->call->transaction;
	struct table_record old;
	int result = firewall_table_find(transaction->firewall, batch->named, &request->key, true, &old);

	if (result == -ENOENT)
		conclude(batch, request, NOT_FOUND, ENOENT);
	else if (result)
		conclude(batch, request, FAILED, -result);
	else if (table_set(batch->named, &request->key, NULL, false))
		conclude(batch, request, FAILED, ENOMEM);
	else
		conclude(batch, request, DELETED, 0);
}

static void apply(struct batch *batch)
{
	bool atomic = batch->table->atomic;

	if (batch->named->info.flags & TABLE_LOCKED) {
		batch->error = EACCES;
		return;
	}
	for (size_t i = 0; i < batch->count && !(atomic && batch->error); i++) {
		if (batch->add)
			add_one(batch, batch->requests + i);
		else
			delete_one(batch, batch->requests + i);
	}
	batch->table->call->transaction->tables_changed = true;
}

/* Applies all or, should one fail, none. Returns 0 or -ENOMEM. */
static int apply_atomically(struct batch *batch)
{
	struct table *named = batch->named, before = *named;
	int result = table_edits_clone(&before.edits, &named->edits);

	if (result)
		return result;
	apply(batch);
	if (batch->error) {
		table_edits_free(&named->edits);
		*named = before;
	} else {
		table_edits_free(&before.edits);
	}
	return 0;
}

static const char *describe(int error)
{
	switch (error) {
	case EEXIST:
		return "record already exists";
	case EFBIG:
		return "limit hit";
	case ENOENT:
		return "record not found";
	case EACCES:
		return "table is locked";
	default:
		return strerror(error);
	}
}

static int report(const struct batch *batch)
{
	const struct command_call *call = batch->table->call;
	bool reverted = batch->table->atomic && batch->error;

	if (call->options->quiet && (!batch->error || batch->error == (batch->add ? EEXIST : ENOENT)))
		return 0;
	for (size_t i = 0; i < batch->count; i++) {
		const struct request *request = batch->requests + i;

		fprintf(call->transaction->out, "%s%s: ", outcome_words[request->outcome],
			reverted && (request->outcome == ADDED || request->outcome == UPDATED) ? "(reverted)" : "");
		table_entry_print(call->transaction->out, &batch->named->info, &request->key, &request->record,
				  call->options->addresses);
	}
	if (!batch->error)
		return 0;
	return command_refuse(call, EX_OSERR, -1, NULL, "%s: %s",
			      batch->add ? "Adding record failed" : "Deleting record failed", describe(batch->error));
}

static int run(struct batch *batch)
{
	struct table_info info;
	int code = find_table(batch, &info);

	if (!code)
		code = read_requests(batch, &info);
	if (code || !batch->named)
		return code;
	if (!batch->table->atomic)
		apply(batch);
	else if (apply_atomically(batch))
		return command_refuse(batch->table->call, EX_OSERR, -1, NULL, "%s", strerror(ENOMEM));
	return report(batch);
}

static int change(const struct table_call *table, bool add)
{
	struct batch batch = {.table = table, .add = add};
	int code;

	if (!command_argument(table->call, table->next))
		return command_refuse(table->call, EX_USAGE, -1, NULL, "address required");
	batch.requests = calloc((size_t)table->call->words->count, sizeof(*batch.requests));
	if (!batch.requests)
		return command_refuse(table->call, EX_OSERR, -1, NULL, "%s", strerror(ENOMEM));
	code = run(&batch);
	free(batch.requests);
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
