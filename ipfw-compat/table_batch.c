/* SPDX-License-Identifier: GPL-2.0-only */
#include "ipfw-compat/table_batch.h"

#include <errno.h>
#include <string.h>
#include <sysexits.h>

/* Makes the missing table of the type that `word` looks like. Returns 0 or an exit code. */
static int make_missing(struct table_batch *batch, const struct command_call *origin, int index, const char *word)
{
	const struct table_call *call = batch->call;
	struct table_info info = {.values = TABLE_VALUES_ALL};
	int type = table_key_guess(word), code = 0;

	if (!batch->add)
		return command_refuse(call->call, EX_DATAERR, 0, NULL, "Table %s does not exist", call->name);
	if (type < 0)
		return command_refuse(origin, EX_USAGE, index, "`create' makes a table of a given type",
				      "Table %s does not exist, cannot guess key '%s' type", call->name, word);
	if (!call->call->options->quiet)
		fprintf(stderr, "%s: DEPRECATED: inserting data into non-existent table %s. (auto-created)\n",
			call->call->program, call->name);
	info.type = (__u8)type;
	strcpy(info.algorithm, table_algorithm((unsigned int)type));
	batch->table = table_create(call, &info, &code);
	batch->made = true;
	return code;
}

int table_batch_open(struct table_batch *batch, const struct command_call *origin, int index)
{
	const struct table_call *call = batch->call;
	const char *word = command_argument(origin, index);
	int type, code;

	if (call->call->options->test_only) {
		type = table_key_guess(word);
		if (type < 0)
			return command_refuse(origin, EX_USAGE, index, NULL, "Cannot guess key '%s' type", word);
		batch->info = (struct table_info){.type = (__u8)type, .values = TABLE_VALUES_ALL};
		return 0;
	}
	code = table_open(call, FIREWALL_WRITE);
	if (code)
		return code;
	batch->table = table_named(call);
	code = batch->table ? 0 : make_missing(batch, origin, index, word);
	if (!code)
		batch->info = batch->table->info;
	return code;
}

#define TIMEOUT "timeout"
#define NANOSECONDS 1000000000ull

/* Has the entry expire so many seconds from now, 0: never. */
static void set_timeout(struct table_request *request, __u32 seconds)
{
	request->timed = true;
	request->entry.expires = seconds ? table_clock() + seconds * NANOSECONDS : 0;
}

/* Reads `timeout SECONDS' at *index, if that is there, and moves on behind it. Returns 0 or -1 with *error set. */
static int read_timeout(struct table_request *request, const struct command_call *origin, int *index,
			struct error *error)
{
	const char *word = command_argument(origin, *index), *number = command_argument(origin, *index + 1);
	int position = origin->verb + 1 + *index;
	__u32 seconds;

	if (!word || strcmp(word, TIMEOUT) != 0)
		return 0;
	if (!number)
		return error_set(error, EX_USAGE, position, "timeout SECONDS is expected");
	if (table_seconds_parse(&seconds, number, position + 1, error))
		return -1;
	set_timeout(request, seconds);
	*index += 2;
	return 0;
}

/* Whether the word behind a key is the next key: prefixes say so, as no value has a slash. sshguard adds several so. */
static bool is_key(const struct table_info *info, const char *word)
{
	return (info->type == TABLE_ADDRESS || info->type == TABLE_MAC) && strchr(word, '/');
}

int table_request_read(struct table_request *request, const struct table_batch *batch,
		       const struct command_call *origin, int *index)
{
	int first = origin->verb + 1;
	struct error error;
	const char *word;

	error_clear(&error);
	memset(request, 0, sizeof(*request));
	if (table_key_parse(&request->key, &batch->info, command_argument(origin, *index), first + *index, &error))
		return command_fail(origin, &error);
	word = command_argument(origin, ++*index);
	if (!batch->add && !batch->listed)
		return 0;
	if (batch->info.timeout)
		set_timeout(request, batch->info.timeout);
	if (word && strcmp(word, TIMEOUT) != 0 && !is_key(&batch->info, word)) {
		if (table_record_parse(&request->entry.record, &batch->info, word, first + *index, &error))
			return command_fail(origin, &error);
		++*index;
	}
	return read_timeout(request, origin, index, &error) ? command_fail(origin, &error) : 0;
}

/* Notes how a request ended. Returns `error`. */
static int conclude(struct table_request *request, enum table_outcome outcome, int error)
{
	request->outcome = outcome;
	return error;
}

/* Whether tables of this algorithm have entries of that length. */
static bool fits(const struct table_info *info, const struct table_key *key)
{
	return !(info->flags & TABLE_HASH) || key->bits == info->hash_bits[key->family == 6];
}

static int add(struct table_batch *batch, struct table_request *request)
{
	const struct command_call *call = batch->call->call;
	struct table *table = batch->table;
	struct table_entry old;
	__u32 items[2];
	int result = firewall_table_find(call->transaction->firewall, table, &request->key, true, &old);

	request->entry.record.number[TABLE_VALUE_ANY] = request->key.bits;
	if (!fits(&table->info, &request->key))
		return conclude(request, TABLE_FAILED, EINVAL);
	if (!result && batch->listed && !request->timed && !memcmp(&old, &request->entry, sizeof(old)))
		return conclude(request, TABLE_IGNORED, 0);
	if (!result && !request->timed && !call->options->quiet)
		return conclude(request, TABLE_EXISTS, EEXIST);
	if (result && result != -ENOENT)
		return conclude(request, TABLE_FAILED, -result);
	if (result && table->info.limit &&
	    (firewall_table_items(call->transaction->firewall, table, items) ||
	     items[0] + items[1] >= table->info.limit))
		return conclude(request, TABLE_LIMIT, EFBIG);
	if (table_set(table, &request->key, &request->entry, result ? NULL : &old))
		return conclude(request, TABLE_FAILED, ENOMEM);
	return conclude(request, result ? TABLE_ADDED : TABLE_UPDATED, 0);
}

static int delete (struct table_batch *batch, struct table_request *request)
{
	const struct transaction *transaction = batch->call->call->transaction;
	struct table_entry old;
	int result = firewall_table_find(transaction->firewall, batch->table, &request->key, true, &old);

	if (result == -ENOENT && batch->listed && table_edits_find(&batch->table->edits, &request->key))
		return conclude(request, TABLE_IGNORED, 0);
	if (result == -ENOENT)
		return conclude(request, TABLE_NOT_FOUND, ENOENT);
	if (result)
		return conclude(request, TABLE_FAILED, -result);
	if (table_set(batch->table, &request->key, NULL, &old))
		return conclude(request, TABLE_FAILED, ENOMEM);
	return conclude(request, TABLE_DELETED, 0);
}

int table_request_apply(struct table_batch *batch, struct table_request *request)
{
	if (batch->table->info.flags & TABLE_LOCKED)
		return EACCES;
	batch->call->call->transaction->tables_changed = true;
	return batch->add ? add(batch, request) : delete (batch, request);
}

int table_batch_save(struct table *saved, const struct table_batch *batch)
{
	*saved = *batch->table;
	if (table_edits_clone(&saved->edits, &batch->table->edits))
		return -ENOMEM;
	if (!table_edits_clone(&saved->reset, &batch->table->reset))
		return 0;
	table_edits_free(&saved->edits);
	return -ENOMEM;
}

void table_batch_revert(struct table_batch *batch, struct table *saved)
{
	table_edits_free(&batch->table->edits);
	table_edits_free(&batch->table->reset);
	*batch->table = *saved;
}

void table_batch_keep(struct table *saved)
{
	table_edits_free(&saved->edits);
	table_edits_free(&saved->reset);
}

const char *table_error_text(int error)
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
