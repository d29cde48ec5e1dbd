/* SPDX-License-Identifier: GPL-2.0-only */
/* Entries that one command adds to a table or deletes from it, whether they stand in its words or in a file. */
#ifndef COMPAT_TABLE_BATCH_H
#define COMPAT_TABLE_BATCH_H

#include "ipfw-compat/command_table.h"

enum table_outcome {
	TABLE_IGNORED,
	TABLE_ADDED,
	TABLE_DELETED,
	TABLE_UPDATED,
	TABLE_LIMIT,
	TABLE_FAILED,
	TABLE_NOT_FOUND,
	TABLE_EXISTS,
	TABLE_OUTCOMES
};

struct table_request {
	struct table_key key;
	struct table_entry entry;
	bool timed; /* how long the entry stays was said, if only for the table: it starts anew */
	enum table_outcome outcome;
};

struct table_batch {
	const struct table_call *call;
	bool add;
	bool listed;		/* from a file: what is as requested already, or was so in this file, is no error */
	struct table *table;	/* NULL with -n, and before table_batch_open() */
	struct table_info info; /* what the words of entries are read by */
	bool made;		/* the table did not exist */
};

/*
 * Opens the table of the batch, or makes the missing one of the type that the first key looks like, which stands at
 * `index` of the words of `origin`. Returns 0 or an exit code, with the message printed.
 */
int table_batch_open(struct table_batch *batch, const struct command_call *origin, int index);

/*
 * Reads one entry from the words of `origin`, at *index, and moves on behind it: a key, and the value behind
 * it if there is one and the command is `add' or the entry stands in a file, which may be the same for `delete'; with
 * it `timeout SECONDS'.
 * Returns 0 or an exit code, with the message printed.
 */
int table_request_read(struct table_request *request, const struct table_batch *batch,
		       const struct command_call *origin, int *index);

/* Does what is requested, in the transaction; request->outcome says how it ended. Returns 0 or an errno. */
int table_request_apply(struct table_batch *batch, struct table_request *request);

/* What to take back to: a copy of the batch's table. Returns 0 or -ENOMEM. */
int table_batch_save(struct table *saved, const struct table_batch *batch);
/* Takes the table back to the copy, or releases the copy. */
void table_batch_revert(struct table_batch *batch, struct table *saved);
void table_batch_keep(struct table *saved);

/* What ipfw says to an error of a request. */
const char *table_error_text(int error);

#endif
