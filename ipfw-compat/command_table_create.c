/* SPDX-License-Identifier: GPL-2.0-only */
/* table create, table modify. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "ipfw-compat/command_table.h"

static const char *const option_names[] = {"type",    "valtype",  "algo",    "limit",	 "locked",
					   "missing", "or-flush", "timeout", "counters", "no-counters"};
enum create_option {
	TYPE,
	VALUES,
	ALGORITHM,
	LIMIT,
	LOCKED,
	MISSING,
	OR_FLUSH,
	TIMEOUT, /* from here on ours, and not to be shortened, so that those of ipfw can be as ever */
	COUNTERS,
	NO_COUNTERS,
	CREATE_OPTIONS
};

/* What `create' was told. */
struct creation {
	struct table_info info;
	bool missing, or_flush;
};

/* The one option that begins with `word`. Returns CREATE_OPTIONS if there is none, or more than one. */
static enum create_option find_option(const char *word)
{
	enum create_option found = CREATE_OPTIONS;

	for (int i = 0; *word && i < CREATE_OPTIONS; i++) {
		if (i < TIMEOUT ? strncmp(option_names[i], word, strlen(word)) : strcmp(option_names[i], word))
			continue;
		if (found != CREATE_OPTIONS)
			return CREATE_OPTIONS;
		found = i;
	}
	return found;
}

#define ADDRESS_HASH "addr:hash"

/* `addr:hash masks=/24,/64': all prefixes have these lengths. Returns whether it is that. */
static bool read_hash(struct table_info *info)
{
	unsigned int bits[2] = {32, 128};
	const char *rest = info->algorithm + strlen(ADDRESS_HASH);
	int end = 0;

	if (strncmp(info->algorithm, ADDRESS_HASH, strlen(ADDRESS_HASH)) != 0)
		return false;
	if (*rest &&
	    (sscanf(rest, " masks=/%u,/%u%n", bits, bits + 1, &end) != 2 || rest[end] || bits[0] > 32 || bits[1] > 128))
		return false;
	info->flags |= TABLE_HASH;
	info->hash_bits[0] = (__u8)bits[0];
	info->hash_bits[1] = (__u8)bits[1];
	return true;
}

/* Completes the algorithm. Returns whether tables of the type have it. */
static bool choose_algorithm(struct table_info *info)
{
	if (!*info->algorithm)
		strcpy(info->algorithm, table_algorithm(info->type));
	if (!strcmp(info->algorithm, table_algorithm(info->type)))
		return true;
	return info->type == TABLE_ADDRESS && read_hash(info);
}

/* Reads the argument of an option. Returns 0 or an exit code. */
static int read_argument(const struct table_call *table, int index, enum create_option option,
			 struct creation *creation)
{
	static const char *const missing[] = {
		[TYPE] = "table type required",
		[VALUES] = "table value type required",
		[ALGORITHM] = "table algorithm name required",
		[LIMIT] = "limit value required",
		[TIMEOUT] = "number of seconds required",
	};
	const char *word = command_argument(table->call, index);
	int position = table->call->verb + 1 + index;
	struct error error;

	error_clear(&error);
	if (!word)
		return command_refuse(table->call, EX_USAGE, -1, NULL, "%s", missing[option]);
	if (option == TYPE && table_type_parse(&creation->info, word, position, &error))
		return command_fail(table->call, &error);
	if (option == VALUES && table_values_parse(&creation->info, word, position, &error))
		return command_fail(table->call, &error);
	if (option == ALGORITHM) {
		if (strlen(word) >= sizeof(creation->info.algorithm))
			return command_refuse(table->call, EX_USAGE, index, NULL, "algorithm name too long");
		strcpy(creation->info.algorithm, word);
	}
	if (option == LIMIT)
		creation->info.limit = (__u32)strtol(word, NULL, 10);
	if (option == TIMEOUT && table_seconds_parse(&creation->info.timeout, word, position, &error))
		return command_fail(table->call, &error);
	return 0;
}

/* An option without an argument. */
static void note_word(enum create_option option, struct creation *creation)
{
	if (option == LOCKED)
		creation->info.flags |= TABLE_LOCKED;
	if (option == COUNTERS)
		creation->info.flags |= TABLE_COUNTED;
	if (option == NO_COUNTERS)
		creation->info.flags &= (__u8)~TABLE_COUNTED;
	creation->or_flush |= option == OR_FLUSH;
	creation->missing |= option == MISSING || option == OR_FLUSH;
}

static bool has_argument(enum create_option option)
{
	return option == TYPE || option == VALUES || option == ALGORITHM || option == LIMIT || option == TIMEOUT;
}

/* What `modify' can change. */
static bool changeable(enum create_option option)
{
	return option == LIMIT || option == TIMEOUT || option == COUNTERS || option == NO_COUNTERS;
}

/* Reads the options of `create', or of `modify' with `modify', into what is there. Returns 0 or an exit code. */
static int read_options(const struct table_call *table, bool modify, struct creation *creation)
{
	const char *word;
	int code = 0;

	for (int index = table->next; !code && (word = command_argument(table->call, index)); index++) {
		enum create_option option = find_option(word);

		if (option == CREATE_OPTIONS)
			return command_refuse(table->call, EX_USAGE, index, NULL, "ambiguous option %s", word);
		if (modify && !changeable(option))
			return command_refuse(table->call, EX_USAGE, index,
					      "modify limit NUMBER, timeout SECONDS, counters, no-counters",
					      "cmd is not supported for modification");
		if (has_argument(option))
			code = read_argument(table, ++index, option, creation);
		else
			note_word(option, creation);
	}
	return code;
}

static bool compatible(const struct creation *creation, const struct table_info *info)
{
	const struct table_info *wanted = &creation->info;

	return wanted->type == info->type && wanted->flow_fields == info->flow_fields &&
	       wanted->values == info->values && wanted->limit == info->limit && wanted->timeout == info->timeout &&
	       !((wanted->flags ^ info->flags) & TABLE_CREATED) && !strcmp(wanted->algorithm, info->algorithm);
}

int table_run_create(struct table_call *table)
{
	struct creation creation = {.info = {.type = TABLE_ADDRESS, .values = TABLE_VALUES_ALL}};
	struct table *named;
	int code = read_options(table, false, &creation);

	if (code)
		return code;
	if (!choose_algorithm(&creation.info))
		return command_refuse(table->call, EX_OSERR, 0, "for this type of table there is no such algorithm",
				      "Table creation failed: %s", strerror(EOPNOTSUPP));
	code = table->call->options->test_only ? 0 : table_open(table, FIREWALL_WRITE);
	if (code || table->call->options->test_only)
		return code;
	named = table_named(table);
	if (!named) {
		table_create(table, &creation.info, &code);
		return code;
	}
	if (!creation.missing)
		return command_refuse(table->call, EX_OSERR, 0, "`missing' takes the table that is there",
				      "Table creation failed: %s", strerror(EEXIST));
	if (!compatible(&creation, &named->info))
		return command_refuse(table->call, EX_DATAERR, 0, NULL,
				      "The existing table is not compatible with one you are creating.");
	if (creation.or_flush) {
		table_clear(named);
		table->call->transaction->tables_changed = true;
	}
	return 0;
}

int table_run_modify(struct table_call *table)
{
	struct creation creation = {0};
	struct table *named;
	int code = read_options(table, true, &creation);

	if (!code && !table->call->options->test_only)
		code = table_open(table, FIREWALL_WRITE);
	if (code || table->call->options->test_only)
		return code;
	named = table_named(table);
	if (!named || named->info.flags & TABLE_LOCKED)
		return command_refuse(table->call, EX_OSERR, 0, NULL, "Table modification failed: %s",
				      strerror(named ? EACCES : ESRCH));
	creation.info = named->info;
	code = read_options(table, true, &creation);
	named->info = creation.info;
	named->changed = true;
	table->call->transaction->tables_changed = true;
	return code;
}
